import { Client, type Json } from '../../test-support/client.js';
import { Receiver } from '../../test-support/receiver.js';
import { startSimulator, type Simulator } from '../simulator.js';

const EVENTS = '/calendar/v3/calendars/primary/events';
const HOLIDAYS = `/calendar/v3/calendars/${encodeURIComponent('en.usa#holiday@group.v.calendar.google.com')}/events`;
const email = 'user1@demo.example';
const NOW = Date.UTC(2026, 5, 1);

let simulator: Simulator;
let client: Client;
let receiver: Receiver;

beforeEach(async () => {
  simulator = await startSimulator({
    accounts: 2,
    messagesPerAccount: 1,
    tokenLatencyMs: 0,
    nowMs: NOW,
    accessTokenTtlMs: 10_000_000_000,
  });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
  receiver = await Receiver.open();
});
afterEach(async () => {
  await simulator.close();
  await receiver.close();
});

const open = (
  id: string,
  more: object = {},
  path = EVENTS,
): Promise<{ status: number; json: Json }> =>
  client.post(`${path}/watch`, { id, type: 'web_hook', address: receiver.url, ...more });

test('the sync message is first, then one empty message per change, numbered with gaps', async () => {
  const { json } = await open('one', { token: 'secret' });
  expect(json).toEqual({
    kind: 'api#channel',
    id: 'one',
    resourceId: expect.any(String),
    token: 'secret',
    expiration: String(NOW + 604_800_000),
    resourceUri: `https://www.googleapis.com/calendar/v3/calendars/${encodeURIComponent(email)}/events?alt=json`,
  });
  await receiver.until(1);
  simulator.act(email, { action: 'event-create', calendarId: email });
  await receiver.until(2);
  simulator.act(email, { action: 'event-create', calendarId: email });
  const posted = await receiver.until(3);
  expect(posted.map(({ headers }) => headers['x-goog-resource-state'])).toEqual([
    'sync',
    'exists',
    'exists',
  ]);
  const numbers = posted.map(({ headers }) => Number(headers['x-goog-message-number']));
  expect([numbers[0], numbers[1]! > 2, numbers[2]! > numbers[1]! + 1]).toEqual([1, true, true]);
  expect(posted[0]!.text).toBe('');
  expect(posted[0]!.headers).toMatchObject({
    'content-length': '0',
    'x-goog-channel-id': 'one',
    'x-goog-channel-token': 'secret',
    'x-goog-resource-id': json.resourceId,
    'x-goog-resource-uri': json.resourceUri,
    'x-goog-channel-expiration': 'Mon, 08 Jun 2026 00:00:00 GMT',
  });
});

test('the sync message sometimes arrives before the response', async () => {
  let before = 0;
  for (let n = 0; n < 20; n++) {
    await open(`channel-${n}`);
    if (receiver.posted.some(({ headers }) => headers['x-goog-channel-id'] === `channel-${n}`))
      before += 1;
  }
  expect(before).toBeGreaterThan(3);
});

test('a calendar list has its own channel', async () => {
  await open('list', {}, '/calendar/v3/users/me/calendarList');
  simulator.act(email, { action: 'calendar-create' });
  const posted = await receiver.until(2);
  expect(posted[1]!.headers).toMatchObject({
    'x-goog-resource-state': 'exists',
    'x-goog-resource-uri': expect.stringContaining('/calendarList?alt=json'),
  });
});

test('the removal of a calendar is announced once', async () => {
  const { calendarId } = simulator.act(email, { action: 'calendar-create' });
  await open('doomed', {}, `/calendar/v3/calendars/${encodeURIComponent(calendarId!)}/events`);
  await receiver.until(1);
  simulator.act(email, { action: 'calendar-delete', calendarId: calendarId! });
  const posted = await receiver.until(2);
  expect([posted[1]!.headers['x-goog-resource-state'], (await listed()).channels]).toEqual([
    'not_exists',
    [],
  ]);
});

test('a channel ends at the requested time, after a month at most', async () => {
  expect((await open('short', { params: { ttl: '60' } })).json.expiration).toBe(
    String(NOW + 60_000),
  );
  expect((await open('long', { params: { ttl: '99999999' } })).json.expiration).toBe(
    String(NOW + 30 * 86_400_000),
  );
  expect((await open('dated', { expiration: String(NOW + 120_000) })).json.expiration).toBe(
    String(NOW + 120_000),
  );
  simulator.clock.advance(60_000);
  expect((await listed()).channels.map((channel: { id: string }) => channel.id)).toEqual([
    'long',
    'dated',
  ]);
});

test('stop requires the right resource and user', async () => {
  const { json } = await open('one');
  const stop = (who: Client, resourceId: string): Promise<{ status: number }> =>
    who.post('/calendar/v3/channels/stop', { id: 'one', resourceId });
  const other = await Client.signIn(simulator.url, simulator.accounts()[1]!.refreshToken);
  expect([
    (await stop(client, 'wrong')).status,
    (await stop(other, json.resourceId)).status,
    (await stop(client, json.resourceId)).status,
    (await stop(client, json.resourceId)).status,
  ]).toEqual([404, 404, 204, 404]);
});

test.each([
  [{ id: '' }, 400, 'required'],
  [{ id: 'with space' }, 400, 'invalid'],
  [{ type: 'email' }, 400, 'invalid'],
  [{ id: 'taken' }, 400, 'channelIdNotUnique'],
  [{ address: 'http://app.example/hook' }, 400, 'push.webhookUrlNotHttps'],
  [{ token: 'x'.repeat(257) }, 400, 'invalid'],
])('%j is refused', async (change, status, reason) => {
  await open('taken');
  const answer = await open('fresh', change);
  expect([answer.status, answer.json.error.errors[0].reason]).toEqual([status, reason]);
});

test('holidays and unknown calendars have no channels, and https addresses are accepted', async () => {
  const holidays = await open('one', {}, HOLIDAYS);
  expect([holidays.status, holidays.json.error.errors[0].reason]).toEqual([
    400,
    'pushNotSupportedForRequestedResource',
  ]);
  expect((await open('two', {}, '/calendar/v3/calendars/unknown/events')).status).toBe(404);
  expect((await open('three', { address: 'https://127.0.0.1:9/hook' })).status).toBe(200);
});

test('deliveries to a busy receiver are repeated, to a refusing one they are not', async () => {
  receiver.statuses = [503, 403, 204];
  await open('one');
  await receiver.until(1);
  await settled(() => simulator.ledger.snapshot().notifications.channel.refused === 1);
  simulator.clock.advance(1_000);
  await receiver.until(2);
  await settled(() => simulator.ledger.snapshot().notifications.channel.refused === 2);
  simulator.clock.advance(600_000);
  simulator.act(email, { action: 'event-create', calendarId: email });
  const posted = await receiver.until(3);
  expect(posted.map(({ headers }) => headers['x-goog-resource-state'])).toEqual([
    'sync',
    'sync',
    'exists',
  ]);
});

async function listed(): Promise<Json> {
  return (await client.get('/sim/watches')).json;
}

/** Waits until everything in flight has finished. */
async function settled(done: () => boolean): Promise<void> {
  while (!done())
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
}
