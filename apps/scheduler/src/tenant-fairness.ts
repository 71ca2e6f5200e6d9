/**
 * Gives tenants fair shares from one round to the next. If there is room for one job at a time, the
 * oldest due collection would be taken every time, and a tenant that came first with two hundred
 * full syncs would have all of them enqueued before any later tenant's. So a scheduler keeps the
 * lead of each tenant: what it was given beyond its share since the queue last had room for all.
 * This is start-time fair queueing: a tenant's next round counts from its lead, and a new tenant
 * has no lead.
 *
 * The leads belong to one scheduler and may be lost at any time: each scheduler shares out evenly
 * what it enqueues itself, and one without leads starts from zero.
 */

/**
 * The number of rounds that a tenant is ahead of the others; a tenant without an entry is not
 * ahead.
 */
export type Lead = ReadonlyMap<string, number>;

export const NO_LEAD: Lead = new Map();

/**
 * The maximum number of tenants in one claim. Beyond it those with the smallest leads are dropped.
 */
const LEAD_LIMIT = 1_000;

/**
 * Returns the leads after a round. The highest round reached becomes the base: a tenant that
 * reached it is ahead by one, a tenant below it is not ahead.
 * @param hadRoom whether everything that was due was claimed: then no tenant waits, and none is
 * ahead
 */
export function leadAfter(
  lead: Lead,
  claimed: readonly { tenant: string; round: number }[],
  hadRoom: boolean,
): Lead {
  if (hadRoom) return NO_LEAD;
  const reached = Math.max(1, ...claimed.map(({ round }) => round));
  const last = new Map(lead);
  for (const { tenant, round } of claimed) last.set(tenant, Math.max(round, last.get(tenant) ?? 0));
  const left = [...last]
    .map(([tenant, round]) => [tenant, round - reached + 1] as const)
    .filter(([, round]) => round > 0);
  return new Map(left.toSorted(([, a], [, b]) => b - a).slice(0, LEAD_LIMIT));
}
