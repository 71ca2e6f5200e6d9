import type { Outcome, RunTotals } from '@syncline/sync';
import { reportOf, summaryOf } from './job-words.js';

const NEXT = new Date('2026-05-04T10:00:00.000Z');
const TOTALS: RunTotals = { pages: 2, items: 30, changes: 1, quotaUnits: 45, nextSyncAt: NEXT };

test('a job returns the outcome of its run, what it did, and when the collection comes next', () => {
  expect(reportOf({ kind: 'caught-up', changes: 1 }, TOTALS, 120)).toEqual({
    outcome: 'caught-up',
    reason: null,
    durationMs: 120,
    sync: {
      pages: 2,
      items: 30,
      changes: 1,
      quotaUnits: 45,
      nextSync: '2026-05-04T10:00:00.000Z',
    },
  });
  expect(reportOf({ kind: 'gone' }, null, 3)).toMatchObject({
    outcome: 'gone',
    sync: { pages: 0 },
  });
});

test.each([
  [{ kind: 'snoozed', until: NEXT, reason: 'waiting for quota' }, 'waiting for quota'],
  [{ kind: 'parked', until: NEXT, reason: 'no scope' }, 'no scope'],
  [{ kind: 'reauth-required', reason: 'invalid_grant' }, 'invalid_grant'],
  [{ kind: 'busy', until: NEXT }, 'another worker has this collection'],
] as const)('the reason of %j is given', (outcome, reason) => {
  expect(reportOf(outcome, TOTALS, 1)).toMatchObject({ outcome: outcome.kind, reason });
});

test('the log line of a job is one sentence with counts', () => {
  const summary = (outcome: Outcome): string =>
    summaryOf('incremental sync', outcome, reportOf(outcome, TOTALS, 120));
  const counts = '2 pages, 30 items, 1 change, 45 quota units, 120 ms';
  expect(summary({ kind: 'caught-up', changes: 1 })).toBe(`incremental sync, caught up: ${counts}`);
  expect(summary({ kind: 'parked', until: NEXT, reason: 'no scope' })).toBe(
    `incremental sync, parked (no scope): ${counts}`,
  );
});
