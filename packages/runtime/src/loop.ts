/** One helper for everything that is done again and again until the process drains. An error that repeats pauses its loop, and shows in `/readyz`. */
import { type Backoff, backoffMs } from './backoff.js';
import { describeError } from './describe-error.js';
import type { Need } from './health.js';
import { RepeatLimit } from './repeat-limit.js';
import type { Runtime } from './runtime.js';

export interface LoopOptions {
  /** In metrics, logs and `/readyz`: one of a small fixed set, never an id or a value. */
  name: string;
  backoff: Backoff;
  /** What repeated failures mean for the process. Default `not-ready`. */
  need?: Need;
  /** The line of the log. At most once in 30 s for each kind of error, with the number of failures between. */
  failed: { event: string; text: string | ((error: unknown) => string); level?: 'error' | 'warn' };
  /** The line when it works again, if a failure was logged. */
  recovered?: { event: string; text: string };
  /** Errors that something else has logged. They count all the same. */
  isLoggedElsewhere?: (error: unknown) => boolean;
  /** For what is done only when it is asked for: not asked for this long after its pause, it no longer counts as failing. */
  forgottenAfterMs?: number;
}

/** The failures of a loop that somebody else runs. */
export interface LoopReport {
  succeeded(): void;
  /** @returns the pause before the next try, in ms */
  failed(error: unknown): number;
}

export interface Loop extends LoopOptions {
  /** One round. Resolves with the pause until the next one, in ms. Throws when it failed. */
  round: () => Promise<number>;
  /** A round that lasts longer hangs (on a connection that carries nothing), and shows in `/readyz`. Default: it may last. */
  roundLimitMs?: number;
  /** Ends the loop. Default: the process's signal. */
  signal?: AbortSignal;
  /** The pause before the first round, in ms. Default none. */
  firstAfterMs?: number;
}

/** Runs rounds until the signal is aborted, and resolves then. A failed round is followed by a pause with backoff. Never rejects for a failed round. */
export async function runLoop(rt: Runtime, loop: Loop): Promise<void> {
  const { signal = rt.signal, firstAfterMs = 0 } = loop;
  const report = openLoopReport(rt, loop);
  let pauseMs = firstAfterMs;
  while (!signal.aborted) {
    if (pauseMs > 0) await pause(rt, pauseMs, signal);
    if (signal.aborted) break;
    try {
      pauseMs = await inSight(rt, loop);
      report.succeeded();
    } catch (error) {
      if (signal.aborted) break; // What was interrupted has not failed.
      pauseMs = report.failed(error);
    }
  }
  // Who has ended fails no more.
  rt.health.loopSucceeded(loop.name);
}

async function inSight(
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

/** For loops with a clock of their own: a timer, a page that is asked for, a library's. */
export function openLoopReport(rt: Runtime, o: LoopOptions): LoopReport {
  const limit = new RepeatLimit();
  let failures = 0;
  let isSaid = false;
  return {
    succeeded: () => {
      if (failures === 0) return;
      if (isSaid && o.recovered)
        rt.log.info({ event: o.recovered.event, failures }, o.recovered.text);
      failures = 0;
      isSaid = false;
      rt.health.loopSucceeded(o.name);
    },
    failed: (error) => {
      failures += 1;
      const pauseMs = backoffMs(failures, o.backoff, rt.random.next());
      rt.health.loopFailed(o.name, error, {
        need: o.need ?? 'not-ready',
        ...(o.forgottenAfterMs === undefined
          ? {}
          : { overAtMs: rt.clock.nowMs() + pauseMs + o.forgottenAfterMs }),
      });
      if (!o.isLoggedElsewhere?.(error)) isSaid = say(rt, o, limit, error, failures) || isSaid;
      return pauseMs;
    },
  };
}

/** @returns whether a line was written */
function say(
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

/** Returns early when the signal is aborted: the loop looks at it. */
async function pause(rt: Runtime, ms: number, signal: AbortSignal): Promise<void> {
  await rt.clock.sleep(ms, signal).catch((reason: unknown) => {
    if (!signal.aborted) throw reason;
  });
}
