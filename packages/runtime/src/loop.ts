/**
 * A helper for everything that repeats until the process drains. A failing loop pauses between its
 * rounds and is reported in `/readyz`.
 */
import { type Backoff, backoffMs } from './backoff.js';
import { describeError } from './describe-error.js';
import type { Need } from './health.js';
import { RepeatLimit } from './repeat-limit.js';
import type { Runtime } from './runtime.js';

export interface LoopOptions {
  /** The name in metrics, logs and `/readyz`: one of a small fixed set, never an id or a value. */
  name: string;
  backoff: Backoff;
  /** Effect of repeated failures on the process. Default `not-ready`. */
  need?: Need;
  /**
   * Log line of a failure. It is written at most once in 30 s for each kind of error, with the
   * number of failures in between.
   */
  failed: { event: string; text: string | ((error: unknown) => string); level?: 'error' | 'warn' };
  /** Log line of the first success after a logged failure. */
  recovered?: { event: string; text: string };
  /** Identifies errors that other code has already logged. They still count as failures. */
  isLoggedElsewhere?: (error: unknown) => boolean;
  /**
   * For work that is only done on request: without a request for this long after its pause, it no
   * longer counts as failing.
   */
  staleAfterMs?: number;
}

/** Records the failures of a loop that other code runs. */
export interface LoopReport {
  succeeded(): void;
  /** @returns the pause before the next try, in ms */
  failed(error: unknown): number;
}

export interface Loop extends LoopOptions {
  /**
   * Runs one round. Resolves with the pause until the next round, in ms. Throws when the round
   * failed.
   */
  round: () => Promise<number>;
  /**
   * A longer round counts as hanging, for example on a dead connection, and is reported in
   * `/readyz`. Default: no limit.
   */
  roundLimitMs?: number;
  /** Ends the loop when aborted. Default: the process's signal. */
  signal?: AbortSignal;
  /** The pause before the first round, in ms. Default: none. */
  firstAfterMs?: number;
}

/**
 * Runs rounds until the signal is aborted, then resolves. A failed round is followed by a pause
 * with backoff. A failed round never rejects this call.
 */
export async function runLoop(rt: Runtime, loop: Loop): Promise<void> {
  const { signal = rt.signal, firstAfterMs = 0 } = loop;
  const report = openLoopReport(rt, loop);
  let pauseMs = firstAfterMs;
  while (!signal.aborted) {
    if (pauseMs > 0) await pause(rt, pauseMs, signal);
    if (signal.aborted) break;
    try {
      pauseMs = await watchedRound(rt, loop);
      report.succeeded();
    } catch (error) {
      if (signal.aborted) break; // An interrupted round has not failed.
      pauseMs = report.failed(error);
    }
  }
  // A loop that has ended no longer counts as failing.
  rt.health.loopSucceeded(loop.name);
}

async function watchedRound(
  rt: Runtime,
  { name, need = 'not-ready', roundLimitMs, round }: Loop,
): Promise<number> {
  if (roundLimitMs === undefined) return round();
  rt.health.roundRuns(name, { need, limitMs: roundLimitMs });
  try {
    return await round();
  } finally {
    rt.health.roundRuns(name, null);
  }
}

/**
 * Reports failures for loops with their own schedule: a timer, requests for a page, a library's
 * loop.
 */
export function openLoopReport(rt: Runtime, o: LoopOptions): LoopReport {
  const limit = new RepeatLimit();
  let failures = 0;
  let wasLogged = false;
  return {
    succeeded: () => {
      if (failures === 0) return;
      if (wasLogged && o.recovered)
        rt.log.info({ event: o.recovered.event, failures }, o.recovered.text);
      failures = 0;
      wasLogged = false;
      rt.health.loopSucceeded(o.name);
    },
    failed: (error) => {
      failures += 1;
      const pauseMs = backoffMs(failures, o.backoff, rt.random.next());
      rt.health.loopFailed(o.name, error, {
        need: o.need ?? 'not-ready',
        ...(o.staleAfterMs === undefined
          ? {}
          : { overAtMs: rt.clock.nowMs() + pauseMs + o.staleAfterMs }),
      });
      if (!o.isLoggedElsewhere?.(error))
        wasLogged = logFailure(rt, o, limit, error, failures) || wasLogged;
      return pauseMs;
    },
  };
}

/** @returns whether a log line was written */
function logFailure(
  rt: Runtime,
  { name, failed: { event, text, level = 'warn' } }: LoopOptions,
  limit: RepeatLimit,
  error: unknown,
  failures: number,
): boolean {
  const suppressed = limit.admit(describeError(error), rt.clock.nowMs());
  if (suppressed === null) return false;
  rt.log[level](
    { event, loop: name, failures, suppressed, err: error },
    typeof text === 'string' ? text : text(error),
  );
  return true;
}

/** Returns early when the signal is aborted; the loop checks the signal. */
async function pause(rt: Runtime, ms: number, signal: AbortSignal): Promise<void> {
  await rt.clock.sleep(ms, signal).catch((reason: unknown) => {
    if (!signal.aborted) throw reason;
  });
}
