/**
 * Turns among tenants, from one round to the next. Where there is room for one job at a time, the oldest of what is due would be taken every time, and a
 * tenant with two hundred walks that came first has all of them handed out before anybody's who came later. So a scheduler remembers who is ahead:
 * who was given more than its share since the queue last had room for everybody. It is start-time fair queueing: a tenant's next turn counts from
 * what it is ahead, and one that comes new is behind nobody and ahead of nobody.
 *
 * The memory is one scheduler's own and may be lost at any time: each shares out evenly what it hands out itself, and who forgets begins anew.
 */
import type { DueCollection } from '@syncline/store';

/** Turns that a tenant has had beyond the others; who is not named is ahead by none. */
export type Ahead = ReadonlyMap<string, number>;

export const NOBODY_AHEAD: Ahead = new Map();

/** Named in one claim. Beyond it those are forgotten who are ahead by the least. */
const AHEAD_LIMIT = 1_000;

/**
 * Who is ahead after a round. The turn that the round reached is where everybody stands now: who had that one is ahead by one, who had fewer by none.
 * @param hadRoom whether the round took everything that was due: then nobody waits, and nobody is ahead
 */
export function aheadAfter(
  ahead: Ahead,
  claimed: readonly Pick<DueCollection, 'tenant' | 'turn'>[],
  hadRoom: boolean,
): Ahead {
  if (hadRoom) return NOBODY_AHEAD;
  const reached = Math.max(1, ...claimed.map(({ turn }) => turn));
  const last = new Map(ahead);
  for (const { tenant, turn } of claimed) last.set(tenant, Math.max(turn, last.get(tenant) ?? 0));
  const left = [...last]
    .map(([tenant, turn]) => [tenant, turn - reached + 1] as const)
    .filter(([, turns]) => turns > 0);
  return new Map(left.toSorted(([, a], [, b]) => b - a).slice(0, AHEAD_LIMIT));
}
