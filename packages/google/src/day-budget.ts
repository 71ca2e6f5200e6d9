/**
 * The daily budget. Since 2026-05 Google's daily limit is a billing threshold and not a cap, so
 * changes that customers see are never stopped by it: the bulk lane stops first, then the
 * onboarding lane. The live lane continues as long as Google answers.
 */
import type { Lane } from './quota.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/**
 * The share of the day that is reserved for higher lanes. It shrinks to zero over the day, because
 * higher lanes no longer need what they have not used by then.
 */
const KEPT_FROM: Record<Exclude<Lane, 'live'>, number> = { onboarding: 0.05, bulk: 0.1 };
const WAIT_JITTER_MS = 60_000;

/**
 * Returns the day's usage from which on a lane is refused, in units; 0 means no bound.
 * @param endsInMs time left of the day
 */
export function dayBound(lane: Lane, unitsPerDay: number, endsInMs: number): number {
  if (lane === 'live' || unitsPerDay === 0) return 0;
  const left = Math.min(1, Math.max(0, endsInMs / DAY_MS));
  return Math.max(1, Math.floor(unitsPerDay * (1 - KEPT_FROM[lane] * left)));
}

/**
 * Returns how long a lane over its bound waits: until midnight Pacific time, but at most an hour,
 * because the bound grows and an operator may raise the budget. Up to a minute of jitter keeps the
 * processes from retrying in the same second.
 * @param chance uniform in [0, 1)
 */
export function dayWaitMs(endsInMs: number, chance: number): number {
  return Math.min(endsInMs, HOUR_MS) + Math.floor(chance * WAIT_JITTER_MS);
}
