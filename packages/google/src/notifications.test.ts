import { startSimulator, type Simulator } from '@syncline/simulator';
import { openBench, QUOTAS, type Bench } from '../test-support/bench-google.js';
import { refusal } from '../test-support/stub-google.js';
import { GoogleError, readChannelMessage, readGmailPush, type GoogleAccount } from './index.js';
import { openSubscription, type Pulled, type Subscription } from './push.js';

const TOPIC = 'projects/sim/topics/gmail';
const SUBSCRIPTION = 'projects/sim/subscriptions/s';
const CHANNEL = {
  channelId: 'one',
  token: 'secret',
  address: 'http://127.0.0.1:9/push/calendar',
  ttlSeconds: 604_800,
};
const NEVER = new AbortController().signal;

let bench: Bench;
let sim: Simulator;
let ada: string;
let account: GoogleAccount;
let subscription: Subscription;
beforeAll(async () => {
  bench = await openBench();
});
beforeEach(async () => {
  await bench.fresh();
  sim = await startSimulator({
    accounts: 1,
    messagesPerAccount: 3,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
  });
  for (const { email, refreshToken } of sim.accounts())
    bench.tokens.current.set((ada = email), refreshToken);
  account = (await bench.open({ apiUrl: sim.url, quotas: QUOTAS })).account(ada);
  sim.pubsub.subscribe({ name: SUBSCRIPTION, topic: TOPIC });
  sim.delivery.set({ minGapMs: 0 });
  subscription = openSubscription(bench.rt, {
    apiUrl: sim.url,
    name: SUBSCRIPTION,
    serviceAccount: keyOf(sim),
  });
});
afterEach(async () => {
  await subscription.close();
  await sim.close();
});
afterAll(() => bench.stop());

function keyOf(simulator: Simulator): { email: string; privateKey: string; keyId: string } {
  const {
    client_email: email = '',
    private_key: privateKey = '',
    private_key_id: keyId = '',
  } = simulator.serviceAccount.keyFile();
  return { email, privateKey, keyId };
}

const detailOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'succeeded',
    (error: unknown) => (error instanceof GoogleError ? error.detail : error),
  );

test('a watch lasts seven days, notifies at once and after a change, and acknowledged messages are not delivered again', async () => {
  const { expiresAt } = await account.gmail.watch(TOPIC);
  expect(Math.abs(expiresAt.getTime() - Date.now() - 7 * 86_400_000)).toBeLessThan(5_000);
  const first = await subscription.pull(10, NEVER);
  expect(first).toEqual([{ ackId: expect.any(String), address: ada }]);
  await subscription.acknowledge(first.map(({ ackId }) => ackId));
  sim.act(ada, { action: 'deliver' });
  sim.pubsub.publish(TOPIC, 'no JSON');
  const next: Pulled[] = [];
  while (next.length < 2) next.push(...(await subscription.pull(10, NEVER)));
  expect(next.map(({ address }) => address)).toEqual([ada, null]);
  await account.gmail.stopWatch();
  await account.gmail.stopWatch();
  sim.act(ada, { action: 'deliver' });
  await subscription.acknowledge(next.map(({ ackId }) => ackId));
  expect(await subscription.pull(10, NEVER)).toEqual([]);
  expect(account.takeSpent()).toEqual([
    { method: 'gmail.users.watch', calls: 1, units: 100 },
    { method: 'gmail.users.stop', calls: 2, units: 100 },
  ]);
});

test('a second topic, a topic without the grant and a missing topic are refused with different errors', async () => {
  await account.gmail.watch(TOPIC);
  sim.pubsub.addTopic('projects/sim/topics/other');
  sim.pubsub.addTopic('projects/sim/topics/closed', false);
  expect(await detailOf(account.gmail.watch('projects/sim/topics/other'))).toEqual({
    kind: 'rejected',
    status: 400,
    reason: 'pushClientInUse',
  });
  expect(await detailOf(account.gmail.watch('projects/sim/topics/closed'))).toMatchObject({
    kind: 'forbidden',
    reason: 'forbidden',
  });
  expect(await detailOf(account.gmail.watch('projects/sim/topics/none'))).toEqual({
    kind: 'not-found',
  });
});

test('channels are opened for calendars and the list and stopped once; holiday calendars have none', async () => {
  const channel = await account.calendar.openChannel(ada, CHANNEL);
  expect(channel).toEqual({ resourceId: expect.any(String), expiresAt: expect.any(Date) });
  await account.calendar.openChannel(null, { ...CHANNEL, channelId: 'two' });
  await account.calendar.stopChannel('one', channel.resourceId);
  expect(await detailOf(account.calendar.stopChannel('one', channel.resourceId))).toEqual({
    kind: 'not-found',
  });
  expect(
    await detailOf(
      account.calendar.openChannel('en.usa#holiday@group.v.calendar.google.com', {
        ...CHANNEL,
        channelId: 'three',
      }),
    ),
  ).toMatchObject({ reason: 'pushNotSupportedForRequestedResource' });
  expect(
    await detailOf(
      account.calendar.openChannel(ada, {
        ...CHANNEL,
        channelId: 'four',
        address: 'http://sync.example.com',
      }),
    ),
  ).toMatchObject({ reason: 'push.webhookUrlNotHttps' });
});

test('an unknown subscription and a foreign key are refusals, not transient errors', async () => {
  const none = openSubscription(bench.rt, {
    apiUrl: sim.url,
    name: 'projects/sim/subscriptions/none',
    serviceAccount: keyOf(sim),
  });
  expect(await detailOf(none.pull(1, NEVER))).toEqual({ kind: 'not-found' });
  const stranger = openSubscription(bench.rt, {
    apiUrl: sim.url,
    name: SUBSCRIPTION,
    serviceAccount: { ...keyOf(sim), email: 'other@sim-project.iam.gserviceaccount.com' },
  });
  expect(await detailOf(stranger.pull(1, NEVER))).toMatchObject({ kind: 'unauthorized' });
  await Promise.all([none.close(), stranger.close()]);
});

test('a watch without a valid expiration is malformed', async () => {
  bench.stub.answer = () => ({ body: { historyId: '1' } });
  expect(await detailOf((await bench.open()).account('a1').gmail.watch(TOPIC))).toMatchObject({
    kind: 'unavailable',
  });
  bench.stub.answer = () => ({ status: 401, body: refusal(401, 'push.webhookUrlUnauthorized') });
  expect(
    await detailOf((await bench.open()).account('a2').calendar.openChannel(null, CHANNEL)),
  ).toEqual({ kind: 'unauthorized', reason: 'push.webhookUrlUnauthorized' });
});

const push = (data: string): Buffer =>
  Buffer.from(JSON.stringify({ message: { data }, subscription: 's' }));

test.each<[string, Buffer, string | null]>([
  [
    'a number for the history id',
    push(Buffer.from('{"emailAddress":"Ada@Example.com","historyId":1710}').toString('base64')),
    'ada@example.com',
  ],
  [
    'a text for it, in the other base64',
    push(
      Buffer.from('{"emailAddress":"ä>?@x.example","historyId":"18446744073709551615"}').toString(
        'base64url',
      ),
    ),
    'ä>?@x.example',
  ],
  ['no address', push(Buffer.from('{"historyId":1}').toString('base64')), null],
  [
    'an address that is a list',
    push(Buffer.from('{"emailAddress":["a@b.example"]}').toString('base64')),
    null,
  ],
  [
    'an address as long as a book',
    push(Buffer.from(`{"emailAddress":"${'a'.repeat(400)}@b.example"}`).toString('base64')),
    null,
  ],
  [
    'an address with a NUL',
    push(Buffer.from('{"emailAddress":"ada\\u0000@b.example"}').toString('base64')),
    'ada@b.example',
  ],
  ['data that is no JSON', push('AAAA'), null],
  ['no data', Buffer.from('{"message":{}}'), null],
  ['no message', Buffer.from('{}'), null],
  ['a list', Buffer.from('[]'), null],
  ['nothing', Buffer.alloc(0), null],
])('a push with %s', (_what, body, address) => {
  expect(readGmailPush(body)).toBe(address);
});

test("a channel's message is read from its headers, and all are required", () => {
  const headers: Record<string, string> = {
    'x-goog-channel-id': 'one',
    'x-goog-resource-id': 'r1',
    'x-goog-resource-state': 'sync',
    'x-goog-channel-token': 't',
  };
  const read = (over: Record<string, string | undefined> = {}) =>
    readChannelMessage((name) => ({ ...headers, ...over })[name]);
  expect(read()).toEqual({ channelId: 'one', resourceId: 'r1', token: 't', isSyncMessage: true });
  expect(
    read({ 'x-goog-resource-state': 'not_exists', 'x-goog-channel-token': undefined }),
  ).toEqual({ channelId: 'one', resourceId: 'r1', token: '', isSyncMessage: false });
  for (const over of [
    { 'x-goog-channel-id': 'with space' },
    { 'x-goog-channel-id': undefined },
    { 'x-goog-resource-id': '' },
    { 'x-goog-resource-state': 'update' },
    { 'x-goog-channel-token': 'x'.repeat(300) },
  ])
    expect(read(over)).toBeNull();
});
