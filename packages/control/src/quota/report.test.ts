import type { SpentToday } from '@syncline/store';
import { type FullSync, type Usage, quotaDocument, quotaReport } from './report.js';
import { free, fullSync, spent, usageWith } from '../../../../test/support/quota-figures.js';

function documentOf(
  entries: readonly SpentToday[],
  minute: Usage | null,
  fullSyncs: readonly FullSync[],
): object {
  return quotaDocument(quotaReport(entries, minute, fullSyncs), () => '1/2');
}

test('what was spent is summed by method, account and project', () => {
  expect(documentOf(spent, { default: usageWith({}) }, [])).toMatchObject({
    today: {
      byMethod: [
        { method: 'gmail.users.messages.get', calls: 8, units: 160 },
        { method: 'calendar.events.list', calls: 2, units: 2 },
      ],
      byAccount: [
        { email: 'bob@example.com', project: 'b', gmailUnits: 100 },
        { email: 'ada@example.com', project: 'default', gmailUnits: 60, calendarRequests: 2 },
      ],
      byProject: [
        { project: 'b', gmailUnits: 100, calendarRequests: 0 },
        { project: 'default', gmailUnits: 60, calendarRequests: 2 },
      ],
    },
    minute: usageWith({}),
    projects: { default: usageWith({}) },
    backfillsEndInSeconds: null,
  });
});

test('the end of the full syncs is that of the last one, and unknown while one cannot be estimated', () => {
  const endOf = (...etas: (number | null)[]): object => documentOf([], null, etas.map(fullSync));
  expect(endOf(30, 90)).toMatchObject({ backfillsEndInSeconds: 90 });
  expect(endOf(30, null)).toMatchObject({ backfillsEndInSeconds: null });
});

test('a full sync in the document has its progress in words as its last key', () => {
  expect(documentOf([], null, [fullSync(90)])).toMatchObject({
    backfills: [{ ...fullSync(90), text: '1/2' }],
  });
});

test('has the tenant and the Google identity of each account', () => {
  const minute = usageWith({ users: { i1: { ...free, used: 5_999, limit: 6_000 } } });
  expect(documentOf(spent, { default: minute }, [])).toMatchObject({
    today: {
      byAccount: [
        { tenant: 'two', identityId: null },
        { tenant: 'one', identityId: 'i1' },
      ],
    },
  });
});
