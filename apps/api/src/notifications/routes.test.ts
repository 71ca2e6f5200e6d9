import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { openPushVerifier, type PushVerifier } from '@syncline/google/push';
import { createRuntime, type Listener, type Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import {
  startStubGoogle,
  type StubGoogle,
} from '../../../../packages/google/test-support/stub-google.js';
import { listenForTest } from '../../../../test/support/listener.js';
import { publicApp } from '../public-app.js';
import { openNotifier } from './notifier.js';

type Notifications = Store['notifications'];
type Notified = NonNullable<Awaited<ReturnType<Notifications['notifyChannel']>>>;

const AUDIENCE = 'https://sync.example.com/push/gmail';
const SERVICE_ACCOUNT = 'push@project.iam.gserviceaccount.com';
const ADDRESS = 'ada@example.com';
const CHANNEL = '3f0c1f52-6d3c-4a52-9d5c-0a4b8f1c2d3e';
const keys = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const strangers = generateKeyPairSync('rsa', { modulusLength: 2_048 });

let rt: Runtime;
let google: StubGoogle;
let verifier: PushVerifier;
let server: Listener;
/** All statements and commands that reached Postgres and Redis. */
let queries: string[];
let jobs: string[];
let known: boolean;
let subscriptions: string[] | null;
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
  subscriptions = null;
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
  const push = {
    notifier: openNotifier(rt, { store: { notifications: notifications() }, fleet }),
    verifier,
    get subscriptions() {
      return subscriptions;
    },
    vault: { isChannelToken: (id: string, token: string) => token === channelToken(id) },
  };
  server = await listenForTest(publicApp(rt, push));
});
afterEach(async () => {
  await server.close(rt);
  await verifier.close();
});

function notifications(): Notifications {
  const notified: Notified = {
    collectionId: 'c1',
    accountId: 'a1',
    tenant: 'acme',
    kind: 'gmail',
    ready: true,
  };
  const asked = async <T>(what: string, answer: T): Promise<T> => {
    queries.push(what);
    await write();
    return answer;
  };
  return {
    notifyMailboxes: (addresses) =>
      asked(
        `mailboxes ${addresses.join()}`,
        known ? new Map(addresses.map((address) => [address, [notified]])) : new Map(),
      ),
    notifyChannel: (id) => asked(`channel ${id}`, known ? notified : null),
    noteSyncMessage: (id) => asked(`greet ${id}`, known),
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

async function answerTo(
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<[number, string]> {
  const answer = await fetch(`${server.origin}/push/${path}`, { method: 'POST', headers, body });
  return [answer.status, await answer.text()];
}

const post = async (path: string, headers: Record<string, string>, body: string): Promise<number> =>
  (await answerTo(path, headers, body))[0];

/**
 * Writes requests one after the other and reads until the server closes the connection, as the last
 * request asks.
 */
async function pipelined(requests: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  const answers: string[] = [];
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => answers.push(text));
  socket.write(requests);
  await once(socket, 'close');
  return answers.join('');
}

/** Joins the head of one token with the rest of another. */
const mixed = (first: string, second: string): string =>
  [
    first.split('.')[0],
    ...second
      .split('.')
      .slice(1)
      .toSpliced(0, 1, first.split('.')[1] ?? ''),
  ].join('.');

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
  (await rt.metrics.notifications.get()).values.find(
    ({ labels }) => labels.via === via && labels.outcome === outcome,
  )?.value ?? 0;

describe('pushes of other subscriptions', () => {
  const from = (subscription: unknown): string =>
    JSON.stringify({ ...(JSON.parse(envelope()) as object), subscription });

  test('a push with a good token is refused when its subscription is not named, and asks nothing', async () => {
    subscriptions = ['projects/p/subscriptions/t', 'projects/p/subscriptions/s'];
    const warn = jest.spyOn(rt.log, 'warn').mockImplementation(() => undefined);
    const others = ['projects/q/subscriptions/s', 'Projects/p/subscriptions/s', '', null, ['s']];
    const answers = [];
    for (const other of [...others, undefined]) answers.push(await mail(jwt(), from(other)));
    expect([answers, queries, jobs]).toEqual([others.map(() => 403).concat(403), [], []]);
    expect(await counted('gmail-push', 'wrong-subscription')).toBe(6);
    expect(warn.mock.calls.map(([fields]) => fields)).toEqual([
      { event: 'push_refused', reason: 'wrong-subscription', suppressed: 0 },
    ]);
    expect([await mail(), jobs]).toEqual([204, ['c1']]);
  });

  test('every subscription is taken while none is named', async () => {
    expect([await mail(jwt(), from('projects/q/subscriptions/x')), jobs]).toEqual([204, ['c1']]);
  });
});

describe('what Google sends', () => {
  test('a push is one write and one job, and the mailbox is named by its address in lower case', async () => {
    expect(
      await mail(
        jwt(),
        envelope('{"emailAddress":"Ada@Example.com","historyId":"18446744073709551615"}'),
      ),
    ).toBe(204);
    expect([queries, jobs, await counted('gmail-push', 'notified')]).toEqual([
      [`mailboxes ${ADDRESS}`],
      ['c1'],
      1,
    ]);
  });

  test('a message of a channel is one write and one job, its sync message one write and no job', async () => {
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
    ]).toEqual([204, 204, 204, 204]);
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

describe('authenticity of notifications', () => {
  test.each<[string, () => Promise<number>, number]>([
    ['no header', () => mail(null), 401],
    [
      'a signature by a key of somebody else',
      () => mail(jwt({}, { key: strangers.privateKey })),
      401,
    ],
    ['another audience', () => mail(jwt({ aud: 'https://elsewhere.example.com' })), 401],
    ['another issuer', () => mail(jwt({ iss: 'https://accounts.example.com' })), 401],
    [
      'another service account, as another subscription has',
      () => mail(jwt({ email: 'other@project.iam.gserviceaccount.com' })),
      403,
    ],
    ['no address', () => mail(jwt({ email: undefined })), 403],
    ['an address that Google has not verified', () => mail(jwt({ email_verified: false })), 403],
    ['an expired token', () => mail(jwt({ iat: seconds(-3_700), exp: seconds(-100) })), 401],
    ['a token of tomorrow', () => mail(jwt({ iat: seconds(600) })), 401],
    ['a token without an end', () => mail(jwt({ exp: undefined })), 401],
    ['alg: none', () => mail(jwt({}, { alg: 'none' })), 401],
    ['HS256 with our public key as its secret', () => mail(jwt({}, { alg: 'HS256' })), 401],
    [
      'the header of another token',
      () => mail(mixed(jwt({}, { kid: 'k1' }), jwt({ sub: '2' }))),
      401,
    ],
    ['a token that is no token', () => mail('a.b'), 401],
    ['a token in the URL', () => post(`gmail?access_token=${jwt()}`, {}, envelope()), 401],
    ['a body of more than 16 KiB', () => mail(jwt(), 'x'.repeat(16_385)), 413],
  ])(
    'S8: a Gmail push with %s is refused, and causes no query and no job',
    async (_name, forge, status) => {
      expect(await forge()).toBe(status);
      expect([queries, jobs]).toEqual([[], []]);
    },
  );

  test('S8: the historyId of a push is not used', async () => {
    const ids = ['1', '18446744073709551615', '-1', 'x'];
    for (const historyId of ids)
      expect(
        await mail(jwt(), envelope(JSON.stringify({ emailAddress: ADDRESS, historyId }))),
      ).toBe(204);
    expect(new Set(queries)).toEqual(new Set([`mailboxes ${ADDRESS}`]));
    expect(jobs).toEqual(ids.map(() => 'c1'));
  });

  test.each<[string, () => Promise<number>, number]>([
    ['an unknown channel', () => calendar({ 'x-goog-channel-id': 'guessed' }), 404],
    [
      'the token of another channel',
      () => calendar({ 'x-goog-channel-token': channelToken('another') }),
      404,
    ],
    [
      'a token that is one letter off',
      () => calendar({ 'x-goog-channel-token': `${channelToken(CHANNEL).slice(0, -1)}_` }),
      404,
    ],
    [
      'a longer token',
      () => calendar({ 'x-goog-channel-token': `${channelToken(CHANNEL)}a` }),
      404,
    ],
    ['no channel token', () => calendar({ 'x-goog-channel-token': '' }), 404],
    ['no channel', () => post('calendar', {}, ''), 404],
    ['a body of more than 16 KiB', () => calendar({}, 'x'.repeat(16_385)), 413],
  ])(
    'S9: a Calendar message with %s is refused, and causes no query and no job',
    async (_name, forge, status) => {
      expect(await forge()).toBe(status);
      expect([queries, jobs]).toEqual([[], []]);
    },
  );

  test('S9: a message of an unknown or expired channel gets the same answer as a forged one, and causes no job', async () => {
    known = false;
    const [gone, forged] = await Promise.all([
      answerTo('calendar', channelHeaders()),
      answerTo('calendar', channelHeaders({ 'x-goog-channel-token': 'forged' })),
    ]);
    expect(gone).toEqual([404, '{"error":"not found"}']);
    expect(forged).toEqual(gone);
    expect(jobs).toEqual([]);
  });

  test('S9: ten thousand forged messages cause no query, and a genuine one among them causes one', async () => {
    const forged = (n: number): string =>
      [
        'POST /push/calendar HTTP/1.1',
        'Host: sync.example.com',
        ...Object.entries(channelHeaders({ 'x-goog-channel-id': `guess-${n}` })).map((header) =>
          header.join(': '),
        ),
        'Content-Length: 0',
        ...(n % 1_000 === 999 ? ['Connection: close'] : []),
      ].join('\r\n');
    const flood = async (from: number): Promise<string[]> => {
      const heads = Array.from({ length: 1_000 }, (_, n) => `${forged(from + n)}\r\n\r\n`);
      return (await pipelined(heads.join(''))).match(/HTTP\/1\.1 \d+/g) ?? [];
    };
    const floods = Array.from({ length: 10 }, (_, at) => flood(at * 1_000));
    const [one, ...statuses] = await Promise.all([calendar(), ...floods]);
    expect(one).toBe(204);
    expect(statuses.flat()).toHaveLength(10_000);
    expect(new Set(statuses.flat())).toEqual(new Set(['HTTP/1.1 404']));
    expect(queries).toEqual([`channel ${CHANNEL}`]);
    expect(google.seen).toEqual([]);
  }, 60_000);

  test('what can be decided without a key asks Google for none', async () => {
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
