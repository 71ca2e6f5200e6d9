/*
 * When a refused grant or project is probed again. Pure.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PROBED_FOR_MS = 14 * DAY_MS;

/**
 * Returns the delay until an account's refused grant is probed again: an hour at first, doubled up
 * to a day, spread by a tenth. Null (never again) after fourteen days.
 *
 * @param jitter a number in [0, 1)
 */
export function probeDelayMs(
  { probes, refusedForMs }: { probes: number; refusedForMs: number },
  jitter: number,
): number | null {
  const delayMs = Math.min(DAY_MS, HOUR_MS * 2 ** Math.min(probes, 10)) * (0.9 + 0.2 * jitter);
  return refusedForMs + delayMs > PROBED_FOR_MS ? null : Math.round(delayMs);
}

const FIRST_TRY_MS = 2_000;
const RAREST_TRY_MS = 60_000;
const TRIES_PER_FAILING_TIME = 30;

/**
 * Returns the delay until a project that Google refuses is tried again on behalf of all its
 * accounts: a share of the time for which it has been refused, from two seconds to a minute.
 */
export function projectTryDelayMs(failingForMs: number): number {
  return Math.round(
    Math.min(RAREST_TRY_MS, Math.max(FIRST_TRY_MS, failingForMs / TRIES_PER_FAILING_TIME)),
  );
}
