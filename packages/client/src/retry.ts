/** When a request is sent again, and after what time. Pure. */

/** How one attempt ended. */
export interface Attempt {
  /** How many attempts have been made. */
  count: number;
  /** Whether the request may have its effect twice without harm. */
  isRepeatable: boolean;
  /** Of the answer; null without one. */
  status: number | null;
  /** Whether the API says that the first request with this idempotency key is in progress. */
  isInProgress: boolean;
  /** From `Retry-After`. */
  retryAfterMs: number | null;
}

/** @property maxRetries attempts after the first */
export interface RetryLimits {
  maxRetries: number;
}

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 8_000;
/** A longer `Retry-After` is for the caller. */
const LONGEST_RETRY_AFTER_MS = 60_000;
/** The API, or a proxy before it, could not take the request now. */
const TRANSIENT = new Set([502, 503, 504]);

/**
 * Returns the time until the next attempt, or null when the answer is final.
 * @param chance from 0 to 1
 */
export function retryDelayMs(attempt: Attempt, limits: RetryLimits, chance: number): number | null {
  if (attempt.count > limits.maxRetries || !isWorthwhile(attempt)) return null;
  const statedMs = attempt.retryAfterMs ?? 0;
  return statedMs > LONGEST_RETRY_AFTER_MS ? null : statedMs + backoffMs(attempt.count, chance);
}

function isWorthwhile({ isRepeatable, status, isInProgress }: Attempt): boolean {
  // Refused before anything was done.
  if (status === 429) return true;
  if (!isRepeatable) return false;
  return status === null || TRANSIENT.has(status) || isInProgress;
}

/**
 * Returns a delay with jitter: half of it is by chance, so that clients that failed together do not
 * come back together.
 * @param count attempts so far, from 1
 */
export function backoffMs(count: number, chance: number): number {
  const wholeMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(count - 1, 20));
  return Math.round(wholeMs * (0.5 + chance / 2));
}

/** Reads `Retry-After`: seconds, or a date. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
