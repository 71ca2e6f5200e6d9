import { interpretIncrement, interpretListed } from './interpret.js';
import { newListing, type IncrementalCursor } from './plan.js';
import type { SourcePage } from './source.js';

const NOW_MS = 1_800_000_000_000;
const page = (over: Partial<SourcePage> = {}): SourcePage => ({
  delta: { kind: 'none' },
  quarantined: [],
  listedIds: ['a', 'b'],
  gone: [],
  nameless: 0,
  nextPageToken: null,
  nextSyncToken: 't2',
  ...over,
});
const INCREMENTAL: IncrementalCursor = { phase: 'incremental', syncToken: 't1', pageToken: null };
const AT = { generation: 1, nowMs: NOW_MS, isFresh: true };

test('the pages of a full listing count on, and the last one leads to the sweep with its sync token', () => {
  const first = interpretListed(newListing({ generation: 0 }), page({ nextPageToken: 'p' }), {
    begunAtMs: 5,
    nowMs: NOW_MS,
  });
  expect(first.commit).toMatchObject({
    generation: 1,
    beginsFullSync: true,
    progress: { done: 2, total: null },
    cursor: { pageToken: 'p', listed: 2, begunAtMs: 5 },
  });
  const last = interpretListed(
    {
      ...newListing({ generation: 0 }),
      cursor: { phase: 'full', step: 'list', pageToken: 'p', listed: 2 },
    },
    page({ nameless: 1 }),
    { begunAtMs: 5, nowMs: NOW_MS },
  );
  expect(last.commit).toMatchObject({
    beginsFullSync: false,
    progress: { done: 4, total: 4 },
    cursor: { step: 'sweep', syncToken: 't2', syncTokenAtMs: 5, listing: { nameless: 1 } },
    items: { listed: [{ ordinal: 3n }, { ordinal: 4n }] },
  });
});

test('only the last page of an incremental listing moves the sync token', () => {
  expect(interpretIncrement(INCREMENTAL, page({ nextPageToken: 'p' }), AT).commit).toMatchObject({
    cursor: { syncToken: 't1', pageToken: 'p' },
  });
  expect(interpretIncrement(INCREMENTAL, page(), AT)).toMatchObject({
    commit: { cursor: { syncToken: 't2', syncTokenAtMs: NOW_MS, pageToken: null } },
    end: { kind: 'caught-up' },
  });
});

test('without a new sync token the last one stays, and a listing that began earlier is not caught up', () => {
  const kept = interpretIncrement(INCREMENTAL, page({ nextSyncToken: null }), AT);
  expect(kept.commit).toMatchObject({ cursor: { syncToken: 't1', pageToken: null } });
  expect(kept.end).toMatchObject({ withoutPosition: { why: expect.any(String) } });
  expect(interpretIncrement(INCREMENTAL, page(), { ...AT, isFresh: false }).end).toBeUndefined();
});

test('deletions are kept for the later pages of the same listing, and no longer', () => {
  const between = interpretIncrement(
    { ...INCREMENTAL, gone: ['x'] },
    page({ gone: ['y'], nextPageToken: 'p' }),
    AT,
  );
  expect(between.commit?.cursor).toMatchObject({ gone: ['x', 'y'] });
  const after = interpretIncrement({ ...INCREMENTAL, pageToken: 'p', gone: ['x'] }, page(), AT);
  expect(after.commit?.cursor).not.toHaveProperty('gone');
});

test('a deletion is forgotten when a later page of the same listing names the item again', () => {
  const between = interpretIncrement(
    { ...INCREMENTAL, gone: ['x', 'a'] },
    page({ listedIds: ['a'], nextPageToken: 'p' }),
    AT,
  );
  expect(between.commit?.cursor).toMatchObject({ gone: ['x'] });
});
