import { resolve } from 'node:path';
import { type Fleet, openFleet } from '@syncline/fleet';
import { type Listener, type Runtime, createRuntime } from '@syncline/runtime';
import { listenForTest } from '../../../test/support/listener.js';
import { rawRequest } from '../../../test/support/raw-request.js';
import { type TestRedis, startRedis } from '../../../test/support/redis-server.js';
import { type OperatorDeps, operatorApp } from './operator-app.js';

/** Other spellings of the listener's paths, which a proxy may treat as equal. */
const SPELLINGS =
  String.raw`/BOARD /Board //board /board// /./board /board/. /board/.. /x/../board /board/../metrics /%62oard /board%2f /board%2e /board;x /board\
  /board/%2e%2e/metrics /board/API/queues /board/api/queues/ /board//api/queues /board/api/Queues /board/api/../api/queues /board/queue/gmail-full/
  /board/Queue/gmail-full /board/static/../static/favicon.ico /board/static/%66avicon.ico /METRICS /Metrics /metrics/ //metrics /metrics%20 /%6detrics
  /metrics/../metrics /metrics;x /metrics. /livez /readyz /push/gmail /push/calendar // /. /index.html http://127.0.0.1/metrics`.split(
    /\s+/,
  );

const byKind = <Value>(value: Value) => ({
  gmail: value,
  'calendar-list': value,
  'calendar-events': value,
  'contacts-connections': value,
  'contacts-other': value,
  'contacts-groups': value,
});

let rt: Runtime;
let redis: TestRedis;
let fleet: Fleet;
let server: Listener;
let store: OperatorDeps['store'];

beforeEach(async () => {
  rt = createRuntime({ service: 'test', logLevel: 'silent' });
  redis = await startRedis();
  fleet = await openFleet(rt, {
    redisUrl: redis.url,
    redisPrefix: 'syncline',
    deployment: null,
  });
  const figures = {
    requested: 0,
    on: 2,
    expired: 0,
    silent: 0,
    off: 0,
    unwatchable: 1,
    refused: 0,
  };
  store = {
    accounts: {
      countByState: async () => ({
        active: 3,
        reauth_required: 1,
        paused: 0,
        disabled: 0,
        removing: 0,
      }),
      countHeldSweeps: async () => byKind(0),
    },
    distribution: { undistributedMs: async () => 0 },
    watches: {
      count: async () => byKind(figures),
    },
  };
  server = await listenForTest(operatorApp(rt, { store, fleet }, '127.0.0.1'));
});

afterEach(async () => {
  await server.close(rt);
  await fleet.close();
  await redis.stop();
});

test('serves the board on loopback, with its page, its script and its queues', async () => {
  const page = await get('/board');
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
  const script = /src="(static\/js\/main[^"]+)"/.exec(page.body)?.[1];
  expect((await get(`/board/${script}`)).status).toBe(200);
  const queues = JSON.parse((await get('/board/api/queues')).body) as {
    queues: { name: string; readOnlyMode: boolean }[];
  };
  expect(queues.queues.map((queue) => queue.name).toSorted()).toEqual([
    'calendar-full',
    'calendar-incremental',
    'contacts-full',
    'contacts-incremental',
    'gmail-full',
    'gmail-incremental',
    'watch',
  ]);
  expect(queues.queues.every((queue) => queue.readOnlyMode)).toBe(true);
});

test('refuses a request under another name that resolves to loopback', async () => {
  for (const path of ['/', '/metrics', '/board', '/board/api/queues']) {
    const answer = await rawRequest(server.port, path, { host: 'evil.example' });
    expect([path, answer.status]).toEqual([path, 421]);
    expect(answer.text).not.toContain('gmail-full');
  }
  for (const host of [
    `localhost:${server.port}`,
    `[::1]:${server.port}`,
    `[::ffff:7f00:1]:${server.port}`,
    '127.0.0.1',
  ])
    expect((await rawRequest(server.port, '/metrics', { host })).status).toBe(200);
});

test('beyond loopback the board is not available: its address says why, and paths below it are not found', async () => {
  const beyond = await listenForTest(operatorApp(rt, { store, fleet }, '0.0.0.0'));
  const board = await rawRequest(beyond.port, '/board', { host: 'sync.example.com' });
  expect(board.status).toBe(404);
  expect(board.text).toContain('no login yet, so it is available on loopback only');
  for (const path of ['/board/', '/board/api/queues', '/board/static/favicon.ico'])
    expect([path, (await rawRequest(beyond.port, path)).status]).toEqual([path, 404]);
  expect((await rawRequest(beyond.port, '/metrics', { host: 'sync.example.com' })).status).toBe(
    200,
  );
  expect((await rawRequest(beyond.port, '/')).text).not.toContain('href="/board"');
  await beyond.close(rt);
});

test('other spellings of the paths are not found', async () => {
  for (const path of SPELLINGS) {
    const answer = await rawRequest(server.port, path);
    expect([path, answer.status]).toEqual([path, 404]);
    expect(answer.text).not.toContain('syncline_');
  }
});

test('refuses methods other than GET and HEAD, and echoes no request', async () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'TRACK'])
    for (const path of ['/', '/metrics', '/board', '/board/api/queues']) {
      const answer = await rawRequest(server.port, path, { method, headers: ['X-Secret: s3cret'] });
      expect([method, path, answer.status]).toEqual([method, path, 405]);
      expect(answer.text).not.toContain('s3cret');
    }
});

test("serves every path that Bull Board's page reads", async () => {
  const { appRoutes } = jest.requireActual<{
    appRoutes: { api: { method: string; route: string }[] };
  }>(resolve(__dirname, '../../../node_modules/@bull-board/api/dist/routes.js'));
  const read = appRoutes.api.filter(({ method }) => method === 'get');
  expect(read.length).toBeGreaterThan(5);
  for (const { route } of read) {
    const one = route.replace(':queueName', 'gmail-full').replace(':jobId', 'no-job');
    const answer = await get(`/board${one}`);
    // For an unknown job Bull Board answers its own 404.
    expect([one, answer.body]).not.toEqual([one, '{"error":"not found"}']);
  }
});

test('refuses requests to the board that change a queue', async () => {
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

test('shows only the id of a job on the board, even when the job holds more', async () => {
  const queue = fleet.queues().find((one) => one.name === 'gmail-full');
  await queue?.add('sync', { v: 1, collectionId: 'c1', email: 'ann@example.com' });
  const answer = await get('/board/api/queues?activeQueue=gmail-full&status=latest');
  expect(answer.body).toContain('not the data of a job of this queue');
  expect(answer.body).not.toContain('ann@example.com');
});

test('metrics contain the queues of the fleet', async () => {
  await fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
  const before = await get('/metrics');
  expect(before.headers.get('content-type')).toContain('text/plain');
  expect(before.body).toContain('syncline_queue_jobs{queue="gmail-full",state="waiting"} 1');
  expect(before.body).toContain('syncline_oldest_job_age_seconds{queue="gmail-full"}');
});

test('an unknown path gets a JSON 404 that does not repeat it, and every answer has the security headers', async () => {
  const answer = await get('/no/such/ann@example.com');
  expect(answer).toMatchObject({ status: 404, body: '{"error":"not found"}' });
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  expect(answer.headers.has('x-powered-by')).toBe(false);
  expect((await get('/%E0%A4%A')).status).toBe(404);
});

test('the root page links to the board and the metrics', async () => {
  const page = await get('/');
  for (const path of ['/board', '/metrics']) expect(page.body).toContain(`href="${path}"`);
});

interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

async function get(target: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(`${server.origin}${target}`, init);
  return { status: answer.status, headers: answer.headers, body: await answer.text() };
}
