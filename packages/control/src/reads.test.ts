import { freshnessOf } from './reads.js';

const caughtUp = { phase: 'incremental', caughtUpMs: 1_000, isExtending: false } as const;

test('the oldest collection says how fresh a list is', () => {
  const newer = { ...caughtUp, phase: 'full', caughtUpMs: 4_000 } as const;
  expect(freshnessOf({ atMs: 5_000, collections: [newer, caughtUp] })).toEqual({
    asOf: new Date(1_000),
    lagMs: 4_000,
    phase: 'full',
    complete: true,
    fresh: null,
    why: null,
  });
});

test('a list is complete after every first sync', () => {
  const first = { phase: 'full', caughtUpMs: null, isExtending: false } as const;
  const nothing = { asOf: null, lagMs: null, complete: false, fresh: null, why: null };
  expect(freshnessOf({ atMs: 5_000, collections: [caughtUp, first] })).toEqual({
    ...nothing,
    phase: 'full',
  });
  expect(freshnessOf({ atMs: 5_000, collections: [] })).toEqual({ ...nothing, phase: 'pending' });
});

test('a list is not complete while the mirrored time range is extended', () => {
  const collections = [{ ...caughtUp, isExtending: true }];
  expect(freshnessOf({ atMs: 900, collections })).toEqual({
    asOf: new Date(1_000),
    lagMs: 0,
    phase: 'incremental',
    complete: false,
    fresh: null,
    why: null,
  });
});

test('what came of the freshness that was asked for is in the document', () => {
  const asked = { isFresh: false, why: 'parked' } as const;
  expect(freshnessOf({ atMs: 900, collections: [caughtUp] }, asked)).toMatchObject({
    fresh: false,
    why: 'parked',
  });
});
