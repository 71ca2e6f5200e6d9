/**
 * Handles Redis's transient errors, which a worker gets as an endless stream of the same error. The
 * breaker prevents a busy loop (8,000 errors a second were measured while Redis is full), and the
 * error log prevents a full log disk.
 */
import { RepeatLimit, backoffMs, describeError, type Runtime } from '@syncline/runtime';

/**
 * Whether Redis is reachable and refuses: full (OOM), read-only, cannot persist (MISCONF), loading,
 * a cluster without its slots, or changed credentials. BullMQ backs off only from lost connections
 * and retries these errors at once, so the worker must be paused.
 */
export function isRefusal(error: Error): boolean {
  return /^(?:OOM|READONLY|MISCONF|NOAUTH|NOPERM|WRONGPASS|LOADING|MASTERDOWN|CLUSTERDOWN|BUSY)\b/.test(
    error.message,
  );
}

/**
 * Errors within a second that count as a busy loop. A lost connection causes an error only now and
 * then, because BullMQ waits after it.
 */
const HOT_ERRORS = 5;
const HOT_WINDOW_MS = 1_000;
const PAUSES = { firstMs: 1_000, capMs: 30_000 };
/** The backoff starts from its first value when no error occurs for this long after a pause. */
const RESET_AFTER_MS = 5_000;

/**
 * Decides when a worker whose fetches fail is paused, and for how long. It is paused at once when
 * Redis refuses. For any other error (a cluster's MOVED, or an unknown one) it is paused when the
 * error repeats faster than a loop with pauses could cause. Each pause is twice as long as the
 * previous one, up to half a minute.
 */
export class Breaker {
  #recentMs: number[] = [];
  #pauses = 0;
  #resumesAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param chance in [0, 1), for the upper half of the pause
   * @returns the length of the pause in ms; null to continue
   */
  pauseAfter(error: Error, nowMs: number, chance: number): number | null {
    // The pause has begun; this error occurred before it.
    if (nowMs < this.#resumesAtMs) return null;
    this.#recentMs = [...this.#recentMs.filter((at) => nowMs - at < HOT_WINDOW_MS), nowMs];
    if (!isRefusal(error) && this.#recentMs.length < HOT_ERRORS) return null;
    if (nowMs - this.#resumesAtMs > RESET_AFTER_MS) this.#pauses = 0;
    this.#pauses += 1;
    const pauseMs = backoffMs(this.#pauses, PAUSES, chance);
    this.#recentMs = [];
    this.#resumesAtMs = nowMs + pauseMs;
    return pauseMs;
  }

  /**
   * Returns when the cause of a current error counts as over if no other error occurs, in ms since
   * the epoch.
   */
  resetAtMs(nowMs: number): number {
    return Math.max(nowMs, this.#resumesAtMs) + RESET_AFTER_MS;
  }
}

/**
 * Logs an error the first time, then once in 30 s with the number of repetitions. The number of
 * distinct errors is bounded.
 */
export class ErrorLog {
  readonly #limit = new RepeatLimit();

  constructor(
    private readonly rt: Runtime,
    private readonly event: string,
  ) {}

  report(error: Error): void {
    const reason = errorKey(error);
    const suppressed = this.#limit.admit(reason, this.rt.clock.nowMs());
    if (suppressed === null) return;
    this.rt.log.warn(
      { event: this.event, reason, suppressed },
      'Redis or BullMQ reported an error',
    );
  }
}

/**
 * Returns the kind of an error without ids and values: `Error ECONNREFUSED`, `ReplyError OOM`,
 * `Error: could not renew lock`.
 */
export function errorKey(error: Error): string {
  const name = describeError(error);
  const known =
    /^(?:[A-Z]{2,20}\b|could not renew lock|Lock mismatch|Missing (?:lock|key)|Connection is closed|Command timed out)/.exec(
      error.message,
    )?.[0];
  return known === undefined || name.includes(known) ? name : `${name}: ${known}`;
}
