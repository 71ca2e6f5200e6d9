import { countConfirms, decide, lackingByCount, relistDelayMs, type Findings } from './decide.js';

const found = (f: Partial<Findings>): Findings => ({
  rows: 100,
  missing: 0,
  mayHaveNameless: false,
  asked: null,
  confirmedBy: null,
  ...f,
});
const gone = { alive: 0, gone: 20 };

test('nothing is asked when nothing, or a small part of a large collection, is missing', () => {
  expect(decide(found({ missing: 0, rows: 0 }))).toBe('sweep');
  expect(decide(found({ missing: 5 }))).toBe('sweep');
});

test('more than five missing rows, or a large part of a small collection, are asked for by id', () => {
  expect(decide(found({ missing: 6 }))).toBe('ask');
  expect(decide(found({ missing: 1, rows: 4 }))).toBe('ask');
  expect(decide(found({ missing: 1, rows: 5 }))).toBe('sweep');
  expect(decide(found({ missing: 1, mayHaveNameless: true }))).toBe('ask');
});

test('rows that nothing can be asked of are held after a listing with items without an id', () => {
  const nameless = { missing: 2, mayHaveNameless: true };
  expect(decide(found({ ...nameless, asked: { alive: 0, gone: 1 } }))).toBe('hold');
  expect(decide(found({ ...nameless, asked: { alive: 0, gone: 2 } }))).toBe('sweep');
  const confirmedBy = 'second-listing';
  expect(decide(found({ ...nameless, asked: { alive: 0, gone: 1 }, confirmedBy }))).toBe('sweep');
});

test('rows that nothing can be asked of are held until a second listing, however few they are', () => {
  const unanswered = { alive: 0, gone: 0 };
  for (const missing of [1, 2, 3])
    expect(decide(found({ rows: 3, missing, asked: unanswered }))).toBe('hold');
  expect(decide(found({ missing: 6, asked: unanswered }))).toBe('hold');
  const confirmedBy = 'second-listing';
  expect(decide(found({ missing: 6, asked: unanswered, confirmedBy }))).toBe('sweep');
});

test('one row that Google still has discards the listing, whatever else confirms it', () => {
  for (const confirmedBy of [null, 'count', 'second-listing'] as const)
    expect(decide(found({ missing: 60, asked: { alive: 1, gone: 19 }, confirmedBy }))).toBe(
      'discard',
    );
});

test('a sweep of more than a fifth waits for a second listing, or for a count that agrees', () => {
  expect(decide(found({ missing: 20, asked: gone }))).toBe('sweep');
  expect(decide(found({ missing: 21, asked: gone }))).toBe('hold');
  expect(decide(found({ missing: 21, asked: gone, confirmedBy: 'count' }))).toBe('sweep');
  expect(decide(found({ missing: 21, asked: gone, confirmedBy: 'second-listing' }))).toBe('sweep');
});

test('a sweep of which every row was asked for does not wait', () => {
  expect(decide(found({ missing: 5, rows: 5, asked: { alive: 0, gone: 5 } }))).toBe('sweep');
  expect(decide(found({ missing: 6, rows: 6, asked: { alive: 0, gone: 6 } }))).toBe('hold');
});

test('for all sizes, nothing beyond five rows or a fifth is deleted without asking, and no row that Google has', () => {
  const cases = Array.from({ length: 60 }, (_, i) => i + 1).flatMap((rows) =>
    Array.from({ length: rows }, (_, i) => ({ rows, missing: i + 1 })),
  );
  const needsEvidence = cases.filter(({ rows, missing }) => missing > 5 || missing * 5 > rows);
  const decisions = (asked: Findings['asked']): Set<string> =>
    new Set(needsEvidence.map((one) => decide(found({ ...one, asked }))));
  expect(decisions(null)).toEqual(new Set(['ask']));
  expect(decisions({ alive: 1, gone: 0 })).toEqual(new Set(['discard']));
});

test('a count replaces a second listing only of a whole mailbox, exactly, and not of an empty one', () => {
  expect(countConfirms(40, 40, true)).toBe(true);
  expect(countConfirms(40, 39, true)).toBe(false);
  expect(countConfirms(40, 40, false)).toBe(false);
  expect(countConfirms(0, 0, true)).toBe(false);
  expect(countConfirms(null, 0, true)).toBe(false);
});

test('a listing that is empty, or a fifth and five messages short of the count, is doubted; of a whole mailbox only', () => {
  expect(lackingByCount(1, 0, true)).toBe(1);
  expect(lackingByCount(60, 0, true)).toBe(60);
  expect(lackingByCount(60, 40, true)).toBe(20);
  expect(lackingByCount(60, 48, true)).toBe(0);
  expect(lackingByCount(7, 2, true)).toBe(0);
  expect(lackingByCount(60, 70, true)).toBe(0);
  expect(lackingByCount(0, 0, true)).toBe(0);
  expect(lackingByCount(null, 0, true)).toBe(0);
  expect(lackingByCount(60, 0, false)).toBe(0);
});

test('a discarded listing is repeated after a minute, with backoff up to about an hour', () => {
  const delays = [0, 1, 2, 3, 20].map((discards) => relistDelayMs(60_000, discards, 0));
  expect(delays).toEqual([60_000, 120_000, 240_000, 480_000, 3_600_000]);
  expect(relistDelayMs(60_000, 0, 0.99)).toBeLessThan(66_001);
});
