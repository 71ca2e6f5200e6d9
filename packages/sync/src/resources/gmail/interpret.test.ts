import type { GmailCursor, GmailIncremental, GmailListing } from './cursor.js';
import {
  type HistoryPage,
  type HistoryReads,
  type HistoryState,
  interpretHistory,
  interpretListed,
} from './interpret.js';

const INCREMENTAL: GmailIncremental = {
  phase: 'incremental',
  after: '7',
  listing: null,
  listed: 0,
  fetched: 0,
  labelsReadAtMs: 1,
};
const STATE: HistoryState = {
  generation: 1,
  nowMs: 50,
  window: { fromMs: 0, goalMs: null },
  hasFailingItems: false,
  isFresh: true,
};
const NOTHING_READ: HistoryReads = {
  admission: { toFetch: [], refetch: [], deleted: [], labelChanges: [] },
  toFetch: [],
  labels: null,
  fetched: null,
};
const page = (fields: Partial<HistoryPage> = {}): HistoryPage => ({
  records: [],
  historyId: 9n,
  nextPageToken: null,
  ...fields,
});

test('a page without records moves the position; one that leaves it in place writes nothing', () => {
  const moved = interpretHistory(INCREMENTAL, page(), NOTHING_READ, STATE);
  expect(moved.commit?.cursor).toMatchObject({ after: '9', listing: null });
  expect(moved.end).toEqual({ kind: 'caught-up' });
  const idle = interpretHistory(INCREMENTAL, page({ historyId: 7n }), NOTHING_READ, STATE);
  expect(idle.commit).toBeNull();
});

test('messages that were not fetched at once go to the list, and the position waits for them', () => {
  const reads = { ...NOTHING_READ, toFetch: ['m1', 'm2'] };
  const { commit, end } = interpretHistory(INCREMENTAL, page(), reads, STATE);
  expect(commit?.cursor).toMatchObject({ after: '7', listing: { until: '9' }, listed: 2 });
  expect(commit?.items?.fetchLater).toEqual([
    { id: 'm1', delayMs: 0, ordinal: 1n },
    { id: 'm2', delayMs: 0, ordinal: 2n },
  ]);
  expect(end).toBeUndefined();
});

test('only a listing that began in this run shows that the mailbox is caught up', () => {
  const later = interpretHistory(INCREMENTAL, page(), NOTHING_READ, { ...STATE, isFresh: false });
  expect(later.end).toBeUndefined();
});

test('a catalogue that was read again is stored, and no notification announces it', () => {
  const step = interpretHistory(INCREMENTAL, page(), { ...NOTHING_READ, labels: [] }, STATE);
  expect(step.unlogged).toBe(true);
  expect(step.commit?.cursor).toMatchObject({ labelsReadAtMs: STATE.nowMs });
});

test('a listed message is pending unless it is stored', () => {
  const cursor: GmailListing = {
    phase: 'full',
    step: 'list',
    from: '7',
    pageToken: null,
    listed: 3,
  };
  const next: GmailCursor = { ...cursor, pageToken: 'p', listed: 5 };
  const ids = [
    { id: 'm4', threadId: 't' },
    { id: 'm5', threadId: 't' },
  ];
  const { commit } = interpretListed(
    cursor,
    { ids, nameless: 0, nextPageToken: 'p' },
    { known: new Set(['m4']), next, generation: 2 },
  );
  expect(commit?.items?.listed).toEqual([
    { id: 'm4', threadId: 't', ordinal: 4n, pending: false },
    { id: 'm5', threadId: 't', ordinal: 5n, pending: true },
  ]);
});
