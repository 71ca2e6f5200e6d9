import { GoogleError } from '@syncline/google';

/*
 * Changes of an account's access to a calendar are hidden by incremental syncs of the calendar
 * list: they omit entries of which only the access or the calendar's own properties changed. So the
 * list is read in full from time to time, and a calendar that Google refuses is closed alone,
 * without effect on the account's other calendars.
 */

/**
 * Reasons of a 403 that concern one calendar; others (scopes, disabled API, policy) concern the
 * whole account.
 */
const ONE_CALENDAR = new Set([
  'forbidden',
  'requiredAccessLevel',
  'forbiddenForNonOwner',
  'PERMISSION_DENIED',
]);

/**
 * Treats a refusal of one calendar's events (403) like its absence (404, which Google also returns
 * for a request with a sync token): access is lost.
 */
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
 * Returns when the calendar list is to be read in full again: 6 to 24 hours later, spread so that
 * accounts connected together do not ask together. Costs one request for 250 calendars.
 * @param o.jitter a number in [0, 1)
 */
export function nextRelistAtMs({ nowMs, jitter }: { nowMs: number; jitter: number }): number {
  return Math.round(nowMs + LEAST_RELIST_MS + (MOST_RELIST_MS - LEAST_RELIST_MS) * jitter);
}
