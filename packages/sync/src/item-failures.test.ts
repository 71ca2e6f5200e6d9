import type { FailedItem } from '@syncline/store';
import fc from 'fast-check';
import {
  MAX_TRIES,
  quarantineAllowance,
  RETRY_DELAYS_MS,
  outcomeOfFailure,
  type FailureOutcome,
} from './item-failures.js';

/*
 * A model of a collection: its items are tried in any order, and each failed try is classified by
 * whether the method answered for other items at that try.
 */

const failure = (id: string, isWitnessed: boolean) => ({
  id,
  reason: 'Google gave no usable answer',
  cause: 'not-read' as const,
  isWitnessed,
});

/** One page: the items that are tried together, and whether Google works at that moment. */
interface Page {
  ids: number[];
  works: boolean;
}

/**
 * @param bad items that fail regardless of Google's state
 * @returns the outcomes by item, in order; a successful try clears the item's earlier failures
 */
function outcomesOf(
  pages: readonly Page[],
  bad: ReadonlySet<number>,
): Map<number, FailureOutcome[]> {
  const known = new Map<number, FailedItem>();
  const outcomes = new Map<number, FailureOutcome[]>();
  for (const { ids, works } of pages)
    for (const id of ids) {
      if (works && !bad.has(id)) {
        known.delete(id);
        continue;
      }
      // Without another item of the page as a witness, the engine requests a known one, which is
      // answered exactly when Google works.
      const outcome = outcomeOfFailure(failure(String(id), works), known.get(id));
      outcomes.set(id, [...(outcomes.get(id) ?? []), outcome]);
      if (outcome.kind === 'retry')
        known.set(id, {
          tries: outcome.tries,
          missingTries: 0,
          isUnlisted: false,
          isQuarantined: false,
        });
      if (outcome.kind === 'quarantine')
        known.set(id, { tries: 1, missingTries: 0, isUnlisted: false, isQuarantined: true });
    }
  return outcomes;
}

const pages = fc.array(
  fc.record({
    ids: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 10 }),
    works: fc.boolean(),
  }),
  { maxLength: 60 },
);

test('an outage quarantines nothing, however often it begins and ends', () => {
  fc.assert(
    fc.property(pages, (tried) => {
      const kinds = [...outcomesOf(tried, new Set()).values()].flat().map(({ kind }) => kind);
      expect(new Set(kinds)).toEqual(new Set(kinds.length > 0 ? ['collection'] : []));
    }),
  );
});

test('one outage quarantines nothing, also when it ends between a failed try and the search for a witness', () => {
  const moments = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 80 });
  const edges = fc.tuple(fc.integer({ min: 0, max: 160 }), fc.integer({ min: 0, max: 160 }));
  fc.assert(
    fc.property(moments, edges, (tried, [one, other]) => {
      const isOut = (at: number): boolean =>
        at >= Math.min(one, other) && at < Math.max(one, other);
      const known = new Map<number, FailedItem>();
      for (const [n, id] of tried.entries()) {
        if (!isOut(2 * n)) {
          known.delete(id);
          continue;
        }
        const outcome = outcomeOfFailure(failure(String(id), !isOut(2 * n + 1)), known.get(id));
        expect(outcome.kind).not.toBe('quarantine');
        if (outcome.kind === 'retry')
          known.set(id, {
            tries: outcome.tries,
            missingTries: 0,
            isUnlisted: false,
            isQuarantined: false,
          });
      }
    }),
  );
});

test('only the bad item is quarantined, at its sixth try with a witness', () => {
  fc.assert(
    fc.property(pages, (tried) => {
      const outcomes = outcomesOf(tried, new Set([0]));
      const counted = tried.filter(({ ids, works }) => works && ids.includes(0)).length;
      const kinds = (outcomes.get(0) ?? []).map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'retry')).toHaveLength(
        Math.min(counted, MAX_TRIES - 1),
      );
      expect(kinds.includes('quarantine')).toBe(counted >= MAX_TRIES);
      outcomes.delete(0);
      for (const others of outcomes.values())
        expect(new Set(others.map(({ kind }) => kind))).toEqual(new Set(['collection']));
    }),
  );
});

test('the tries of an item take two minutes in total, with growing delays', () => {
  expect(RETRY_DELAYS_MS.reduce((sum, delayMs) => sum + delayMs, 0)).toBe(120_000);
  expect([...RETRY_DELAYS_MS].sort((a, b) => a - b)).toEqual([...RETRY_DELAYS_MS]);
});

test('an item in quarantine that fails again goes back at once', () => {
  expect(
    outcomeOfFailure(failure('m', true), {
      tries: 1,
      missingTries: 0,
      isUnlisted: false,
      isQuarantined: true,
    }),
  ).toMatchObject({
    kind: 'quarantine',
    id: 'm',
    cause: 'not-read',
  });
});

test('twenty items may be quarantined in an hour, or one in a hundred of those tried in it', () => {
  const allowed = (progressDone: number, hours: number | null): number =>
    quarantineAllowance({
      progressDone,
      fullSyncAgeMs: hours === null ? null : hours * 3_600_000,
    });
  expect([allowed(0, null), allowed(1_999, 0.5), allowed(5_000, 0.5)]).toEqual([20, 20, 50]);
  expect([allowed(100_000, 10), allowed(100_000, 1_000)]).toEqual([100, 20]);
});
