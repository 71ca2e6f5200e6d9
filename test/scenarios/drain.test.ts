import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { openStore } from '@syncline/store';
import { testDatabase, testRuntime, type TestDatabase } from '../support/database.js';
import { childrenOf, isRunning } from '../support/process-table.js';
import {
  endProcess,
  lineOf,
  startProgram,
  stopAll,
  type Program,
  type Started,
} from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';
import { openServerProxy, type ServerProxy } from '../support/server-proxy.js';
import { SimulatorControl } from '../support/simulator-control.js';

/*
 * SIGTERM while a server is away. An orchestrator kills what is still there after its grace period, so the end comes within
 * eight seconds, with exit code 0.
 */

const PROGRAMS = ['scheduler', 'worker', 'api'] as const;
const PROMISED_MS = 8_000;
const MASTER_KEY = randomBytes(32);

let simulator: Simulator;
let database: TestDatabase;
let redisServer: TestRedis;
let postgres: ServerProxy;
let redis: ServerProxy;
let google: ServerProxy;

beforeAll(async () => {
  [simulator, database, redisServer] = await Promise.all([
    startSimulator({ seed: 77, accounts: 1, messagesPerAccount: 2_000, latencyMs: 150 }),
    testDatabase(),
    startRedis(),
  ]);
  [postgres, redis, google] = (await Promise.all(
    [database.url, redisServer.url, simulator.url].map(openServerProxy),
  )) as [ServerProxy, ServerProxy, ServerProxy];
});
afterAll(async () => {
  await stopAll();
  for (const proxy of [postgres, redis, google]) proxy.close();
  await Promise.all([redisServer.stop(), database.drop(), simulator.close()]);
});
afterEach(async () => {
  await stopAll();
  for (const proxy of [postgres, redis, google]) proxy.set('passes');
});

test.each([
  { away: 'Redis is stopped', postgresIs: 'passes', redisIs: 'stopped' },
  { away: 'Postgres is stopped', postgresIs: 'stopped', redisIs: 'passes' },
  { away: 'both connections are half-open', postgresIs: 'silent', redisIs: 'silent' },
] as const)(
  'exits 0 within eight seconds of SIGTERM when $away',
  async ({ postgresIs, redisIs }) => {
    const started = await startAll();
    postgres.set(postgresIs);
    redis.set(redisIs);
    const ends = await Promise.all(started.map(({ child, name }) => timedEnd(name, child)));
    expect(ends.map(({ name, code }) => ({ name, code }))).toEqual(
      PROGRAMS.map((name) => ({ name, code: 0 })),
    );
    expect(ends.filter(({ tookMs }) => tookMs > PROMISED_MS)).toEqual([]);
  },
  90_000,
);

test('up exits 0 within eight seconds of SIGTERM with all of its processes while pages are processed and Postgres, Redis and Google are silent', async () => {
  await importAccount();
  const up = startProgram('cli', environment(), ['up', '--workers', '1']);
  await lineOf(up, (line) => line.includes('are running; their logs are in'), 60_000);
  await untilMirroring();
  const children = childrenOf(up.pid!);
  expect(children).toHaveLength(PROGRAMS.length);
  for (const proxy of [postgres, redis, google]) proxy.set('silent');
  const { code, tookMs } = await timedEnd('up', up);
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(PROMISED_MS);
  expect(children.filter(isRunning)).toEqual([]);
}, 120_000);

test('programs and commands that wait for a silent Postgres at their start end within eight seconds of SIGTERM', async () => {
  const ends = await Promise.all(
    [['scheduler'], ['worker'], ['api'], ['cli', 'migrate'], ['cli', 'accounts', 'list']].map(
      endWhileConnecting,
    ),
  );
  expect(ends.map(({ name, code }) => [name, code])).toEqual([
    ['scheduler', 0],
    ['worker', 0],
    ['api', 0],
    ['cli migrate', 1],
    ['cli accounts list', 1],
  ]);
  expect(ends.filter(({ tookMs }) => tookMs > PROMISED_MS)).toEqual([]);
}, 120_000);

async function endWhileConnecting(words: string[]): ReturnType<typeof timedEnd> {
  const silent = createServer((socket) => socket.on('error', () => undefined));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const [program, ...args] = words as [Program, ...string[]];
  const env = { ...environment(), DATABASE_URL: `postgresql://u@127.0.0.1:${port}/mirror` };
  const child = startProgram(program, env, args);
  await once(silent, 'connection');
  const end = await timedEnd(words.join(' '), child);
  silent.close();
  return end;
}

function environment(): Record<string, string> {
  return {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    SYNCLINE_MASTER_KEY: MASTER_KEY.toString('base64'),
    GOOGLE_API_URL: google.url,
    WORKER_CONCURRENCY: '4',
    PORT: '0',
  };
}

async function startAll(): Promise<{ name: string; child: Started }[]> {
  const started = PROGRAMS.map((name) => ({ name, child: startProgram(name, environment()) }));
  for (const { child } of started)
    await lineOf(child, (line) => line.includes('"event":"ready"'), 60_000);
  return started;
}

async function importAccount(): Promise<void> {
  const store = await openStore(testRuntime(), {
    databaseUrl: database.url,
    masterKey: MASTER_KEY,
  });
  for (const { email, refreshToken } of await new SimulatorControl(simulator.url).accounts())
    await store.accounts.import({ email, refreshToken, tenant: 'default', resources: ['gmail'] });
  await store.close();
}

/** The first page is committed, and the others are on their way. */
async function untilMirroring(): Promise<void> {
  const stored = async (): Promise<number> =>
    (await database.pool.query('SELECT FROM syncline.gmail_messages LIMIT 1')).rowCount ?? 0;
  for (const deadline = performance.now() + 60_000; (await stored()) === 0;) {
    if (performance.now() > deadline) throw new Error('no message was mirrored within 60 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function timedEnd(
  name: string,
  child: Started,
): Promise<{ name: string; code: number | null; tookMs: number }> {
  const beganMs = performance.now();
  const { code } = await endProcess(child);
  return { name, code, tookMs: Math.round(performance.now() - beganMs) };
}
