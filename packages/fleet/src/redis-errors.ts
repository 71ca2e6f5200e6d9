/**
 * Redis' transient errors, as a worker meets them: an endless stream of the same error. These two
 * decisions keep it from becoming a hot loop (measured without them: 8,000 errors a second while
 * Redis is full) and a full log disk.
 */
import { RepeatLimit, backoffMs, describeError, type Runtime } from '@syncline/runtime';

/**
 * True when Redis is there and refuses: full (OOM), read-only, cannot persist (MISCONF), loading, a cluster without its slots, or credentials changed.
 * BullMQ backs off from lost connections only; from these it retries at once, so the worker must be paused.
 */
export function isRefusal(error: Error): boolean {
  return /^(?:OOM|READONLY|MISCONF|NOAUTH|NOPERM|WRONGPASS|LOADING|MASTERDOWN|CLUSTERDOWN|BUSY)\b/.test(
    error.message,
  );
}

/**
 * Errors within a second that count as a busy loop. A lost connection causes one now and then,
 * since BullMQ waits after it.
 */
const HOT_ERRORS = 5;
const HOT_WINDOW_MS = 1_000;
const PAUSES = { firstMs: 1_000, capMs: 30_000 };
/** Without an error for this long after a pause, the backoff begins anew. */
const CALM_AFTER_MS = 5_000;

/**
 * When a worker whose fetching fails is paused, and for how long: at once when Redis refuses, and
 * for any other error (a cluster's MOVED, or one that is not known) when it repeats faster than a
 * loop that pauses could cause. Each pause is twice as long as the one before, up to half a minute.
 */
export class Breaker {
  #recentMs: number[] = [];
  #pauses = 0;
  #resumesAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param chance in [0, 1), for the upper half of the pause
   * @returns the length of the pause, in ms; null to go on
   */
  pauseAfter(error: Error, nowMs: number, chance: number): number | null {
    if (nowMs < this.#resumesAtMs) return null; // The pause has begun, and this error came from before it.
    this.#recentMs = [...this.#recentMs.filter((at) => nowMs - at < HOT_WINDOW_MS), nowMs];
    if (!isRefusal(error) && this.#recentMs.length < HOT_ERRORS) return null;
    if (nowMs - this.#resumesAtMs > CALM_AFTER_MS) this.#pauses = 0;
    this.#pauses += 1;
    const pauseMs = backoffMs(this.#pauses, PAUSES, chance);
    this.#recentMs = [];
    this.#resumesAtMs = nowMs + pauseMs;
    return pauseMs;
  }

  /**
   * When the cause of an error of now counts as over, if no other error comes: in ms since the
   * epoch.
   */
  calmAtMs(nowMs: number): number {
    return Math.max(nowMs, this.#resumesAtMs) + CALM_AFTER_MS;
  }
}

/**
 * Logs an error the first time, then once in 30 s with the number of those that came in between.
 * Bounded in kinds.
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

/** What kind of error it is, without ids and values: `Error ECONNREFUSED`, `ReplyError OOM`, `Error: could not renew lock`. */
export function errorKey(error: Error): string {
  const name = describeError(error);
  const known =
    /^(?:[A-Z]{2,20}\b|could not renew lock|Lock mismatch|Missing (?:lock|key)|Connection is closed|Command timed out)/.exec(
      error.message,
    )?.[0];
  return known === undefined || name.includes(known) ? name : `${name}: ${known}`;
}
