import type { FailedItem } from '@syncline/store';
import { outcomeOfMissing, type MissingPage } from './missing-items.js';

const PAGE: MissingPage = {
  isFullSync: false,
  missing: 6,
  isWitnessed: true,
  confirmAfterMs: 60_000,
};
const STORED = { id: 'm', isStored: true };
const UNSTORED = { id: 'm', isStored: false };
const known = (more: Partial<FailedItem>): FailedItem => ({
  tries: 1,
  missingTries: 1,
  isUnlisted: false,
  isQuarantined: false,
  ...more,
});
const GONE = { kind: 'gone' };
const retry = (more: object): object => expect.objectContaining({ kind: 'retry', ...more });

test('counts no item as deleted at the first try, nor during a full sync', () => {
  const few = { ...PAGE, missing: 1 };
  expect(outcomeOfMissing(STORED, undefined, few)).toEqual(
    retry({ tries: 1, missingTries: 1, retryInMs: 5_000, needsListing: false }),
  );
  expect(outcomeOfMissing(STORED, known({ tries: 5, missingTries: 0 }), few)).toEqual(
    retry({ tries: 6, missingTries: 1 }),
  );
  expect(outcomeOfMissing(STORED, LAST, { ...few, isFullSync: true })).toEqual(
    retry({ missingTries: 1, retryInMs: 5_000 }),
  );
});

test('repeats the last try a minute after the one before it', () => {
  expect(outcomeOfMissing(STORED, known({}), PAGE)).toEqual(
    retry({ tries: 2, missingTries: 2, retryInMs: 60_000 }),
  );
});

const LAST = known({ tries: 2, missingTries: 2 });

test('after the last try, up to five items are deleted', () => {
  expect(outcomeOfMissing(STORED, LAST, { ...PAGE, missing: 5 })).toEqual(GONE);
});

test.each([known({}), LAST])(
  'counts no retry at which Google finds no other item (%j)',
  (earlier) => {
    expect(outcomeOfMissing(STORED, earlier, { ...PAGE, missing: 1, isWitnessed: false })).toEqual(
      retry({ missingTries: earlier.missingTries, retryInMs: 60_000, needsListing: false }),
    );
  },
);

test('after the last try, many items wait for a listing, and are deleted once one lacks them and their rows are swept', () => {
  expect(outcomeOfMissing(UNSTORED, LAST, PAGE)).toEqual(retry({ needsListing: true }));
  const unlisted = { ...LAST, isUnlisted: true };
  expect(outcomeOfMissing(STORED, unlisted, PAGE)).toEqual(retry({ needsListing: false }));
  expect(outcomeOfMissing(UNSTORED, unlisted, PAGE)).toEqual(GONE);
  expect(outcomeOfMissing(UNSTORED, unlisted, { ...PAGE, isWitnessed: false })).toEqual(retry({}));
});

test('pauses longer each time while nothing can be decided, at most six hours', () => {
  const pauses = [2, 3, 4, 40, 5_000].map(
    (tries) => outcomeOfMissing(STORED, known({ tries, missingTries: 2 }), PAGE) as object,
  );
  expect(pauses).toEqual(
    [60_000, 120_000, 240_000, 21_600_000, 21_600_000].map((retryInMs) => retry({ retryInMs })),
  );
});
