import { listedFromStart, newListing, planNext, type IncrementalCursor } from './plan.js';

const DAY_MS = 24 * 60 * 60_000;
const NOW_MS = 1_800_000_000_000;
const KNOWN = { generation: 3, nowMs: NOW_MS, hasRefetch: false, isRelisted: false };
const incremental = (over: Partial<IncrementalCursor> = {}): IncrementalCursor => ({
  phase: 'incremental',
  syncToken: 'b',
  syncTokenAtMs: NOW_MS - DAY_MS,
  pageToken: null,
  ...over,
});

test.each([
  [{ phase: 'pending' } as const, false],
  [{ phase: 'pending', resync: true } as const, true],
  [{ phase: 'pending', resync: true, isRelisting: true } as const, false],
])('%j begins a full listing under the next generation; forced: %s', (cursor, isForced) => {
  expect(planNext(cursor, KNOWN)).toMatchObject({
    kind: 'list',
    generation: 4,
    isForced,
    cursor: { pageToken: null, listed: 0 },
  });
});

test('a listing continues in its generation, and begins again when it paused for longer than deletions are kept', () => {
  const cursor = {
    phase: 'full',
    step: 'list',
    pageToken: 'p',
    listed: 7,
    begunAtMs: NOW_MS - 19 * DAY_MS,
  } as const;
  expect(planNext(cursor, KNOWN)).toMatchObject({ kind: 'list', generation: 3, cursor });
  const old = { ...cursor, begunAtMs: NOW_MS - 21 * DAY_MS };
  expect(planNext(old, KNOWN)).toMatchObject({
    kind: 'list',
    generation: 4,
    cursor: { pageToken: null, listed: 0 },
  });
});

test.each<[string, IncrementalCursor, Partial<typeof KNOWN>, 'increment' | 'list']>([
  ['nothing else is due', incremental(), {}, 'increment'],
  ['items are to be read again', incremental(), { hasRefetch: true }, 'list'],
  ['its increments hide changes and it is time', incremental(), { isRelisted: true }, 'list'],
  [
    'its increments hide changes and it is not time',
    incremental({ relistAtMs: NOW_MS + 1 }),
    { isRelisted: true },
    'increment',
  ],
  [
    'a listing is under way, which is finished first',
    incremental({ pageToken: 'p' }),
    { hasRefetch: true, isRelisted: true },
    'increment',
  ],
  [
    'the sync token is older than deletions are kept',
    incremental({ pageToken: 'p', syncTokenAtMs: NOW_MS - 21 * DAY_MS }),
    {},
    'list',
  ],
])('a collection in phase incremental, when %s', (_what, cursor, known, kind) => {
  expect(planNext(cursor, { ...KNOWN, ...known }).kind).toBe(kind);
});

test('a page token that Google no longer knows begins the listing again, once more each time', () => {
  const first = newListing(KNOWN);
  const second = listedFromStart(first);
  expect(second).toMatchObject({ generation: 5, isForced: true, cursor: { restarts: 1 } });
  expect(listedFromStart(second)).toMatchObject({ generation: 6, cursor: { restarts: 2 } });
});
