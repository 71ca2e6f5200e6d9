import { GoogleError } from '@syncline/google';

/*
 * What an account may see of a calendar changes behind the calendar list's back: a delta of the list passes over entries of which only
 * the access or the calendar's own properties changed. So the list is read in full now and then, and a calendar that is
 * refused is closed by itself, without a word about the account's other calendars.
 */

/** Reasons of a 403 that are about one calendar; others (scopes, disabled API, policy) are about the whole account. */
const ONE_CALENDAR = new Set([
  'forbidden',
  'requiredAccessLevel',
  'forbiddenForNonOwner',
  'PERMISSION_DENIED',
]);

/** A refusal of one calendar's events (403) means the same as its absence (404, which Google gives even for a sync token): access is lost. */
export function asAccessLost(error: unknown): unknown {
  if (
    !(error instanceof GoogleError) ||
    error.detail.kind !== 'forbidden' ||
    !ONE_CALENDAR.has(error.detail.reason)
  )
    return error;
  return new GoogleError(error.method, { kind: 'not-found' });
}

const HOUR_MS = 60 * 60_000;
const LEAST_RELIST_MS = 6 * HOUR_MS;
const MOST_RELIST_MS = 24 * HOUR_MS;

/**
 * When the calendar list is to be read in full again: 6 to 24 hours later, spread so that accounts connected together do not ask together.
 * One request for 250 calendars.
 * @param jitter a number in [0, 1)
 */
export function nextRelistAtMs(nowMs: number, jitter: number): number {
  return Math.round(nowMs + LEAST_RELIST_MS + (MOST_RELIST_MS - LEAST_RELIST_MS) * jitter);
}
