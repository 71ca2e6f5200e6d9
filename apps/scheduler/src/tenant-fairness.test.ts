import fc from 'fast-check';
import { type Lead, NO_LEAD, leadAfter } from './tenant-fairness.js';

test('a tenant that had the round which was reached leads by one, one that had fewer by none, and one that led by more comes nearer', () => {
  const lead = leadAfter(
    new Map([['far', 5]]),
    [
      { tenant: 'a', round: 1 },
      { tenant: 'a', round: 2 },
      { tenant: 'b', round: 1 },
    ],
    false,
  );
  expect(Object.fromEntries(lead)).toEqual({ far: 4, a: 1 });
});

test('where there was room for all, no tenant has a lead', () => {
  expect(leadAfter(new Map([['a', 3]]), [{ tenant: 'a', round: 4 }], true)).toEqual(NO_LEAD);
});

test('the memory is bounded, and keeps the tenants with the largest lead', () => {
  const claimed = Array.from({ length: 3_000 }, (_, n) => ({ tenant: `t${n}`, round: 1 }));
  const lead = leadAfter(new Map([['far', 9]]), claimed, false);
  expect(lead.size).toBe(1_000);
  expect(lead.get('far')).toBe(9);
});

/** Claims as Postgres does: by round, and within a round by age. */
function claim(
  due: { tenant: string; at: number }[],
  limit: number,
  lead: Lead,
): { tenant: string; round: number; at: number }[] {
  const counts = new Map(lead);
  const claims = due
    .toSorted((a, b) => a.at - b.at)
    .map((one) => {
      const round = (counts.get(one.tenant) ?? 0) + 1;
      counts.set(one.tenant, round);
      return { ...one, round };
    });
  return claims.toSorted((a, b) => a.round - b.round || a.at - b.at).slice(0, limit);
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
        // One tenant whose collections all came long ago, and one that comes last.
        for (let i = 0; i < 400; i++)
          due.push({ tenant: 'large', at: i - 1_000 }, { tenant: 'late', at: 5_000 + i });
        let lead = NO_LEAD;
        const given = { large: 0, late: 0 };
        for (const limit of limits) {
          const claimed = claim(due, limit, lead);
          for (const one of claimed) {
            due.splice(
              due.findIndex((other) => other.tenant === one.tenant && other.at === one.at),
              1,
            );
            if (one.tenant === 'large' || one.tenant === 'late') given[one.tenant] += 1;
          }
          lead = leadAfter(lead, claimed, false);
          expect(Math.abs(given.large - given.late)).toBeLessThanOrEqual(1);
        }
      },
    ),
  );
});
