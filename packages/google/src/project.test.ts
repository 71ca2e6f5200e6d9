import { type Bench, QUOTAS, openBench } from '../test-support/bench-google.js';
import type { GoogleErrorKind } from './errors.js';
import { GoogleError } from './errors.js';

/** Several Google projects in one process have separate clients, tokens and budgets. */
let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
beforeEach(() => bench.fresh());
afterAll(() => bench.stop());

const B = {
  name: 'b',
  clientId: 'client-b',
  clientSecret: 'secret-b',
  quotas: { ...QUOTAS, calendarRequestsPerProjectMinute: 3 },
};
const LIST = { syncToken: null, pageToken: null };

async function detailOf(call: Promise<unknown>): Promise<GoogleErrorKind | 'fine'> {
  try {
    await call;
  } catch (error) {
    if (error instanceof GoogleError) return error.detail;
    throw error;
  }
  return 'fine';
}

test("an account's token is refreshed with its project's client and stored apart from other projects", async () => {
  bench.stub.answer = () => ({ body: { items: [] } });
  const google = await bench.open({ projects: [B] });
  await google.account('a1').calendar.calendars(LIST);
  await google.account('a1', { lane: 'live', project: 'b' }).calendar.calendars(LIST);
  const clients = bench.stub.refreshes.map(({ body }) => [
    new URLSearchParams(body).get('client_id'),
    new URLSearchParams(body).get('client_secret'),
  ]);
  expect(clients).toEqual([
    ['client', 'secret'],
    ['client-b', 'secret-b'],
  ]);
  await google.forgetToken('a1');
  await google.account('a1', { lane: 'live', project: 'b' }).calendar.calendars(LIST);
  expect(bench.stub.refreshes).toHaveLength(3);
});

test('each project has its own budget', async () => {
  bench.stub.answer = () => ({ body: { items: [] } });
  const google = await bench.open({ projects: [B] });
  expect(google.projects).toEqual(['default', 'b']);
  const b = (accountId: string) =>
    google.account(accountId, { lane: 'live', project: 'b' }).calendar.calendars(LIST);
  await Promise.all([b('a1'), b('a2'), b('a3')]);
  expect(await detailOf(b('a4'))).toMatchObject({
    kind: 'rate-limited',
    scope: 'project',
    source: 'governor',
  });
  await google.account('a4').calendar.calendars(LIST);
  expect((await google.quotaUsage([], 'b')).calendar.project).toMatchObject({ used: 3, limit: 3 });
  expect((await google.quotaUsage([])).calendar.project).toMatchObject({ used: 1, limit: 10_000 });
});

test('a call of an account whose project is not configured is refused without a request', async () => {
  const { gmail } = (await bench.open()).account('a1', { lane: 'live', project: 'gone' });
  expect(await detailOf(gmail.profile())).toEqual({ kind: 'forbidden', reason: 'unknown_project' });
  expect([bench.stub.seen, bench.stub.refreshes]).toEqual([[], []]);
});

test("a further project's quota below the price of a call is refused at start, with its name", async () => {
  const opening = bench.open({
    projects: [{ ...B, quotas: { ...QUOTAS, gmailUnitsPerUserMinute: 19 } }],
  });
  await expect(opening).rejects.toThrow(
    'project "b": GMAIL_UNITS_PER_USER_MINUTE must be at least 40',
  );
});
