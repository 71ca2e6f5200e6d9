import { type IncomingHttpHeaders, request } from 'node:http';
import { type Fleet, openFleet } from '@syncline/fleet';
import { OperatorError, type Runtime, createRuntime } from '@syncline/runtime';
import { type TestRedis, startRedis } from '../../../test/support/redis-server.js';
import { createApp } from './app.js';
import { type Listening, listen } from './listen.js';

let rt: Runtime;
let redis: TestRedis;
let fleet: Fleet;
let server: Listening;

beforeEach(async () => {
  rt = createRuntime({ service: 'test', logLevel: 'silent' });
  redis = await startRedis();
  fleet = await openFleet(rt, {
    redisUrl: redis.url,
    redisPrefix: 'syncline',
    deployment: null,
  });
  const figures = { wanted: 0, on: 2, expired: 0, silent: 0, off: 0, unwatchable: 1, refused: 0 };
  const store = {
    accounts: {
      countByState: async () => ({
        active: 3,
        reauth_required: 1,
        paused: 0,
        disabled: 0,
        removing: 0,
      }),
    },
    collections: { countHeld: async () => new Map() },
    watches: {
      count: async () => ({ gmail: figures, 'calendar-list': figures, 'calendar-events': figures }),
    },
  };
  server = await listen(createApp(rt, { store, fleet }), 0);
});

afterEach(async () => {
  await server.close(rt);
  await fleet.close();
  await redis.stop();
});

test('a process that starts is alive and not ready; it is ready when its probes succeed', async () => {
  rt.health.expectProbe('postgres', 'not-ready');
  expect(await get('/livez')).toMatchObject({ status: 200, body: '{"status":"live"}' });
  expect(await get('/readyz')).toMatchObject({
    status: 503,
    body: '{"status":"not ready","missing":["starting","postgres"]}',
  });
  rt.health.started();
  rt.health.probed('postgres', true);
  expect(await get('/readyz')).toMatchObject({ status: 200, body: '{"status":"ready"}' });
});

test('what the API goes on without is degraded, with 200', async () => {
  rt.health.started();
  rt.health.expectProbe('redis', 'degraded');
  expect(await get('/readyz')).toMatchObject({
    status: 200,
    body: '{"status":"degraded","degraded":["redis"]}',
  });
});

test('health has two exact paths, which answer GET and HEAD', async () => {
  for (const path of ['/LIVEZ', '/livez/', '/readyz/', '/Readyz', '/readyz/x'])
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    expect(await get('/readyz', { method })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    });
  expect(await get('/livez', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
});

test('the board opens on this machine, with its page, its script and its queues', async () => {
  const page = await get('/board');
  expect(page).toMatchObject({
    status: 200,
    headers: { 'content-security-policy': expect.stringContaining("script-src 'self'") },
  });
  const script = /src="(static\/js\/main[^"]+)"/.exec(page.body)?.[1];
  expect((await get(`/board/${script}`)).status).toBe(200);
  const queues = JSON.parse((await get('/board/api/queues')).body) as {
    queues: { name: string; readOnlyMode: boolean }[];
  };
  expect(queues.queues.map((queue) => queue.name).toSorted()).toEqual([
    'calendar-full',
    'calendar-incremental',
    'gmail-full',
    'gmail-incremental',
    'watch',
  ]);
  expect(queues.queues.every((queue) => queue.readOnlyMode)).toBe(true);
});

test.each([
  ['a name that was rebound', { host: 'evil.example' }],
  ['a reverse proxy', { 'x-forwarded-for': '203.0.113.9' }],
  ['a standard proxy', { forwarded: 'for=203.0.113.9' }],
])('the board and its API are refused to %s, with the reason', async (_who, headers) => {
  for (const path of ['/board', '/board/api/queues', '/board/static/css/x.css']) {
    const answer = await get(path, { headers });
    expect(answer.status).toBe(403);
    expect(answer.body).toContain('has no login yet');
  }
});

test('the board is for looking: what changes a queue is refused', async () => {
  await fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
  for (const path of [
    '/board/api/queues/gmail-full/pause',
    '/board/api/queues/gmail-full/clean/completed',
    '/board/api/queues/gmail-full/obliterate',
    '/board/api/queues/gmail-full/1/clean',
  ]) {
    expect((await get(path, { method: 'PUT' })).status).toBe(405);
  }
  expect((await fleet.counts())['gmail-full']['waiting']).toBe(1);
});

test('what the board tells of a job is its id, even of one that holds more', async () => {
  const queue = fleet.queues().find((one) => one.name === 'gmail-full');
  await queue?.add('sync', { v: 1, collectionId: 'c1', email: 'ann@example.com' });
  const answer = await get('/board/api/queues?activeQueue=gmail-full&status=latest');
  expect(answer.body).toContain('not the data of a job of ours');
  expect(answer.body).not.toContain('ann@example.com');
});

test('metrics hold the queues of the fleet', async () => {
  await fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
  const before = await get('/metrics');
  expect(before.headers['content-type']).toContain('text/plain');
  expect(before.body).toContain('syncline_queue_jobs{queue="gmail-full",state="waiting"} 1');
  expect(before.body).toContain('syncline_oldest_job_age_seconds{queue="gmail-full"}');
});

test('an unknown path is a JSON 404 that repeats nothing, and every answer has its headers', async () => {
  const answer = await get('/no/such/ann@example.com');
  expect(answer).toMatchObject({
    status: 404,
    body: '{"error":"not found"}',
    headers: { 'x-content-type-options': 'nosniff' },
  });
  expect(answer.headers).not.toHaveProperty('x-powered-by');
  expect((await get('/%E0%A4%A')).status).toBe(404);
});

test('TRACE is refused', async () => {
  const answer = await get('/livez', { method: 'TRACE', headers: { 'x-secret': 's3cret' } });
  expect(answer.status).toBe(405);
  expect(answer.body).not.toContain('s3cret');
});

test('the root leads to what there is', async () => {
  const page = await get('/');
  for (const path of ['/board', '/metrics', '/readyz', '/livez'])
    expect(page.body).toContain(`href="${path}"`);
});

test('a busy port is an error for the operator', async () => {
  const second = listen(() => undefined, server.port);
  await expect(second).rejects.toThrow(OperatorError);
  await expect(second).rejects.toThrow(`Port ${server.port} is in use`);
});

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Node's own client: fetch refuses to set Host and to send TRACE. */
function get(
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port: server.port, path, agent: false, ...options },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode,
            headers: response.headers,
            body: Buffer.concat(parts).toString(),
          }),
        );
      },
    );
    call.on('error', reject);
    call.end();
  });
}
