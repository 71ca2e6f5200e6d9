import fc from 'fast-check';
import { type Ahead, NOBODY_AHEAD, aheadAfter } from './tenant-turns.js';

test('who had the turn that a round reached is ahead by one, who had fewer by none, and who was further ahead comes nearer', () => {
  const ahead = aheadAfter(
    new Map([['far', 5]]),
    [
      { tenant: 'a', turn: 1 },
      { tenant: 'a', turn: 2 },
      { tenant: 'b', turn: 1 },
    ],
    false,
  );
  expect(Object.fromEntries(ahead)).toEqual({ far: 4, a: 1 });
});

test('where there was room for all, nobody is ahead', () => {
  expect(aheadAfter(new Map([['a', 3]]), [{ tenant: 'a', turn: 4 }], true)).toEqual(NOBODY_AHEAD);
});

test('the memory is bounded, and keeps those who are ahead by the most', () => {
  const claimed = Array.from({ length: 3_000 }, (_, n) => ({ tenant: `t${n}`, turn: 1 }));
  const ahead = aheadAfter(new Map([['far', 9]]), claimed, false);
  expect(ahead.size).toBe(1_000);
  expect(ahead.get('far')).toBe(9);
});

/** The claim as Postgres makes it: by turn, and among equal turns by age. */
function claim(
  due: { tenant: string; at: number }[],
  limit: number,
  ahead: Ahead,
): { tenant: string; turn: number; at: number }[] {
  const counts = new Map(ahead);
  const turns = due
    .toSorted((a, b) => a.at - b.at)
    .map((one) => {
      const turn = (counts.get(one.tenant) ?? 0) + 1;
      counts.set(one.tenant, turn);
      return { ...one, turn };
    });
  return turns.toSorted((a, b) => a.turn - b.turn || a.at - b.at).slice(0, limit);
}

test('whatever the others have due and since when, two tenants that wait all the time are given the same, but for a round', () => {
  const tenants = fc.array(
    fc.record({ due: fc.integer({ min: 0, max: 40 }), since: fc.integer({ min: 0, max: 1_000 }) }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(
      tenants,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 5, maxLength: 40 }),
      (others, limits) => {
        const due = others.flatMap(({ due: count, since }, n) =>
          Array.from({ length: count }, (_, i) => ({ tenant: `t${n}`, at: since + i })),
        );
        // One that came long ago with everything, and one that comes last.
        for (let i = 0; i < 400; i++)
          due.push({ tenant: 'large', at: i - 1_000 }, { tenant: 'late', at: 5_000 + i });
        let ahead = NOBODY_AHEAD;
        const given = { large: 0, late: 0 };
        for (const limit of limits) {
          const claimed = claim(due, limit, ahead);
          for (const one of claimed) {
            due.splice(
              due.findIndex((other) => other.tenant === one.tenant && other.at === one.at),
              1,
            );
            if (one.tenant === 'large' || one.tenant === 'late') given[one.tenant] += 1;
          }
          ahead = aheadAfter(ahead, claimed, false);
          expect(Math.abs(given.large - given.late)).toBeLessThanOrEqual(1);
        }
      },
    ),
  );
});
