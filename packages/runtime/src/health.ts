/**
 * The health of this process (docs/decisions/0011-process-health.md). Loops and probes report here.
 * `/readyz` reads this state and sends no query. It contains names only; addresses, ids and error
 * texts belong in the log.
 */
import type { Clock } from './clock.js';
import { describeError } from './describe-error.js';
import type { Metrics } from './metrics.js';

/**
 * Effect of a failure: the process cannot work (`not-ready`), or continues without the function
 * (`degraded`).
 */
export type Need = 'not-ready' | 'degraded';

/** A sequence of consecutive failures of one loop. */
export interface Streak {
  sinceMs: number;
  failures: number;
  /** Kind of the last error, without values. */
  kind: string;
  need: Need;
  /**
   * Time at which the sequence ends even when no success is reported. Null: only a success ends it.
   */
  overAtMs: number | null;
}

interface FailingLoop extends Streak {
  loop: string;
}

export interface Failure {
  kind: string;
  need: Need;
  overAtMs?: number | undefined;
}

/** The body of `/readyz`. */
type ReadyAnswer =
  | { status: 'ready' }
  | { status: 'degraded'; degraded: string[] }
  | { status: 'not ready'; missing: string[]; degraded?: string[] };

export interface Health {
  /** Reports that the start is complete. Draining follows from the signal of the process. */
  started(): void;
  loopFailed(loop: string, error: unknown, o: { need: Need; overAtMs?: number }): void;
  loopSucceeded(loop: string): void;
  /**
   * Reports the start of a round that takes at most `limitMs`; a longer round counts as hanging.
   * Null: the round has ended.
   */
  roundRuns(loop: string, round: { need: Need; limitMs: number } | null): void;
  /** Returns the loops that fail repeatedly or hang. */
  failingLoops(): FailingLoop[];
  /**
   * From this call on, the process is ready only while the last success of this probe is recent.
   */
  expectProbe(name: string, need: Need): void;
  probed(name: string, isOk: boolean): void;
  answer(): ReadyAnswer;
}

interface ProbeResult {
  need: Need;
  isOk: boolean;
  atMs: number;
}

const FAILURES_TO_REPORT = 3;
const FAILING_MS_TO_REPORT = 10_000;
/** Two periods of a probe plus its timeout. An older result no longer describes the present. */
const PROBE_STALE_MS = 15_000;

/**
 * Whether a loop fails repeatedly: three consecutive failures, the first of them at least ten
 * seconds ago. A server restart or a lost connection is over sooner and does not make the process
 * not ready. A loop with long pauses is not reported for a single failure.
 */
export function failsRepeatedly({ failures, sinceMs, overAtMs }: Streak, nowMs: number): boolean {
  if (overAtMs !== null && nowMs >= overAtMs) return false;
  return failures >= FAILURES_TO_REPORT && nowMs - sinceMs >= FAILING_MS_TO_REPORT;
}

/** Returns the sequence after one more failure. A sequence that has ended is not continued. */
export function afterFailure(before: Streak | undefined, failure: Failure, nowMs: number): Streak {
  const isOver = before?.overAtMs !== null && before !== undefined && nowMs >= before.overAtMs;
  const goesOn = before !== undefined && !isOver ? before : { sinceMs: nowMs, failures: 0 };
  return {
    sinceMs: goesOn.sinceMs,
    failures: goesOn.failures + 1,
    kind: failure.kind,
    need: failure.need,
    overAtMs: failure.overAtMs ?? null,
  };
}

export function createHealth(clock: Clock, metrics: Metrics, draining: AbortSignal): Health {
  const streaks = new Map<string, Streak>();
  const probes = new Map<string, ProbeResult>();
  const rounds = new Map<string, { need: Need; sinceMs: number; limitMs: number }>();
  let hasStarted = false;
  const failingLoops = (): FailingLoop[] => {
    const nowMs = clock.nowMs();
    const failing = new Map([...streaks].filter(([, streak]) => failsRepeatedly(streak, nowMs)));
    for (const [loop, { need, sinceMs, limitMs }] of rounds)
      if (nowMs - sinceMs > limitMs && !failing.has(loop))
        failing.set(loop, { sinceMs, failures: 0, kind: 'hangs', need, overAtMs: null });
    return [...failing].map(([loop, streak]) => ({ loop, ...streak }));
  };
  const phase = (): string[] => {
    if (draining.aborted) return ['draining'];
    return hasStarted ? [] : ['starting'];
  };
  return {
    started: () => void (hasStarted = true),
    loopFailed: (loop, error, { need, overAtMs }) => {
      metrics.loopFailures.inc({ loop });
      const failure = { kind: describeError(error), need, overAtMs };
      streaks.set(loop, afterFailure(streaks.get(loop), failure, clock.nowMs()));
    },
    loopSucceeded: (loop) => void streaks.delete(loop),
    roundRuns: (loop, round) => {
      if (round === null) rounds.delete(loop);
      else rounds.set(loop, { ...round, sinceMs: clock.nowMs() });
    },
    failingLoops,
    expectProbe: (name, need) => void probes.set(name, { need, isOk: false, atMs: clock.nowMs() }),
    probed: (name, isOk) => {
      const need = probes.get(name)?.need ?? 'not-ready';
      probes.set(name, { need, isOk, atMs: clock.nowMs() });
    },
    answer: () => {
      const nowMs = clock.nowMs();
      const failed = [...probes]
        .filter(([, { isOk, atMs }]) => !isOk || nowMs - atMs > PROBE_STALE_MS)
        .map(([name, { need }]) => ({ name, need }));
      const loops = failingLoops().map(({ loop, need }) => ({ name: `loop:${loop}`, need }));
      return answerOf(phase(), [...failed, ...loops]);
    },
  };
}

function answerOf(phase: string[], failed: { name: string; need: Need }[]): ReadyAnswer {
  const named = (required: Need): string[] =>
    failed.filter(({ need }) => need === required).map(({ name }) => name);
  const missing = [...phase, ...named('not-ready')];
  const degraded = named('degraded');
  if (missing.length > 0)
    return { status: 'not ready', missing, ...(degraded.length > 0 ? { degraded } : {}) };
  return degraded.length > 0 ? { status: 'degraded', degraded } : { status: 'ready' };
}
