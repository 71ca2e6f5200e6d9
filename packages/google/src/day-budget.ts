/**
 * The budget of Google's day. Since 2026-05 it is a billing threshold and no cap, so what customers see is never stopped by it: backfills stop
 * first, catch-up next, live work goes on for as long as Google answers.
 */
import type { Lane } from './quota.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What is kept from a lane for the higher ones at the day's beginning; it shrinks with the day, for what they did not need by then is spare. */
const KEPT_FROM: Record<Exclude<Lane, 'live'>, number> = { onboarding: 0.05, bulk: 0.1 };
const WAIT_JITTER_MS = 60_000;

/** Units that the day may have seen for a lane to go on; 0 is no bound. @param endsInMs time left of the day */
export function dayBound(lane: Lane, unitsPerDay: number, endsInMs: number): number {
  if (lane === 'live' || unitsPerDay === 0) return 0;
  const left = Math.min(1, Math.max(0, endsInMs / DAY_MS));
  return Math.max(1, Math.floor(unitsPerDay * (1 - KEPT_FROM[lane] * left)));
}

/**
 * How long a lane over its bound stays away: until midnight in California, cut into hours, for the bound grows and an operator may raise the budget;
 * with up to a minute of spread, so that a whole fleet does not come back in one second. `chance` uniform in [0, 1).
 */
export function dayWaitMs(endsInMs: number, chance: number): number {
  return Math.min(endsInMs, HOUR_MS) + Math.floor(chance * WAIT_JITTER_MS);
}
