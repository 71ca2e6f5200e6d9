import { createHash } from 'node:crypto';

/*
 * When a watch is maintained. Pure; every time is relative, since only the database's clock counts.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Google's default, and its maximum for a mailbox. */
export const LONGEST_LIFE_MS = 7 * DAY_MS;
const RENEW_FROM = 5 / 7;
const RENEW_OVER = 1 / 7;

/**
 * Returns the time to the renewal. A watch of seven days is renewed on its sixth, a shorter one at
 * the same share of its life. The time within that day is derived from the collection's id: a
 * million watches created in one night are spread over a day by their first renewal and stay
 * spread, and every process computes the same date.
 */
export function renewInMs(collectionId: string, lifeMs: number): number {
  return Math.round(Math.max(0, lifeMs) * (RENEW_FROM + RENEW_OVER * shareOf(collectionId)));
}

/** Returns a constant share in [0, 1) for each collection. */
function shareOf(collectionId: string): number {
  return createHash('sha256').update(collectionId).digest().readUInt32BE(0) / 2 ** 32;
}

const RETRY_FIRST_MS = 30_000;
const RETRY_CAP_MS = 6 * HOUR_MS;

/**
 * Returns the delay after `failures` (≥ 0) in a row: half a minute, doubled up to six hours;
 * `jitter` in [0, 1) varies its upper half. The two days between renewal and expiry allow many
 * tries.
 */
export function retryInMs(failures: number, jitter: number): number {
  const ceiling = Math.min(RETRY_CAP_MS, RETRY_FIRST_MS * 2 ** Math.min(failures, 16));
  return Math.round(ceiling * (0.5 + jitter / 2));
}

/**
 * Returns the delay for a calendar that Google does not notify of (holidays, birthdays, imported
 * ones): it is tried again once a month.
 */
export function unwatchableForMs(jitter: number): number {
  return Math.round(30 * DAY_MS * (0.9 + 0.2 * jitter));
}

const SILENCE_STEPS_MS = [10_000, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS] as const;

/**
 * Returns how long a watch without notifications is left before it is created again. At first only
 * as long as a notification may be late; then longer each time, since the network may lose
 * notifications, and a renewal costs as much as fifty polls. A watch that never delivered a
 * notification is not lost: its delivery is not set up, and creating it again would not help.
 */
export function silenceDelayMs(silences: number, hasNotified: boolean): number {
  const step = hasNotified
    ? Math.min(silences, SILENCE_STEPS_MS.length - 1)
    : SILENCE_STEPS_MS.length - 1;
  return SILENCE_STEPS_MS[step] as number;
}
