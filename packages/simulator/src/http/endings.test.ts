import { Client, type Json } from '../../test-support/client.js';
import { startSimulator, type Simulator } from '../simulator.js';

let simulator: Simulator;
let client: Client;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: 1,
    messagesPerAccount: 30,
    eventsPerCalendar: 30,
    calendarsPerAccount: 8,
    quota: { scale: 100 },
  });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
});
afterAll(() => simulator.close());
afterEach(() => {
  simulator.faults.clear();
});

const LISTS = [
  ['messages.list', '/gmail/v1/users/me/messages?maxResults=3', 'messages'],
  ['events.list', '/calendar/v3/calendars/primary/events?maxResults=3', 'items'],
  ['calendarList.list', '/calendar/v3/users/me/calendarList?maxResults=3', 'items'],
] as const;

/** Requests some pages of a list. Returns each token with the ids of the page that contained it. */
async function pages(
  path: string,
  name: string,
  count: number,
): Promise<{ next: string | undefined; ids: string }[]> {
  const seen: { next: string | undefined; ids: string }[] = [];
  let token: string | undefined = '';
  for (let n = 0; n < count && token !== undefined; n++) {
    const page: Json = (
      await client.get(token === '' ? path : `${path}&pageToken=${encodeURIComponent(token)}`)
    ).json;
    token = page.nextPageToken as string | undefined;
    const items = (page[name] ?? []) as { id: string }[];
    seen.push({ next: token, ids: items.map(({ id }) => id).join() });
    expect(Boolean(token) && 'nextSyncToken' in page).toBe(false);
  }
  return seen;
}

test.each(LISTS)('%s: a page names itself as the next', async (method, path, name) => {
  simulator.faults.add({ kind: 'page-names-itself', method });
  const [first, second, third] = await pages(path, name, 3);
  expect(second).toEqual({ next: first?.next, ids: first?.ids });
  expect(third).toEqual(second);
});

test.each(LISTS)('%s: pages form a cycle of the requested length', async (method, path, name) => {
  simulator.faults.add({ kind: 'pages-in-a-cycle', method, pages: 2 });
  const seen = await pages(path, name, 7);
  expect(seen.map(({ next }) => next).slice(2)).toEqual([0, 1, 0, 1, 0].map((n) => seen[n]?.next));
  expect(new Set(seen.map(({ ids }) => ids)).size).toBe(3);
});

test.each(LISTS)('%s: a page repeats under new tokens', async (method, path, name) => {
  simulator.faults.add({ kind: 'pages-repeat', method });
  const seen = await pages(path, name, 5);
  expect(new Set(seen.map(({ next }) => next)).size).toBe(5);
  expect(new Set(seen.map(({ ids }) => ids)).size).toBe(1);
  expect(seen[0]?.ids).not.toBe('');
});

test.each(LISTS)(
  '%s: empty pages continue as long as the fault, and then the list continues where it was',
  async (method, path, name) => {
    simulator.faults.add({ kind: 'empty-pages', method, count: 4 });
    const seen = await pages(path, name, 6);
    expect(seen.map(({ ids }) => ids === '')).toEqual([true, true, true, true, false, false]);
    expect(seen[4]?.ids).toBe((await pages(path, name, 1))[0]?.ids);
  },
);

test.each(['page-names-itself', 'pages-repeat', 'empty-pages', 'pages-in-a-cycle'] as const)(
  'the sync token of a listing reports what was deleted while the listing had no end: %s',
  async (kind) => {
    const events = '/calendar/v3/calendars/primary/events';
    simulator.faults.add({ kind, method: 'events.list', pages: 1 });
    const { nextPageToken, items } = (await client.get(events)).json;
    simulator.faults.clear();
    const calendarId = simulator.accounts()[0]!.email;
    expect(simulator.act(calendarId, { action: 'event-delete', calendarId }).done).toBe(true);
    const last = (await client.get(`${events}?pageToken=${nextPageToken}`)).json;
    const known = [...(items ?? []), ...last.items].map(({ id }: Json) => id as string);
    const delta = (await client.get(`${events}?syncToken=${last.nextSyncToken}`)).json;
    const listed = delta.items.filter(({ status }: Json) => status === 'cancelled');
    expect(listed).not.toEqual([]);
    expect(kind === 'empty-pages' || known.includes(listed[0].id as string)).toBe(true);
  },
);

test('a missing sync token affects only lists that have one', async () => {
  simulator.faults.add({ kind: 'no-sync-token', count: 2 });
  const list = '/calendar/v3/users/me/calendarList';
  expect((await client.get('/gmail/v1/users/me/profile')).json.historyId).toBeDefined();
  for (const there of [false, false, true])
    expect('nextSyncToken' in (await client.get(list)).json).toBe(there);
});

test.each([
  ['no-history-id', undefined],
  ['garbled-history-id', 'NaN'],
  ['old-history-id', '1'],
] as const)('profile, history, messages and threads return %s', async (kind, historyId) => {
  const me = '/gmail/v1/users/me';
  const { messages } = (await client.get(`${me}/messages?maxResults=1`)).json;
  const { id, threadId } = messages[0] as { id: string; threadId: string };
  simulator.faults.add({ kind });
  expect((await client.get(`${me}/profile`)).json.historyId).toBe(historyId);
  expect((await client.get(`${me}/history?startHistoryId=1000000`)).json.historyId).toBe(historyId);
  expect((await client.get(`${me}/messages/${id}`)).json.historyId).toBe(historyId);
  const thread = (await client.get(`${me}/threads/${threadId}`)).json;
  expect([thread.historyId, thread.messages[0].historyId]).toEqual([historyId, historyId]);
});

test('a cycle has at least one page', () => {
  expect(() => simulator.faults.add({ kind: 'pages-in-a-cycle', pages: 0 })).toThrow('at least 1');
});
