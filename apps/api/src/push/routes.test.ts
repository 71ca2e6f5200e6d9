import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { openPushVerifier, type PushVerifier } from '@syncline/google';
import { createRuntime, type Runtime } from '@syncline/runtime';
import type { Doorbells, Rung } from '@syncline/store';
import {
  startStubGoogle,
  type StubGoogle,
} from '../../../../packages/google/test-support/stub-google.js';
import { createApp } from '../app.js';
import { listen, type Listening } from '../listen.js';
import { openBells } from './bells.js';

const AUDIENCE = 'https://sync.example.com/push/gmail';
const SERVICE_ACCOUNT = 'push@project.iam.gserviceaccount.com';
const ADDRESS = 'ada@example.com';
const CHANNEL = '3f0c1f52-6d3c-4a52-9d5c-0a4b8f1c2d3e';
const keys = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const strangers = generateKeyPairSync('rsa', { modulusLength: 2_048 });

let rt: Runtime;
let google: StubGoogle;
let verifier: PushVerifier;
let server: Listening;
/** Everything that reached Postgres and Redis. */
let queries: string[];
let jobs: string[];
let known: boolean;
let write: () => Promise<void>;

beforeAll(async () => {
  google = await startStubGoogle();
  google.answer = () => ({
    body: {
      keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }],
    },
  });
});
afterAll(() => google.close());
beforeEach(async () => {
  rt = createRuntime({ service: 'test', logLevel: 'silent' });
  [queries, jobs, known, write] = [[], [], true, async () => undefined];
  google.seen.length = 0;
  verifier = openPushVerifier(rt, {
    apiUrl: google.url,
    audience: AUDIENCE,
    serviceAccount: SERVICE_ACCOUNT,
  });
  const fleet = {
    enqueue: async (items: readonly { collectionId: string }[]) =>
      void jobs.push(...items.map(({ collectionId }) => collectionId)),
  };
  const app = {
    store: {
      ping: async () => undefined,
      accounts: { countByState: async () => ({}) },
      collections: { countHeld: async () => new Map() },
      watches: { count: async () => ({}) },
    },
    fleet: {
      ...fleet,
      ping: async () => undefined,
      counts: async () => ({}),
      waitingAgesMs: async () => ({}),
      queues: () => [],
    },
  };
  const push = {
    bells: openBells(rt, { store: { doorbells: doorbells() }, fleet }),
    verifier,
    vault: { isChannelToken: (id: string, token: string) => token === channelToken(id) },
  };
  server = await listen(
    createApp(rt, { ...(app as unknown as Parameters<typeof createApp>[1]), push }),
    0,
  );
});
afterEach(async () => {
  await server.close(rt);
  await verifier.close();
});

function doorbells(): Doorbells {
  const rung: Rung = { collectionId: 'c1', kind: 'gmail', ready: true };
  const asked = async <T>(what: string, answer: T): Promise<T> => {
    queries.push(what);
    await write();
    return answer;
  };
  return {
    ringMailboxes: (addresses) =>
      asked(
        `mailboxes ${addresses.join()}`,
        known ? new Map(addresses.map((address) => [address, [rung]])) : new Map(),
      ),
    ringChannel: (id) => asked(`channel ${id}`, known ? rung : null),
    greet: (id) => asked(`greet ${id}`, known),
  };
}

const channelToken = (id: string): string =>
  createHmac('sha256', 'master').update(id).digest('base64url');
const seconds = (fromNow: number): number => Math.floor(Date.now() / 1_000) + fromNow;
const CLAIMS = {
  iss: 'https://accounts.google.com',
  aud: AUDIENCE,
  sub: '1',
  email: SERVICE_ACCOUNT,
  email_verified: true,
  iat: seconds(-10),
  exp: seconds(3_590),
};

function jwt(
  claims: object = {},
  { alg = 'RS256', kid = 'k1', key = keys.privateKey } = {},
): string {
  const signed = [
    { alg, kid, typ: 'JWT' },
    { ...CLAIMS, ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  if (alg === 'none') return `${signed}.`;
  const signature =
    alg === 'HS256'
      ? createHmac('sha256', keys.publicKey.export({ type: 'spki', format: 'pem' }))
          .update(signed)
          .digest()
      : sign('sha256', Buffer.from(signed), key);
  return `${signed}.${signature.toString('base64url')}`;
}

const envelope = (text = `{"emailAddress":"${ADDRESS}","historyId":1710}`): string =>
  JSON.stringify({
    message: { data: Buffer.from(text).toString('base64'), messageId: '1' },
    subscription: 'projects/p/subscriptions/s',
  });

async function post(path: string, headers: Record<string, string>, body: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${server.port}/push/${path}`, {
    method: 'POST',
    headers,
    body,
  });
  await answer.arrayBuffer();
  return answer.status;
}

const mail = (token: string | null = jwt(), body = envelope()): Promise<number> =>
  post(
    'gmail',
    token === null ? {} : { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body,
  );
const channelHeaders = (more: Record<string, string> = {}): Record<string, string> => ({
  'x-goog-channel-id': CHANNEL,
  'x-goog-resource-id': 'r1',
  'x-goog-resource-state': 'exists',
  'x-goog-message-number': '7',
  'x-goog-channel-token': channelToken(CHANNEL),
  ...more,
});
const calendar = (more: Record<string, string> = {}, body = ''): Promise<number> =>
  post('calendar', channelHeaders(more), body);
const counted = async (via: string, outcome: string): Promise<number> =>
  (await rt.metrics.doorbells.get()).values.find(
    ({ labels }) => labels.via === via && labels.outcome === outcome,
  )?.value ?? 0;

describe('what Google sends', () => {
  test('a push is one write and one job, and the mailbox is told by its address in lower case', async () => {
    expect(
      await mail(
        jwt(),
        envelope('{"emailAddress":"Ada@Example.com","historyId":"18446744073709551615"}'),
      ),
    ).toBe(204);
    expect([queries, jobs, await counted('gmail-push', 'rung')]).toEqual([
      [`mailboxes ${ADDRESS}`],
      ['c1'],
      1,
    ]);
  });

  test('a message of a channel is one write and one job, its greeting one write and no job', async () => {
    expect([
      await calendar(),
      await calendar({ 'x-goog-resource-state': 'sync' }),
      await calendar({ 'x-goog-resource-state': 'not_exists' }),
    ]).toEqual([204, 204, 204]);
    expect([queries, jobs]).toEqual([
      [`channel ${CHANNEL}`, `greet ${CHANNEL}`, `channel ${CHANNEL}`],
      ['c1', 'c1'],
    ]);
  });

  test('the keys are read once for many pushes, and again when Google signs with one that is not known, at a bounded rate', async () => {
    await mail();
    await mail();
    expect(google.seen.map(({ path }) => path)).toEqual(['/oauth2/v3/certs']);
    expect([await mail(jwt({}, { kid: 'k2' })), await mail(jwt({}, { kid: 'k3' }))]).toEqual([
      401, 401,
    ]);
    expect(google.seen).toHaveLength(1);
  });

  test('what can never be of use is acknowledged, or it would come for a week', async () => {
    known = false;
    expect([
      await mail(),
      await mail(jwt(), 'no JSON'),
      await mail(jwt(), envelope('{"emailAddress":7}')),
      await mail(jwt(), '{}'),
      await calendar(),
    ]).toEqual([204, 204, 204, 204, 204]);
    expect(jobs).toEqual([]);
  });

  test('an unknown mailbox or channel is asked about once in a while', async () => {
    known = false;
    for (let n = 0; n < 5; n++) await mail();
    for (let n = 0; n < 5; n++) await calendar();
    expect(queries).toEqual([`mailboxes ${ADDRESS}`, `channel ${CHANNEL}`]);
  });

  test('while Postgres is away a push is refused and comes again', async () => {
    write = () => Promise.reject(new Error('terminating connection'));
    expect([await mail(), await calendar(), jobs]).toEqual([503, 503, []]);
  });
});

describe('forgeries cause no query and no job', () => {
  test.each<[string, () => Promise<number>, number]>([
    ['no token', () => mail(null), 401],
    ['a key of somebody else', () => mail(jwt({}, { key: strangers.privateKey })), 401],
    ['another audience', () => mail(jwt({ aud: 'https://elsewhere.example.com' })), 401],
    ['another issuer', () => mail(jwt({ iss: 'https://accounts.example.com' })), 401],
    [
      'another service account',
      () => mail(jwt({ email: 'other@project.iam.gserviceaccount.com' })),
      403,
    ],
    ['an address that Google has not verified', () => mail(jwt({ email_verified: false })), 403],
    ['an expired token', () => mail(jwt({ iat: seconds(-3_700), exp: seconds(-100) })), 401],
    ['a token of tomorrow', () => mail(jwt({ iat: seconds(600) })), 401],
    ['a token without an end', () => mail(jwt({ exp: undefined })), 401],
    ['alg: none', () => mail(jwt({}, { alg: 'none' })), 401],
    ['HS256 with our public key', () => mail(jwt({}, { alg: 'HS256' })), 401],
    ['a token that is no token', () => mail('a.b'), 401],
    ['an oversized body', () => mail(jwt(), 'x'.repeat(20_000)), 413],
    ['an unknown channel', () => calendar({ 'x-goog-channel-id': 'guessed' }), 403],
    [
      'a wrong channel token',
      () => calendar({ 'x-goog-channel-token': channelToken('another') }),
      403,
    ],
    ['no channel token', () => calendar({ 'x-goog-channel-token': '' }), 401],
    ['no channel', () => post('calendar', {}, ''), 403],
    ['an oversized body of a channel', () => calendar({}, 'x'.repeat(20_000)), 413],
  ])('%s', async (_name, forge, status) => {
    expect(await forge()).toBe(status);
    expect([queries, jobs]).toEqual([[], []]);
  });

  test('what can be told without a key asks Google for none', async () => {
    await mail(jwt({ aud: 'x' }));
    await mail(jwt({}, { alg: 'none' }));
    expect(google.seen).toEqual([]);
  });

  test('each is counted by its reason, and no reason holds what was sent', async () => {
    await mail(jwt({ aud: 'x' }));
    await mail(null);
    await calendar({ 'x-goog-channel-token': 'wrong' });
    expect([
      await counted('gmail-push', 'wrong-audience'),
      await counted('gmail-push', 'no-token'),
      await counted('calendar', 'wrong-token'),
    ]).toEqual([1, 1, 1]);
    expect(await rt.metrics.registry.metrics()).not.toContain(ADDRESS);
  });
});
