import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { Client, type Json } from '../../test-support/client.js';
import { Receiver } from '../../test-support/receiver.js';
import { startSimulator, type Simulator } from '../simulator.js';

const ME = '/gmail/v1/users/me';
const TOPIC = 'projects/demo/topics/gmail';
const SUBSCRIPTION = 'projects/demo/subscriptions/pull';
const DAY_MS = 86_400_000;
const email = 'user1@demo.example';

let simulator: Simulator;
let client: Client;
let puller: Client;
let receiver: Receiver;

beforeEach(async () => {
  simulator = await startSimulator({
    accounts: 1,
    messagesPerAccount: 5,
    tokenLatencyMs: 0,
    nowMs: Date.UTC(2026, 5, 1),
    accessTokenTtlMs: 60 * DAY_MS,
  });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
  puller = await Client.signIn(
    simulator.url,
    simulator.consent(email, ['pubsub', 'gmail.readonly']),
  );
  receiver = await Receiver.open();
});
afterEach(async () => {
  await simulator.close();
  await receiver.close();
});

const watch = (body: object = { topicName: TOPIC }): Promise<{ status: number; json: Json }> =>
  client.post(`${ME}/watch`, body);
const subscription = (verb: string, body: object): Promise<{ status: number; json: Json }> =>
  puller.post(`/v1/${SUBSCRIPTION}:${verb}`, body);
/** Waits for a message. */
const pull = async (): Promise<Json[]> =>
  (await subscription('pull', { maxMessages: 100 })).json.receivedMessages ?? [];
const waiting = async (): Promise<Json[]> =>
  (await subscription('pull', { maxMessages: 100, returnImmediately: true })).json
    .receivedMessages ?? [];
const payload = (received: Json): string => Buffer.from(received.message.data, 'base64').toString();
const counts = () => simulator.ledger.snapshot().notifications.pubsub;

describe('watch', () => {
  beforeEach(() => {
    simulator.pubsub.subscribe({ name: SUBSCRIPTION, topic: TOPIC });
  });

  test('sends a notification at once, with the current history id as a number', async () => {
    const { historyId } = (await client.get(`${ME}/profile`)).json;
    expect((await watch()).json).toEqual({ historyId, expiration: String(Date.UTC(2026, 5, 8)) });
    const [first] = await pull();
    expect(payload(first)).toBe(`{"emailAddress":"${email}","historyId":${historyId}}`);
    expect(first).toEqual({
      ackId: expect.any(String),
      deliveryAttempt: 1,
      message: {
        data: expect.any(String),
        messageId: expect.stringMatching(/^\d{16}$/),
        publishTime: '2026-06-01T00:00:00.000Z',
      },
    });
  });

  test('drops a second notification within a second and sends a later one', async () => {
    await watch();
    await pull();
    simulator.act(email, { action: 'deliver' });
    expect(counts()).toMatchObject({ published: 1, throttled: 1 });
    simulator.clock.advance(1_000);
    simulator.act(email, { action: 'deliver' });
    expect((await pull()).map(payload)).toEqual([
      `{"emailAddress":"${email}","historyId":${simulator.world.get(email)!.mailbox.history.current}}`,
    ]);
  });

  test('a label filter passes the changes of its labels', async () => {
    await watch({ topicName: TOPIC, labelIds: ['STARRED'], labelFilterBehavior: 'INCLUDE' });
    simulator.delivery.set({ minGapMs: 0 });
    const { messageId } = simulator.act(email, { action: 'deliver', labelIds: ['INBOX'] });
    expect(counts().published).toBe(1);
    simulator.act(email, { action: 'label', messageId: messageId!, labelIds: ['STARRED'] });
    simulator.act(email, { action: 'unlabel', messageId: messageId!, labelIds: ['STARRED'] });
    expect(counts().published).toBe(3);
    await watch({ topicName: TOPIC, labelIds: ['STARRED'], labelFilterBehavior: 'exclude' });
    simulator.act(email, { action: 'deliver', labelIds: ['STARRED'] });
    expect(counts().published).toBe(4);
    simulator.act(email, { action: 'deliver', labelIds: ['INBOX'] });
    expect(counts().published).toBe(5);
  });

  test('ends after seven days unless it is renewed, and by stop', async () => {
    simulator.delivery.set({ minGapMs: 0 });
    await watch();
    simulator.clock.advance(6 * DAY_MS);
    expect((await watch()).json.expiration).toBe(String(Date.UTC(2026, 5, 14)));
    simulator.clock.advance(6 * DAY_MS);
    simulator.act(email, { action: 'deliver' });
    expect(counts().published).toBe(3);
    simulator.clock.advance(DAY_MS);
    simulator.act(email, { action: 'deliver' });
    expect([counts().published, simulator.world.get(email)!.mailbox.history.listener]).toEqual([
      3,
      null,
    ]);
    await watch();
    expect((await client.post(`${ME}/stop`)).status).toBe(204);
    simulator.act(email, { action: 'deliver' });
    expect(counts().published).toBe(4);
  });

  test.each([
    [{ topicName: 'gmail' }, 400, 'Invalid topicName does not match projects/P/topics/*'],
    [
      { topicName: 'projects/demo/topics/other' },
      404,
      'Error sending test message to Cloud PubSub projects/demo/topics/other : Resource not found (resource=other).',
    ],
    [
      { topicName: 'projects/demo/topics/closed' },
      403,
      'Error sending test message to Cloud PubSub projects/demo/topics/closed : User not authorized to perform this action.',
    ],
    [{ topicName: TOPIC, labelIds: ['Nope'] }, 400, 'Invalid label: Nope'],
  ])('%j is refused', async (body, status, message) => {
    simulator.pubsub.addTopic('projects/demo/topics/closed', false);
    const answer = await watch(body);
    expect([answer.status, answer.json.error.message]).toEqual([status, message]);
  });

  test('another topic is refused while a watch is active, and calls are charged', async () => {
    simulator.pubsub.addTopic('projects/demo/topics/second');
    await watch();
    const second = await watch({ topicName: 'projects/demo/topics/second' });
    expect([second.status, second.json.error.message]).toEqual([
      400,
      'Only one user push notification client allowed per developer (call /stop then try again)',
    ]);
    await client.post(`${ME}/stop`);
    expect((await watch({ topicName: 'projects/demo/topics/second' })).status).toBe(200);
    expect(simulator.ledger.snapshot().methods).toMatchObject({
      watch: { calls: 3, units: 300 },
      stop: { calls: 1, units: 50 },
    });
  });
});

describe('pull', () => {
  beforeEach(() => {
    simulator.pubsub.subscribe({ name: SUBSCRIPTION, topic: TOPIC, retentionMs: 600_000 });
  });

  test('an unacknowledged message is delivered again; an acknowledged one is not', async () => {
    await watch();
    const [first] = await pull();
    expect(await waiting()).toEqual([]);
    simulator.clock.advance(10_000);
    const [again] = await waiting();
    expect([again.message.messageId, again.deliveryAttempt, again.ackId === first.ackId]).toEqual([
      first.message.messageId,
      2,
      false,
    ]);
    expect((await subscription('acknowledge', { ackIds: [again.ackId, 'unknown'] })).json).toEqual(
      {},
    );
    simulator.clock.advance(60_000);
    expect([await waiting(), counts().delivered]).toEqual([[], 1]);
  });

  test('a deadline of 0 returns a message at once, a longer one delays it', async () => {
    await watch();
    const [first] = await pull();
    await subscription('modifyAckDeadline', { ackIds: [first.ackId], ackDeadlineSeconds: 0 });
    const [second] = await waiting();
    await subscription('modifyAckDeadline', { ackIds: [second.ackId], ackDeadlineSeconds: 600 });
    simulator.clock.advance(500_000);
    expect([second.deliveryAttempt, await waiting(), counts().refused]).toEqual([2, [], 1]);
  });

  test('a message is deleted after the retention', async () => {
    await watch();
    await pull();
    simulator.clock.advance(600_000);
    expect([await waiting(), counts().expired]).toEqual([[], 1]);
  });

  test('requires its scope, an existing subscription and valid numbers', async () => {
    const path = `/v1/${SUBSCRIPTION}:pull`;
    const stranger = new Client(simulator.url, 'nobody');
    const answers = [
      await stranger.post(path, { maxMessages: 1 }),
      await client.post(path, { maxMessages: 1 }),
      await puller.post('/v1/projects/demo/subscriptions/other:pull', { maxMessages: 1 }),
      await puller.post(path, {}),
      await subscription('modifyAckDeadline', { ackIds: ['a'], ackDeadlineSeconds: 601 }),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([401, 403, 404, 400, 400]);
    expect((await subscription('pull', { maxMessages: 1, returnImmediately: true })).json).toEqual(
      {},
    );
  });
});

describe('push', () => {
  const NAME = 'projects/demo/subscriptions/push';

  test('posts the envelope, with a token that the certificates verify', async () => {
    simulator.pubsub.subscribe({
      name: NAME,
      topic: TOPIC,
      pushEndpoint: receiver.url,
      serviceAccountEmail: 'push@demo.example',
      audience: 'syncline',
    });
    await watch();
    const [posted] = await receiver.until(1);
    const { message } = posted!.json;
    expect(posted!.json).toEqual({
      message: {
        data: expect.any(String),
        messageId: message.messageId,
        message_id: message.messageId,
        publishTime: '2026-06-01T00:00:00.000Z',
        publish_time: message.publishTime,
      },
      subscription: NAME,
    });
    const [head, body, signature] = posted!.headers
      .authorization!.replace('Bearer ', '')
      .split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    expect(claims).toMatchObject({
      iss: 'https://accounts.google.com',
      aud: 'syncline',
      email: 'push@demo.example',
      email_verified: true,
      exp: claims.iat + 3_600,
    });
    const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString());
    const jwk = (await client.get('/oauth2/v3/certs')).json.keys.find(
      (key: Json) => key.kid === kid,
    );
    const certificate = new X509Certificate((await client.get('/oauth2/v1/certs')).json[kid]);
    for (const key of [createPublicKey({ key: jwk, format: 'jwk' }), certificate.publicKey]) {
      expect(
        verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')),
      ).toBe(true);
    }
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  test('a refused push is repeated with growing delays until it is accepted', async () => {
    receiver.statuses = [500, 404, 204];
    simulator.pubsub.subscribe({ name: NAME, topic: TOPIC, pushEndpoint: receiver.url });
    await watch();
    await receiver.until(1);
    await settled(() => counts().refused === 1);
    simulator.clock.advance(9_999);
    expect(receiver.posted).toHaveLength(1);
    simulator.clock.advance(1);
    await receiver.until(2);
    await settled(() => counts().refused === 2);
    simulator.clock.advance(20_000);
    const posted = await receiver.until(3);
    await settled(() => counts().delivered === 1);
    expect([
      new Set(posted.map((one) => one.json.message.messageId)).size,
      posted[0]!.headers.authorization,
    ]).toEqual([1, undefined]);
    expect(simulator.pubsub.describe().subscriptions[0]).toMatchObject({ waiting: 0 });
  });
});

/** Waits until everything in flight has finished. */
async function settled(done: () => boolean): Promise<void> {
  while (!done())
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
}
