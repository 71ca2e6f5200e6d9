/**
 * Redis' bad weather, as a worker meets it: an endless stream of the same error. These two decisions keep it from becoming
 * a hot loop (measured without them: 8,000 errors a second while Redis is full) and a full log disk.
 */
import { describeError, type Runtime } from '@syncline/runtime';

/**
 * True when Redis is there and refuses: full (OOM), read-only, cannot persist (MISCONF), loading, or credentials changed.
 * BullMQ backs off from lost connections only; from these it retries at once, so the worker must be paused.
 */
export function isRefusal(error: Error): boolean {
  return /^(?:OOM|READONLY|MISCONF|NOAUTH|NOPERM|WRONGPASS|LOADING|MASTERDOWN|BUSY)\b/.test(
    error.message,
  );
}

const WINDOW_MS = 30_000;
const KEY_LIMIT = 50;

/** Logs an error the first time, then once in 30 s with the number of those that came in between. Bounded in keys. */
export class ErrorLog {
  readonly #seen = new Map<string, { loggedAtMs: number; suppressed: number }>();

  constructor(
    private readonly rt: Runtime,
    private readonly event: string,
  ) {}

  report(error: Error): void {
    const key = errorKey(error);
    const nowMs = this.rt.clock.nowMs();
    const seen = this.#seen.get(key);
    if (seen !== undefined && nowMs - seen.loggedAtMs < WINDOW_MS) {
      seen.suppressed += 1;
      return;
    }
    // An unforeseen variety of keys must not become a leak; what is forgotten is only logged once more.
    if (this.#seen.size >= KEY_LIMIT) this.#seen.clear();
    this.#seen.set(key, { loggedAtMs: nowMs, suppressed: 0 });
    this.rt.log.warn(
      { event: this.event, reason: key, suppressed: seen?.suppressed ?? 0 },
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
