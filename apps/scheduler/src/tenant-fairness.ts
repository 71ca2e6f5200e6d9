/**
 * Turns among tenants, from one round to the next. Where there is room for one job at a time, the
 * oldest of what is due would be taken every time, and a tenant with two hundred full syncs that
 * came first has all of them handed out before anybody's who came later. So a scheduler remembers
 * who is ahead: who was given more than its share since the queue last had room for everybody. It
 * is start-time fair queueing: a tenant's next turn counts from what it is ahead, and one that
 * comes new is behind nobody and ahead of nobody.
 *
 * The memory is one scheduler's own and may be lost at any time: each shares out evenly what it
 * hands out itself, and who forgets begins anew.
 */
import type { DueCollection } from '@syncline/store';

/** Turns that a tenant has had beyond the others; who is not named is ahead by none. */
export type Lead = ReadonlyMap<string, number>;

export const NO_LEAD: Lead = new Map();

/** Named in one claim. Beyond it those are forgotten who are ahead by the least. */
const LEAD_LIMIT = 1_000;

/**
 * Who is ahead after a round. The turn that the round reached is where everybody stands now: who had that one is ahead by one, who had fewer by none.
 * @param hadRoom whether the round took everything that was due: then nobody waits, and nobody is ahead
 */
export function leadAfter(
  lead: Lead,
  claimed: readonly Pick<DueCollection, 'tenant' | 'round'>[],
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
