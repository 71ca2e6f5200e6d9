import type { QuotaUsage } from '@syncline/google';
import type { SpentToday } from '@syncline/store';
import { type Backfill, quotaDocument, quotaText } from './quota-report.js';

const free = { used: 0, limit: 10_000, closedForMs: 0, pacePercent: 100 };
const day = {
  day: '2026-11-21',
  used: 10,
  limit: 1_000,
  backfillBound: 950,
  catchUpBound: 975,
  endsInMs: 3_600_000,
};
const usageWith = (over: Partial<QuotaUsage['gmail']>): QuotaUsage => ({
  gmail: { project: free, day, users: {}, ...over },
  calendar: { project: free, users: {} },
});

const spent: SpentToday[] = [
  {
    accountId: '1',
    email: 'ada@example.com',
    tenant: 'one',
    identityId: 'i1',
    project: 'default',
    method: 'gmail.users.messages.get',
    calls: 3,
    units: 60,
  },
  {
    accountId: '1',
    email: 'ada@example.com',
    tenant: 'one',
    identityId: 'i1',
    project: 'default',
    method: 'calendar.events.list',
    calls: 2,
    units: 2,
  },
  {
    accountId: '2',
    email: 'bob@example.com',
    tenant: 'two',
    identityId: null,
    project: 'b',
    method: 'gmail.users.messages.get',
    calls: 5,
    units: 100,
  },
];
const backfill = (etaSeconds: number | null): Backfill => ({
  email: 'ada@example.com',
  tenant: 't',
  collection: 'mailbox',
  done: 1,
  total: 2,
  etaSeconds,
  text: '1/2',
});

test('what was spent is summed by method, account and project', () => {
  expect(quotaDocument(spent, { default: usageWith({}) }, [])).toMatchObject({
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

test('the end of the backfills is that of the last, and unknown while one cannot tell', () => {
  const endOf = (...etas: (number | null)[]): object => quotaDocument([], null, etas.map(backfill));
  expect(endOf(30, 90)).toMatchObject({ backfillsEndInSeconds: 90 });
  expect(endOf(30, null)).toMatchObject({ backfillsEndInSeconds: null });
  expect(quotaText([], null, [backfill(90)])).toContain(
    'Backfills in hand, the last ends in 1 min 30 s',
  );
});

test.each([
  [{ ...day }, 'backfills may go on to 950 by now'],
  [{ ...day, used: 950 }, 'backfills rest until the day is older; live changes go on'],
  [{ ...day, used: 980 }, 'backfills and catch-up rest until the day is older; live changes go on'],
  [{ ...day, used: 2_000 }, 'backfills and catch-up rest, for 1 h; live changes go on'],
])('the state of the day: %j', (spentDay, words) => {
  expect(quotaText([], { default: usageWith({ day: spentDay }) }, [])).toContain(words);
});

test('each project has its lines, and a refusal of Google is told', () => {
  const text = quotaText(
    spent,
    {
      default: usageWith({}),
      b: usageWith({ project: { ...free, closedForMs: 30_000, pacePercent: 75 } }),
    },
    [],
  );
  expect(text).toContain('The project default');
  expect(text).toContain('The project b');
  expect(text).toContain('closed by Google for 30 s; slowed to 75 % after a refusal');
});

test('without Redis the rest is told', () => {
  expect(quotaText(spent, null, [])).toContain('This minute: unknown, Redis does not answer');
});

test('prints the tenant of an account and the minute window of its Google identity', () => {
  const minute = usageWith({ users: { i1: { ...free, used: 5_999, limit: 6_000 } } });
  expect(quotaText(spent, { default: minute }, [])).toMatch(
    /ada@example\.com +one +60 +2 +5,999\/6,000/,
  );
  expect(quotaDocument(spent, { default: minute }, [])).toMatchObject({
    today: {
      byAccount: [
        { tenant: 'two', identityId: null },
        { tenant: 'one', identityId: 'i1' },
      ],
    },
  });
});

test.each(['constructor', 'toString', '__proto__'])(
  'a project or a user called %s, which is not configured any more, is unknown',
  (word) => {
    const account = { ...spent[0], project: word, identityId: word } as SpentToday;
    expect(quotaText([account], { default: usageWith({}) }, [])).toContain('?');
    expect(
      quotaText([{ ...account, project: 'default' }], { default: usageWith({}) }, []),
    ).toContain('?');
  },
);
