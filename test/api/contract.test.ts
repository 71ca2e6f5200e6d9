import { randomUUID } from 'node:crypto';
import { ROUTES, type Route, type RouteId } from '@syncline/contract';
import type { ApiDeps } from '../../apps/api/src/v1/api.js';
import { DOCUMENT, documented, SEEN } from '../support/api-contract.js';
import { connectParts } from '../support/connect-parts.js';
import { contentFromGoogle } from '../support/content-from-google.js';
import { READ_EXAMPLES, REQUIRED_QUERIES } from '../support/api-read-examples.js';
import { startApi, type ApiRequest, type ApiWorld } from '../support/api-world.js';

/*
 * The route table, the document and the answers agree (docs/reference/http-api.md). Every request of
 * this file's helper is compared with the document.
 */

let world: ApiWorld;
let limited: ApiWorld;
/** Fails every handler or every check of a key. */
let broken: 'handlers' | 'postgres' | null = null;
let key: string;
let accountId: string;
let pausedId: string;

beforeAll(async () => {
  world = await startApi({
    bend: breakable,
    connect: connectParts({ url: 'http://127.0.0.1:3000' }),
  });
  key = await world.key();
  accountId = await world.account({ email: 'ada@example.com', tenant: 'acme' });
  pausedId = await world.account({ email: 'paused@example.com', tenant: 'acme' });
  await world.store.accounts.pause(pausedId);
  limited = await startApi({ rateLimit: 1 });
});
afterAll(() => Promise.all([world.close(), limited.close()]));

function breakable(deps: ApiDeps): ApiDeps {
  const handlers = Object.fromEntries(
    Object.entries(deps.handlers).map(([id, handler]) => [
      id,
      (request: never) => {
        if (broken === 'handlers') throw new Error('a handler that fails on purpose');
        if (broken === 'postgres')
          throw Object.assign(new Error('terminating connection'), { code: '57P01' });
        return (handler as (request: never) => Promise<unknown>)(request);
      },
    ]),
  );
  return { ...deps, handlers: handlers as unknown as ApiDeps['handlers'] };
}

interface Example extends ApiRequest {
  path: string;
  status: number;
}

/** Requests that give each answer of a route that is no general problem. A new route needs an entry. */
const EXAMPLES: Record<RouteId, () => Promise<Example[]>> = {
  'accounts.list': async () => [
    { path: '/v1/accounts?limit=1&tenant=acme&state=active', status: 200 },
    { path: '/v1/accounts?cursor=AAAA', status: 400 },
  ],
  'accounts.create': async () => {
    const leaver = { email: `leaver-${randomUUID()}@example.com`, tenant: 'acme' };
    await world.store.removal.begin(await world.account(leaver));
    return [
      {
        path: '/v1/accounts',
        status: 201,
        body: { email: 'new@example.com', refreshToken: '1//a' },
      },
      {
        path: '/v1/accounts',
        status: 200,
        body: { email: 'new@example.com', refreshToken: '1//b' },
      },
      {
        path: '/v1/accounts',
        status: 422,
        body: { email: 'a@example.com', refreshToken: '1//a', project: 'unknown' },
      },
      {
        path: '/v1/accounts',
        status: 404,
        key: await world.key({ tenant: 'globex' }),
        body: { email: 'a@example.com', refreshToken: '1//a', tenant: 'acme' },
      },
      { path: '/v1/accounts', status: 409, body: { ...leaver, refreshToken: '1//a' } },
    ];
  },
  'accounts.get': async () => [{ path: `/v1/accounts/${accountId}`, status: 200 }],
  'accounts.update': async () => {
    const removed = await world.account({
      email: `gone-${randomUUID()}@example.com`,
      tenant: 'acme',
    });
    await world.store.removal.begin(removed);
    return [
      { path: `/v1/accounts/${accountId}`, status: 200, body: { paused: true } },
      { path: `/v1/accounts/${accountId}`, status: 200, body: { paused: false } },
      { path: `/v1/accounts/${removed}`, status: 409, body: { paused: true } },
    ];
  },
  'accounts.remove': async () => {
    const id = await world.account({ email: `leaver-${randomUUID()}@example.com`, tenant: 'acme' });
    return [{ path: `/v1/accounts/${id}?keepGrant=true`, status: 202 }];
  },
  'connectSessions.create': async () => {
    const leaver = await world.account({
      email: `leaver-${randomUUID()}@example.com`,
      tenant: 'acme',
    });
    await world.store.removal.begin(leaver);
    const path = '/v1/connect-sessions';
    return [
      { path, status: 201, body: { tenant: 'acme', ref: 'user_42', resources: ['gmail'] } },
      { path, status: 400, body: { tenant: 'acme', returnTo: 'https://evil.example/' } },
      { path, status: 404, body: { tenant: 'acme', accountId: randomUUID() } },
      { path, status: 409, body: { tenant: 'acme', accountId: leaver } },
    ];
  },
  'connectSessions.get': async () => {
    const { json } = await world.send('POST', '/v1/connect-sessions', { key, body: {} });
    return [
      { path: `/v1/connect-sessions/${(json as { id: string }).id}`, status: 200 },
      { path: `/v1/connect-sessions/cs_${'0'.repeat(32)}`, status: 404 },
    ];
  },
  'accounts.sync': async () => {
    const idle = await world.account({ email: 'idle@example.com', tenant: 'acme' });
    await world.database.pool.query(
      "UPDATE syncline.collections SET caught_up_at = now() + interval '1 h' WHERE account_id = $1",
      [idle],
    );
    return [
      { path: `/v1/accounts/${idle}/sync?wait=1s`, status: 200 },
      { path: `/v1/accounts/${accountId}/sync`, status: 202, body: { full: true } },
      { path: `/v1/accounts/${pausedId}/sync`, status: 409 },
    ];
  },
  'accounts.why': async () => [{ path: `/v1/accounts/${accountId}/why`, status: 200 }],
  'accounts.events': async () => [
    { path: `/v1/accounts/${accountId}/events?limit=2`, status: 200 },
    { path: `/v1/accounts/${accountId}/events?cursor=x`, status: 400 },
  ],
  'changes.list': async () => [
    { path: `/v1/accounts/${accountId}/changes?after=0&limit=10&wait=0s`, status: 200 },
    { path: `/v1/accounts/${accountId}/changes?after=1`, status: 400 },
    { path: `/v1/accounts/${accountId}/changes?after=9000000&epoch=1`, status: 410 },
  ],
  'changes.all': async () => [
    { path: '/v1/changes?after=0&limit=10&wait=0s', status: 200 },
    { path: '/v1/changes?after=latest', status: 200 },
    { path: '/v1/changes?after=now', status: 400 },
    { path: '/v1/changes?after=1.9000000', status: 410 },
  ],
  'operations.get': async () => {
    const { headers } = await world.send('POST', `/v1/accounts/${accountId}/verifications`, {
      key,
    });
    return [
      { path: `${headers.get('location')}`, status: 200 },
      { path: `/v1/operations/op_${'0'.repeat(32)}`, status: 404 },
    ];
  },
  'verifications.list': async () => [
    { path: `/v1/accounts/${accountId}/verifications?limit=1`, status: 200 },
  ],
  'verifications.create': async () => [
    { path: `/v1/accounts/${accountId}/verifications`, status: 202, body: { sample: 3 } },
    { path: `/v1/accounts/${pausedId}/verifications`, status: 409 },
  ],
  'quarantine.list': async () => {
    await world.database.pool.query(
      `INSERT INTO syncline.quarantined_items (account_id, collection_id, item_id, reason)
       SELECT account_id, id, 'item-' || n, 'for a test' FROM syncline.collections, generate_series(1, 3) AS n WHERE account_id = $1 AND kind = 'gmail' ON CONFLICT DO NOTHING`,
      [accountId],
    );
    return [{ path: `/v1/quarantine?account=${accountId}&limit=2`, status: 200 }];
  },
  'quarantine.retry': async () => [
    { path: '/v1/quarantine/retry', status: 200, body: { account: accountId } },
  ],
  'quarantine.drop': async () => [
    { path: '/v1/quarantine/drop', status: 200, body: { account: accountId, ids: ['x'] } },
  ],
  'quota.get': async () => [
    { path: '/v1/quota', status: 200 },
    { path: '/v1/quota', status: 200, key: await world.key({ tenant: 'acme' }) },
  ],
  'quota.plan': async () => [
    { path: '/v1/quota/plan', status: 200, body: { accounts: 10, messages: 1_000, contacts: 5 } },
    { path: '/v1/quota/plan', status: 200, body: { account: accountId } },
    { path: '/v1/quota/plan', status: 400, body: { account: accountId, messages: 3 } },
    { path: '/v1/quota/plan', status: 400, body: { accounts: 3 } },
  ],
  'keys.list': async () => [
    { path: '/v1/api-keys?limit=1', status: 200 },
    { path: '/v1/api-keys?cursor=AAAA', status: 400 },
  ],
  'keys.create': async () => [
    { path: '/v1/api-keys', status: 201, body: { name: 'a', scopes: ['feed:read'] } },
    {
      path: '/v1/api-keys',
      status: 403,
      key: await world.key({ scopes: ['keys:write'] }),
      body: { name: 'a', scopes: ['feed:read'] },
    },
  ],
  'keys.revoke': async () => [
    { path: `/v1/api-keys/${idOf(await world.key())}`, status: 200 },
    { path: '/v1/api-keys/0000000000', status: 404 },
  ],
  'keys.rotate': async () => {
    const id = idOf(await world.key());
    return [
      { path: `/v1/api-keys/${id}/rotate`, status: 201, body: { overlapSeconds: 60 } },
      { path: `/v1/api-keys/${id}/rotate`, status: 409 },
      { path: '/v1/api-keys/0000000000/rotate', status: 404 },
      {
        path: `/v1/api-keys/${idOf(key)}/rotate`,
        status: 403,
        key: await world.key({ scopes: ['keys:write'] }),
      },
    ];
  },
  ...readExamples(),
  'document.get': async () => [{ path: '/openapi.json', status: 200 }],
  'docs.page': async () => [{ path: '/docs', status: 200 }],
  'docs.script': async () => [{ path: '/docs/page.js', status: 200 }],
  'docs.style': async () => [{ path: '/docs/page.css', status: 200 }],
};

function readExamples(): Record<keyof typeof READ_EXAMPLES, () => Promise<Example[]>> {
  const examples = Object.entries(READ_EXAMPLES).map(
    ([id, make]) => [id, () => make({ world, accountId })] as const,
  );
  return Object.fromEntries(examples) as ReturnType<typeof readExamples>;
}

function idOf(apiKey: string): string {
  return apiKey.slice(5, 15);
}

const UNKNOWN = '00000000-0000-4000-8000-000000000000';

/** A path of the route whose account and operation do not exist. */
function pathOf({ path }: Route): string {
  if (path.includes('api-keys')) return path.replace('{id}', '0000000000');
  return path.replace('{id}', unknownId(path));
}

const table = Object.entries(ROUTES) as [RouteId, Route][];
const withKey = table.filter(([, route]) => route.scope !== null);
const withBody = table.filter(([, route]) => route.body !== null);
const idempotent = withKey.filter(([, route]) => route.method === 'POST');

describe('every route of the table answers as the document says', () => {
  test.each(table)('%s: its own answers', async (id, { method }) => {
    for (const { path, status, ...request } of await EXAMPLES[id]()) {
      const answer = await world.send(method, path, { key, ...request });
      expect([path, answer.status, answer.status === status ? '' : answer.text]).toEqual([
        path,
        status,
        '',
      ]);
    }
  });

  test.each(table)('%s: every mistake of a request is named at once', async (_id, route) => {
    const path = `${pathOf(route)}?unknown=1&nothing=2`;
    const body = route.body === null ? {} : { body: { unknown: 1 } };
    const { status, json } = await world.send(route.method, path, { key, ...body });
    expect(status).toBe(400);
    expect(json).toMatchObject({ type: 'urn:syncline:problem:invalid-request' });
    const { errors } = json as { errors: { path: string }[] };
    expect(errors.map((one) => one.path)).toEqual(expect.arrayContaining(['unknown', 'nothing']));
  });

  test.each(table)('%s: other forms of an answer are not acceptable', async (_id, route) => {
    const answer = await world.send(route.method, pathOf(route), {
      key,
      headers: { Accept: 'x-none/none' },
    });
    expect(answer.status).toBe(406);
  });

  test.each(table)('%s: an error in a handler is a 500 without its text', async (id, route) => {
    broken = 'handlers';
    try {
      const [example] = await examplesWhileWorking(id);
      const { path, status: _status, ...request } = example!;
      const answer = await world.send(route.method, path, { key, ...request });
      expect([answer.status, answer.text.includes('on purpose')]).toEqual([500, false]);
    } finally {
      broken = null;
    }
  });

  test.each(table)('%s: without Postgres it is unavailable', async (id, route) => {
    broken = 'postgres';
    try {
      const [example] = await examplesWhileWorking(id);
      const { path, status: _status, ...request } = example!;
      const answer = await world.send(route.method, path, { key, ...request });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    } finally {
      broken = null;
    }
  });

  test.each(withKey)('%s: a key has a rate', async (_id, route) => {
    const ofOther = await limited.key();
    await limited.send('GET', '/v1/accounts', { key: ofOther });
    const answer = await limited.send(route.method, pathOf(route), { key: ofOther });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.headers.get('ratelimit')).toMatch(/^"default";r=0;t=\d+$/);
  });

  test.each(withBody)('%s: bodies have a form and a limit', async (_id, route) => {
    const send = (body: string, headers = {}): Promise<{ status: number }> =>
      world.send(route.method, pathOf(route), { key, body, headers });
    expect(await send('{}', { 'Content-Type': 'text/plain' })).toMatchObject({ status: 415 });
    expect(await send('{}', { 'Content-Encoding': 'gzip' })).toMatchObject({ status: 415 });
    expect(await send(`"${'x'.repeat(1_048_576)}"`)).toMatchObject({ status: 413 });
  });

  test.each(idempotent)('%s: an idempotency key stands for one request', async (id, route) => {
    const [example] = await EXAMPLES[id]();
    const { path, status: _status, ...request } = example!;
    const send = (name: string, more: ApiRequest = {}, query = ''): ReturnType<ApiWorld['send']> =>
      world.send(route.method, `${path}${query}`, {
        key,
        ...request,
        ...more,
        headers: { 'Idempotency-Key': name },
      });
    const first = await send(`${id}-1`);
    const again = await send(`${id}-1`);
    expect([again.status, again.text, again.headers.get('location')]).toEqual([
      first.status,
      first.text,
      first.headers.get('location'),
    ]);
    const other = {
      ...(request.body as object),
      ...(id === 'accounts.sync' ? { full: true } : {}),
      ...OTHER[id],
    };
    expect(await send(`${id}-1`, { body: other })).toMatchObject({ status: 422 });
    await world.database.pool.query(
      'UPDATE syncline.idempotent_requests SET status = NULL WHERE key = $1',
      [`${id}-1`],
    );
    expect(await send(`${id}-1`)).toMatchObject({ status: 409 });
  });

  test.each(withKey)('%s: without a key, or without its scope', async (_id, route) => {
    expect(await world.send(route.method, pathOf(route))).toMatchObject({ status: 401 });
    if (route.scope === 'any') return;
    const poor = await world.key({ scopes: [] });
    const answer = await world.send(route.method, pathOf(route), { key: poor });
    expect(answer).toMatchObject({ status: 403, json: { scope: route.scope } });
  });

  test.each(withKey.filter(([, { accountIn }]) => accountIn !== undefined))(
    '%s: an unknown account is not found',
    async (id, route) => {
      const inQuery =
        route.accountIn === 'query' ? `?account=${UNKNOWN}` : `?${REQUIRED_QUERIES[id] ?? ''}`;
      const ids = id === 'quota.plan' ? {} : { ids: ['x'] };
      const body = route.accountIn === 'body' ? { body: { account: UNKNOWN, ...ids } } : {};
      const paused = id === 'accounts.update' ? { body: { paused: true } } : {};
      const request = { key, ...body, ...paused };
      const answer = await world.send(route.method, `${pathOf(route)}${inQuery}`, request);
      expect(answer.status).toBe(404);
    },
  );

  test('content that Google gives, or refuses', async () => {
    expect(await contentFromGoogle()).toEqual([200, 502, 502, 409]);
  });

  test('every operation and status of the document was seen', () => {
    expect(documented().filter((one) => !SEEN.has(one))).toEqual([]);
  });
});

/** Another body of the same route. */
const OTHER: Partial<Record<RouteId, object>> = {
  'accounts.create': { email: 'other@example.com' },
  'freeBusy.query': { merge: true },
  'verifications.create': { sample: 4 },
  'keys.create': { name: 'b' },
  'connectSessions.create': { ref: 'another' },
  'quota.plan': { accounts: 11 },
  'keys.rotate': { overlapSeconds: 61 },
  'quarantine.retry': { ids: ['y'] },
  'quarantine.drop': { ids: ['y'] },
};

function unknownId(path: string): string {
  if (path.includes('operations')) return `op_${'0'.repeat(32)}`;
  return path.includes('connect-sessions') ? `cs_${'0'.repeat(32)}` : UNKNOWN;
}

/** The examples are prepared by the API itself. */
async function examplesWhileWorking(id: RouteId): Promise<Example[]> {
  const was = broken;
  broken = null;
  const examples = await EXAMPLES[id]();
  broken = was;
  return examples;
}

test('a path of no route, another method, and HEAD', async () => {
  for (const path of [
    '/v1/',
    '/v1/nothing',
    '/v1/accounts/',
    `/v1/accounts/${accountId}/x`,
    '/v1/accounts/%ff',
    '/v1//accounts',
  ])
    expect([path, (await world.send('GET', path, { key })).status]).toEqual([path, 404]);
  for (const id of ['%00', 'x', '..%2F..', '%ed%a0%80', 'a'.repeat(5_000)])
    expect((await world.send('GET', `/v1/accounts/${id}`, { key })).status).toBe(404);
  const other = await world.send('PUT', '/v1/accounts', { key });
  expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  const head = await world.send('HEAD', '/v1/accounts', { key });
  const get = await world.send('GET', '/v1/accounts', { key });
  expect([head.status, head.text]).toEqual([200, '']);
  expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
});

test('an unchanged answer is not sent again', async () => {
  const path = `/v1/accounts/${accountId}`;
  const first = await world.send('GET', path, { key });
  const tag = first.headers.get('etag') ?? '';
  expect(tag).toMatch(/^W\/"/);
  const again = await world.send('GET', path, { key, headers: { 'If-None-Match': tag } });
  expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', tag]);
  await world.database.pool.query(
    'UPDATE syncline.accounts SET feed_seq = feed_seq + 1 WHERE id = $1',
    [accountId],
  );
  const changed = await world.send('GET', path, { key, headers: { 'If-None-Match': tag } });
  expect(changed.status).toBe(200);
});

test.each<[string, string, string]>([
  ['no JSON', '{', 'is not JSON'],
  ['a repeated key', '{"paused":true,"paused":false}', 'has a key twice'],
  ['a key of prototypes', '{"paused":true,"__proto__":{"a":1}}', 'has a key that is not allowed'],
  ['too many levels', `${'['.repeat(40)}${']'.repeat(40)}`, 'has more than 32 levels'],
])('a body with %s is refused', async (_what, body, message) => {
  const answer = await world.send('PATCH', `/v1/accounts/${accountId}`, { key, body });
  expect(answer).toMatchObject({ status: 400, json: { errors: [{ in: 'body', message }] } });
});

test.each([
  'limit=0',
  'limit=501',
  'limit=1e3',
  'limit=NaN',
  'limit=',
  'limit=1000000000000000000000000000000',
  'limit=1&limit=2',
  'limit=%zz',
  'state=none',
  'cursor=',
])('the query %s is refused', async (query) => {
  expect((await world.send('GET', `/v1/accounts?${query}`, { key })).status).toBe(400);
});

test('an item id with NUL, which Postgres cannot store, is refused', async () => {
  const body = { account: accountId, ids: ['\u0000'] };
  for (const path of ['/v1/quarantine/retry', '/v1/quarantine/drop'])
    expect((await world.send('POST', path, { key, body })).status).toBe(400);
});

test('a problem quotes no input', async () => {
  const secret = '1//canary-of-a-token';
  const answer = await world.send('POST', '/v1/accounts', {
    key,
    body: { email: secret, refreshToken: 'a b', [secret]: secret, tenant: secret.repeat(30) },
  });
  expect(answer.status).toBe(400);
  expect(answer.text).not.toContain('canary');
});

test('the document names each operation once, with its scope', () => {
  const operations = Object.values(DOCUMENT.paths ?? {}).flatMap((path) =>
    Object.values(path as Record<string, { operationId: string }>),
  );
  expect(operations.map(({ operationId }) => operationId).sort()).toEqual(
    Object.keys(ROUTES).sort(),
  );
});
