import { batchOf, Client, readBatch, tokenRequest, type Json } from '../test-support/client.js';
import { startSimulator, type Simulator } from './simulator.js';

let simulator: Simulator;
let client: Client;
let ids: string[];

beforeAll(async () => {
  simulator = await startSimulator({ accounts: 2, messagesPerAccount: 30, quota: { scale: 100 } });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
  ids = (await client.get('/gmail/v1/users/me/messages')).json.messages.map(
    (message: { id: string }) => message.id,
  );
});
afterAll(() => simulator.close());
afterEach(() => {
  simulator.faults.clear();
  simulator.ledger.reset(simulator.clock.nowMs());
});

const PROFILE = '/gmail/v1/users/me/profile';

test.each([
  ['403-user-rate', 403, 'application/json', /^Quota exceeded for quota metric 'Queries'/],
  ['429-retry-after', 429, 'application/json', /^User-rate limit exceeded\. {2}Retry after /],
  ['429-concurrent', 429, 'application/json', /^Too many concurrent requests for user$/],
  ['500', 500, 'application/json', /^Internal error/],
  ['503-html', 503, 'text/html', /<title>Error 503/],
] as const)(
  '%s answers as Google does, once, and is not a violation',
  async (kind, status, type, message) => {
    simulator.faults.add({ kind, count: 1 });
    const answer = await client.get(PROFILE);
    expect([
      answer.status,
      answer.headers.get('content-type')?.split(';')[0],
      answer.headers.get('retry-after'),
    ]).toEqual([status, type, null]);
    expect(answer.json?.error.message ?? answer.text).toMatch(message);
    expect((await client.get(PROFILE)).status).toBe(200);
    expect(simulator.ledger.snapshot()).toMatchObject({
      violations: { total: 0 },
      faults: { [kind]: 1 },
      methods: { getProfile: { faulted: 1 } },
    });
  },
);

test('a refusal quotes the given text in each of its messages', async () => {
  const quote = 'a+b@corp.example, "1//x"';
  const asked = `${PROFILE}?pageToken=x`;
  for (const kind of ['403-domain-policy', '400-page-token'] as const) {
    simulator.faults.add({ kind, count: 1, quote });
    const { error } = (await client.get(asked)).json;
    expect([error.message, error.errors[0].message]).toEqual(
      Array(2).fill(expect.stringContaining(quote)),
    );
  }
  simulator.faults.add({ kind: '503-html', count: 1, quote });
  expect((await client.get(asked)).text).toContain(quote);
  simulator.faults.add({ kind: 'token-admin-policy', count: 1, quote });
  const refused = await tokenRequest(simulator.url, simulator.accounts()[0]!.refreshToken);
  expect(refused.json.error_description).toContain(quote);
  expect(() => simulator.faults.add({ kind: '500', quote: 'x'.repeat(4_097) })).toThrow('quote');
});

test('a fault affects the named account and method, also inside a batch', async () => {
  simulator.faults.add({
    kind: '500',
    method: 'messages.get',
    email: 'user1@demo.example',
    count: 3,
  });
  const other = await Client.signIn(simulator.url, simulator.accounts()[1]!.refreshToken);
  expect([
    (await client.get(PROFILE)).status,
    (await other.get('/gmail/v1/users/me/messages/00000000deadbeef')).status,
  ]).toEqual([200, 404]);
  const parts = readBatch(
    await client.batch(
      batchOf(ids.slice(0, 10).map((id) => `/gmail/v1/users/me/messages/${id}`)),
      'multipart/mixed; boundary=frontier',
    ),
  );
  expect(parts.filter((part) => part.status === 500)).toHaveLength(3);
});

test('a share of half affects about half of the calls', async () => {
  simulator.faults.add({ kind: '429-concurrent', probability: 0.5 });
  let struck = 0;
  for (let n = 0; n < 200; n++) if ((await client.get(PROFILE)).status === 429) struck += 1;
  expect(struck).toBeGreaterThan(60);
  expect(struck).toBeLessThan(140);
});

test('a reset ends the connection of a call, a batch and the token endpoint', async () => {
  simulator.faults.add({ kind: 'reset', method: 'getProfile', count: 1 });
  await expect(client.get(PROFILE)).rejects.toThrow('fetch failed');
  simulator.faults.add({ kind: 'reset', method: 'batch', count: 1 });
  await expect(
    client.batch(batchOf([PROFILE]), 'multipart/mixed; boundary=frontier'),
  ).rejects.toThrow('fetch failed');
  simulator.faults.add({ kind: 'reset', method: 'token', count: 1 });
  await expect(tokenRequest(simulator.url, simulator.accounts()[0]!.refreshToken)).rejects.toThrow(
    'fetch failed',
  );
  expect((await client.get(PROFILE)).status).toBe(200);
});

test('latency delays the named calls', async () => {
  simulator.faults.add({ kind: 'latency', ms: 120, method: 'getProfile', count: 1 });
  const began = performance.now();
  expect((await client.get(PROFILE)).status).toBe(200);
  expect(performance.now() - began).toBeGreaterThanOrEqual(115);
});

test.each([
  ['401', 401, 'authError', undefined],
  ['404', 404, 'notFound', undefined],
  ['503', 503, 'backendError', undefined],
  ['429-exhausted', 429, 'rateLimitExceeded', undefined],
  ['400-mail-not-enabled', 400, 'failedPrecondition', undefined],
  ['403-insufficient-scope', 403, 'insufficientPermissions', 'ACCESS_TOKEN_SCOPE_INSUFFICIENT'],
  ['403-domain-policy', 403, 'domainPolicy', undefined],
  ['403-api-disabled', 403, 'accessNotConfigured', 'SERVICE_DISABLED'],
  ['403-daily-limit', 403, 'dailyLimitExceeded', undefined],
  ['403-calendar-usage', 403, 'quotaExceeded', undefined],
] as const)('%s has its status and reason', async (kind, status, reason, detail) => {
  simulator.faults.add({ kind, count: 1 });
  const { error } = (await client.get(PROFILE)).json;
  expect([error.code, error.errors[0].reason, error.details?.[0].reason]).toEqual([
    status,
    reason,
    detail,
  ]);
});

test('a fault of one message lasts, alone and in a batch, and does not affect others', async () => {
  simulator.faults.add({ kind: '500', method: 'messages.get', id: ids[3] });
  const path = (id: string): string => `/gmail/v1/users/me/messages/${id}`;
  for (let n = 0; n < 3; n++) expect((await client.get(path(ids[3]!))).status).toBe(500);
  const parts = readBatch(
    await client.batch(batchOf(ids.slice(0, 6).map(path)), 'multipart/mixed; boundary=frontier'),
  );
  expect(parts.map((part) => part.status).sort()).toEqual([200, 200, 200, 200, 200, 500]);
});

test('page tokens expire by a fault, which affects only calls with a page token', async () => {
  const first = (await client.get('/gmail/v1/users/me/messages?maxResults=5')).json;
  simulator.faults.add({ kind: '400-page-token', count: 1 });
  expect((await client.get('/gmail/v1/users/me/messages?maxResults=5')).status).toBe(200);
  const expired = await client.get(`/gmail/v1/users/me/messages?pageToken=${first.nextPageToken}`);
  expect([expired.status, expired.json.error.message]).toEqual([400, 'Invalid pageToken']);
  expect(
    (await client.get(`/gmail/v1/users/me/messages?pageToken=${first.nextPageToken}`)).status,
  ).toBe(200);
});

test('overlapping pages repeat the end of the previous page, in Gmail and Calendar', async () => {
  simulator.faults.add({ kind: 'overlapping-pages' });
  for (const [path, name] of [
    ['/gmail/v1/users/me/messages', 'messages'],
    ['/calendar/v3/calendars/primary/events', 'items'],
  ] as const) {
    const first = (await client.get(`${path}?maxResults=5`)).json;
    const second = (
      await client.get(`${path}?maxResults=5&pageToken=${encodeURIComponent(first.nextPageToken)}`)
    ).json;
    const idsOf = (page: Json): string[] => page[name].map((item: { id: string }) => item.id);
    expect([idsOf(second).slice(0, 3), idsOf(second).length]).toEqual([idsOf(first).slice(2), 8]);
  }
});

test('an altered response has other fields, in the objects of one id or at its top', async () => {
  const list = '/gmail/v1/users/me/messages?maxResults=3';
  const [first, second] = (await client.get(list)).json.messages as { id: string }[];
  simulator.faults.add({
    kind: 'altered-answer',
    item: first!.id,
    patch: { threadId: 'a\0b', snippet: null, payload: { headers: { 0: { name: '\ud800' } } } },
  });
  const { json } = await client.get(`/gmail/v1/users/me/messages/${first!.id}`);
  expect([json.threadId, json.snippet, json.payload.headers[0].name]).toEqual([
    'a\0b',
    undefined,
    '\ud800',
  ]);
  expect(json.payload.headers[0].value).toEqual(expect.any(String));
  const page = (await client.get(list)).json.messages;
  expect([page[0].threadId, page[1]]).toEqual(['a\0b', second]);
  simulator.faults.clear();
  simulator.faults.add({
    kind: 'altered-answer',
    method: 'messages.list',
    patch: { nextPageToken: '\0' },
  });
  expect((await client.get(list)).json.nextPageToken).toBe('\0');
  expect(() => simulator.faults.add({ kind: 'altered-answer' })).toThrow('needs a patch');
});

test.each([
  ['token-invalid-client', 401, 'invalid_client'],
  ['token-unauthorized-client', 401, 'unauthorized_client'],
  ['token-admin-policy', 400, 'admin_policy_enforced'],
  ['token-429', 429, 'rate_limit_exceeded'],
  ['token-503', 503, 'backend_error'],
] as const)('%s affects the token endpoint and ends', async (kind, status, error) => {
  const { refreshToken } = simulator.accounts()[0]!;
  simulator.faults.add({ kind, count: 1 });
  expect((await client.get(PROFILE)).status).toBe(200);
  const refused = await tokenRequest(simulator.url, refreshToken);
  expect([refused.status, refused.json.error]).toEqual([status, error]);
  expect((await tokenRequest(simulator.url, refreshToken)).status).toBe(200);
});

test('an unknown fault is refused by name', () => {
  expect(() => simulator.faults.add({ kind: 'flood' as never })).toThrow(
    'unknown fault; the kinds are ',
  );
  expect(() => simulator.faults.add({ kind: '500', probability: 2 })).toThrow('between 0 and 1');
  expect(() => simulator.faults.add({ kind: 'latency', ms: -1 })).toThrow('ms must be');
  expect(() => simulator.faults.add({ kind: 'revoke-grant', variant: 'bored' as never })).toThrow(
    'unknown variant',
  );
});

describe('a fault of one item', () => {
  const threadOf = async (id: string): Promise<string> =>
    (await client.get(`/gmail/v1/users/me/messages/${id}?format=minimal`)).json.threadId as string;

  test('affects its message in single gets, in parts of a batch and inside its thread, and nothing else', async () => {
    const [bad = '', good = ''] = ids;
    const thread = await threadOf(bad);
    simulator.faults.add({ kind: '403-permission', item: bad });
    expect((await client.get(`/gmail/v1/users/me/messages/${bad}`)).json.error).toMatchObject({
      code: 403,
      message: 'The caller does not have permission',
      status: 'PERMISSION_DENIED',
    });
    expect((await client.get(`/gmail/v1/users/me/threads/${thread}`)).status).toBe(403);
    const parts = readBatch(
      await client.batch(
        batchOf([bad, good].map((id) => `/gmail/v1/users/me/messages/${id}`)),
        'multipart/mixed; boundary=frontier',
      ),
    );
    expect(parts.map(({ status }) => status).sort()).toEqual([200, 403]);
  });

  test('ends alone when it is stopped by its number', async () => {
    const [one = '', other = ''] = ids;
    const { id } = simulator.faults.add({ kind: '500', item: one });
    simulator.faults.add({ kind: '500', item: other });
    simulator.faults.end(id);
    expect((await client.get(`/gmail/v1/users/me/messages/${one}`)).status).toBe(200);
    expect((await client.get(`/gmail/v1/users/me/messages/${other}`)).status).toBe(500);
    expect(() => simulator.faults.end(id)).toThrow('no such fault');
  });
});
