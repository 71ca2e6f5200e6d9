import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { testDatabase, type TestDatabase } from '../support/database.js';
import { lineOf, startProgram, stopAll, type Started } from '../support/processes.js';
import { freePort, startRedis, type TestRedis } from '../support/redis-server.js';
import { openServerProxy, type ServerProxy } from '../support/server-proxy.js';

/*
 * A scheduler, a worker and an API as an operator runs them, and one fault after the other. Each process answers 503 for what
 * it cannot do, names it, and is ready again when the fault is over.
 */

const PROGRAMS = ['scheduler', 'worker', 'api'] as const;
type Program = (typeof PROGRAMS)[number];
/** A probe begins every 5 s and takes 3 s at most; the rest is for a busy machine. */
const NOTICED_WITHIN_MS = 30_000;

let database: TestDatabase;
let redis: TestRedis;
let admin: Redis;
let postgres: ServerProxy;
let ports: Record<Program, number>;
let started: Record<Program, Started>;

beforeAll(async () => {
  [database, redis] = await Promise.all([testDatabase(), startRedis()]);
  admin = adminOf(redis);
  postgres = await openServerProxy(database.url);
  ports = { scheduler: await freePort(), worker: await freePort(), api: await freePort() };
  const env = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
    GOOGLE_API_URL: 'http://127.0.0.1:9',
    WORKER_CONCURRENCY: '4',
  };
  started = {
    scheduler: startProgram('scheduler', { ...env, METRICS_PORT: String(ports.scheduler) }),
    worker: startProgram('worker', { ...env, METRICS_PORT: String(ports.worker) }),
    api: startProgram('api', { ...env, PORT: String(ports.api) }),
  };
  for (const program of PROGRAMS)
    await lineOf(started[program], (line) => line.includes('"event":"ready"'));
});
afterAll(async () => {
  await stopAll();
  admin.disconnect();
  postgres.close();
  await Promise.all([redis.stop(), database.drop()]);
});

beforeEach(() => expectEveryoneReady());
afterEach(() => postgres.set('passes'));

test('answers 503 while Postgres is read-only, and 200 when it takes writes again', async () => {
  await setReadOnly(true);
  await expectNoPostgres();
  await setReadOnly(false);
  await expectEveryoneReady();
});

test('answers 503 while Postgres is stopped, stays alive, and is ready when it is back', async () => {
  postgres.set('stopped');
  await expectNoPostgres();
  for (const program of PROGRAMS)
    expect(await ask(program, '/livez')).toEqual({ status: 200, body: { status: 'live' } });
  postgres.set('passes');
  await expectEveryoneReady();
});

test('answers 503 within 10 s while the connection to Postgres is half-open', async () => {
  postgres.set('silent');
  await expectNoPostgres();
  postgres.set('stopped');
  postgres.set('passes');
  await expectEveryoneReady();
});

test('answers 503 while Redis refuses writes for lack of memory; the API is degraded and continues', async () => {
  await admin.config('SET', 'maxmemory', '1');
  await expectNoRedis();
  await admin.config('SET', 'maxmemory', '0');
  await expectEveryoneReady();
});

test('answers 503 while Redis is stopped; the API is degraded and continues', async () => {
  admin.disconnect();
  await redis.stop();
  await expectNoRedis();
  redis = await startRedis([], redis.port);
  admin = adminOf(redis);
  await expectEveryoneReady();
});

test('answers 503 while a loop fails repeatedly, with its name and the count of failures', async () => {
  await database.pool.query('ALTER TABLE syncline.collections RENAME TO collections_away');
  try {
    // The loop may still fail from the test before: what is looked at begins with this failure.
    await untilLogged('scheduler', 'scheduler_failed');
    await becomes('scheduler', {
      status: 503,
      body: notReady('loop:due-work'),
    });
    expect(
      await metric('scheduler', 'syncline_loop_failures_total{loop="due-work"}'),
    ).toBeGreaterThan(2);
    expect(failureLines('scheduler', 'scheduler_failed')).toBe(1);
  } finally {
    await database.pool.query('ALTER TABLE syncline.collections_away RENAME TO collections');
  }
  await expectEveryoneReady();
});

interface Answer {
  status: number;
  body: unknown;
}

/** A loop of less importance may be degraded at the same time. */
function notReady(missing: string): unknown {
  return expect.objectContaining({
    status: 'not ready',
    missing: expect.arrayContaining([missing]),
  });
}

/** Scheduler and worker need Redis; the API works without. */
async function expectNoRedis(): Promise<void> {
  for (const program of ['scheduler', 'worker'] as const)
    await becomes(program, {
      status: 503,
      body: notReady('redis'),
    });
  await becomes('api', {
    status: 200,
    body: { status: 'degraded', degraded: expect.arrayContaining(['redis']) },
  });
}

async function expectNoPostgres(): Promise<void> {
  for (const program of PROGRAMS)
    await becomes(program, {
      status: 503,
      body: notReady('postgres'),
    });
}

async function expectEveryoneReady(): Promise<void> {
  for (const program of PROGRAMS)
    await becomes(program, { status: 200, body: { status: 'ready' } }, 30_000);
}

async function becomes(
  program: Program,
  expected: Answer,
  withinMs = NOTICED_WITHIN_MS,
): Promise<void> {
  for (const deadline = performance.now() + withinMs; ;) {
    const answer = { program, ...(await ask(program, '/readyz')) };
    try {
      expect(answer).toEqual({ program, ...expected });
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(50);
  }
}

async function ask(program: Program, path: string): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${ports[program]}${path}`);
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
}

async function metric(program: Program, series: string): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${ports[program]}/metrics`)).text();
  const line = page.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.split(' ')[1]);
}

/** Returns when the line is there, or after the time in which it should be. */
async function untilLogged(program: Program, event: string): Promise<void> {
  const deadline = performance.now() + NOTICED_WITHIN_MS;
  while (failureLines(program, event) === 0 && performance.now() < deadline) await sleep(50);
}

function failureLines(program: Program, event: string): number {
  return started[program].output
    .join('')
    .split('\n')
    .filter((line) => line.includes(`"event":"${event}"`) && line.includes('42P01')).length;
}

/** For every session of the database that begins from now on; present ones are ended. */
async function setReadOnly(isReadOnly: boolean): Promise<void> {
  const name = new URL(database.url).pathname.slice(1);
  await database.pool.query(
    `BEGIN READ WRITE; ALTER DATABASE ${name} SET default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}; COMMIT`,
  );
  await database.pool.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
}

function adminOf({ url }: TestRedis): Redis {
  const client = new Redis(url);
  client.on('error', () => undefined);
  return client;
}
