import { Client, type Json } from '../test-support/client.js';
import { startSimulator, type Simulator, type SimulatorOptions } from './index.js';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);
const email = 'user1@demo.example';
const EVENTS = '/calendar/v3/calendars/primary/events';

let simulator: Simulator;
let client: Client;
afterEach(() => simulator.close());

async function open(options: SimulatorOptions = {}): Promise<void> {
  simulator = await startSimulator({
    messagesPerAccount: 30,
    eventsPerCalendar: 20,
    tokenLatencyMs: 0,
    nowMs: NOW,
    accessTokenTtlMs: 365 * DAY_MS,
    ...options,
  });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
}

test('history expires after its retention', async () => {
  await open();
  const start = (await client.get('/gmail/v1/users/me/profile')).json.historyId;
  simulator.act(email, { action: 'deliver' });
  const path = `/gmail/v1/users/me/history?startHistoryId=${start}`;
  simulator.clock.advance(7 * DAY_MS);
  expect((await client.get(path)).status).toBe(200);
  simulator.clock.advance(1);
  expect((await client.get(path)).status).toBe(404);
});

test('a deleted event is listed until its tombstone expires, and is then missing from incremental lists', async () => {
  await open({ tombstoneRetentionMs: 5 * DAY_MS });
  const token = (await client.get(`${EVENTS}?maxResults=2500`)).json.nextSyncToken;
  const { eventId } = simulator.act(email, {
    action: 'event-create',
    calendarId: email,
    event: { summary: 'short' },
  });
  simulator.act(email, { action: 'event-delete', calendarId: email, eventId: eventId! });
  const delta = async (): Promise<Json[]> =>
    (await client.get(`${EVENTS}?syncToken=${encodeURIComponent(token)}`)).json.items;
  expect(await delta()).toEqual([
    { kind: 'calendar#event', etag: expect.any(String), id: eventId, status: 'cancelled' },
  ]);
  simulator.clock.advance(5 * DAY_MS);
  expect(await delta()).toHaveLength(1);
  simulator.clock.advance(1);
  expect([await delta(), (await client.get(`${EVENTS}/${eventId}`)).status]).toEqual([[], 404]);
});

test('old sync tokens and updatedMin give 410 with their own texts', async () => {
  await open({ syncTokenRetentionMs: 3 * DAY_MS });
  const token = (await client.get(`${EVENTS}?maxResults=2500`)).json.nextSyncToken;
  simulator.clock.advance(3 * DAY_MS + 1);
  const reason = async (query: string): Promise<[number, string]> => {
    const { error } = (await client.get(`${EVENTS}?${query}`)).json;
    return [error.code, error.errors[0].reason];
  };
  expect(await reason(`syncToken=${encodeURIComponent(token)}`)).toEqual([410, 'fullSyncRequired']);
  expect(await reason(`updatedMin=${new Date(NOW).toISOString()}`)).toEqual([
    410,
    'updatedMinTooLongAgo',
  ]);
});

test('short and empty pages of Gmail continue by their token without gaps or repeats', async () => {
  await open({ shortGmailPages: true });
  const start = (await client.get('/gmail/v1/users/me/profile')).json.historyId;
  for (let n = 0; n < 25; n++) simulator.act(email, { action: 'deliver' });
  const visit = async (path: string, name: string): Promise<{ ids: string[]; sizes: number[] }> => {
    const ids: string[] = [];
    const sizes: number[] = [];
    for (let token: string | undefined = ''; token !== undefined;) {
      const page: Json = (
        await client.get(`${path}&maxResults=5${token === '' ? '' : `&pageToken=${token}`}`)
      ).json;
      sizes.push((page[name] ?? []).length);
      ids.push(...(page[name] ?? []).map((item: { id: string }) => item.id));
      token = page.nextPageToken;
    }
    return { ids, sizes };
  };
  const messages = await visit('/gmail/v1/users/me/messages?includeSpamTrash=true', 'messages');
  expect([messages.ids.toSorted(), messages.sizes.includes(0)]).toEqual([
    simulator.gmailTruth(email).map(({ id }) => id),
    true,
  ]);
  const history = await visit(`/gmail/v1/users/me/history?startHistoryId=${start}`, 'history');
  expect([history.ids.length, new Set(history.ids).size]).toEqual([25, 25]);
});

test('the kind of pages can be changed at run time', async () => {
  await open({ messagesPerAccount: 10, largestPage: 3 });
  const size = async (): Promise<number> =>
    (await client.get('/gmail/v1/users/me/messages?includeSpamTrash=true&maxResults=100')).json
      .messages.length;
  expect(await size()).toBe(3);
  simulator.setPages({ largestPage: 7 });
  expect(await size()).toBe(7);
});
