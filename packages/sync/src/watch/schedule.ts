import { createHash } from 'node:crypto';

/*
 * When a watch is looked after. Pure; every time is a distance, since only the database's clock counts.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** What Google gives by default, and most that it gives a mailbox. */
export const LONGEST_LIFE_MS = 7 * DAY_MS;
const RENEW_FROM = 5 / 7;
const RENEW_OVER = 1 / 7;

/**
 * A watch of seven days is renewed on its sixth, a shorter one at the same share of its life. Which hour of that day is the collection's own
 * and always the same: a million watches that were made in one night are spread over a day with their first renewal and stay spread,
 * and any process works out the same date.
 */
export function renewInMs(collectionId: string, lifeMs: number): number {
  return Math.round(Math.max(0, lifeMs) * (RENEW_FROM + RENEW_OVER * shareOf(collectionId)));
}

/** In [0, 1), the same for ever. */
function shareOf(collectionId: string): number {
  return createHash('sha256').update(collectionId).digest().readUInt32BE(0) / 2 ** 32;
}

const RETRY_FIRST_MS = 30_000;
const RETRY_CAP_MS = 6 * HOUR_MS;

/** After `failures` (≥ 0) in a row: half a minute doubled up to six hours, the upper half by `jitter` in [0, 1). The two days between renewal and expiry hold many tries. */
export function retryInMs(failures: number, jitter: number): number {
  const ceiling = Math.min(RETRY_CAP_MS, RETRY_FIRST_MS * 2 ** Math.min(failures, 16));
  return Math.round(ceiling * (0.5 + jitter / 2));
}

/** A calendar that Google rings for nobody (holidays, birthdays, imported ones) is asked about once a month. */
export function unwatchableForMs(jitter: number): number {
  return Math.round(30 * DAY_MS * (0.9 + 0.2 * jitter));
}

const SILENCE_STEPS_MS = [10_000, 10 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS] as const;

/**
 * How long a watch that seems silent is given before it is made anew. At first only what a late
 * notification may take; then ever longer, for it may be the network that loses notifications, and
 * a renewal costs as much as fifty looks. One that was never heard since it was made is not lost:
 * its way is not set up, and making it again mends nothing.
 */
export function silenceDelayMs(silences: number, heardBefore: boolean): number {
  const step = heardBefore
    ? Math.min(silences, SILENCE_STEPS_MS.length - 1)
    : SILENCE_STEPS_MS.length - 1;
  return SILENCE_STEPS_MS[step] as number;
}
