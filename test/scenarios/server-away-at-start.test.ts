import { randomBytes } from 'node:crypto';
import { prefixOf, redisUrl, testDatabase, type TestDatabase } from '../support/database.js';
import {
  exited,
  endProcess,
  lineOf,
  startProgram,
  stopAll,
  type Program,
  type Started,
} from '../support/processes.js';
import { startRefusingPostgres } from '../support/refusing-postgres.js';
import { openServerProxy, type ServerProxy } from '../support/server-proxy.js';

/* Programs that start while Postgres or Redis restarts, fails over, or ends their connections. */

const PROGRAMS = ['scheduler', 'worker', 'api'] as const;

let database: TestDatabase;
let postgres: ServerProxy;
let redis: ServerProxy;

beforeAll(async () => {
  database = await testDatabase();
  postgres = await openServerProxy(database.url);
  redis = await openServerProxy(redisUrl());
});
afterEach(stopAll);
afterAll(async () => {
  for (const proxy of [postgres, redis]) proxy.close();
  await database.drop();
});

test('programs wait for a Postgres and then for a Redis that resets connections, log each once, and become ready', async () => {
  postgres.set('stopped');
  redis.set('stopped');
  const started = PROGRAMS.map((name) => start(name));
  await Promise.all(started.map((child) => lineOf(child, isAwaited('Postgres'), 60_000)));
  postgres.set('passes');
  await Promise.all(started.map((child) => lineOf(child, isAwaited('Redis'), 60_000)));
  redis.set('passes');
  await Promise.all(started.map((child) => lineOf(child, isEvent('ready'), 60_000)));
  for (const child of started)
    expect(linesOf(child).filter(isEvent('server_awaited'))).toHaveLength(2);
}, 120_000);

test('a command waits a few seconds for Postgres and then does its work', async () => {
  postgres.set('stopped');
  const list = start('cli', ['accounts', 'list']);
  await lineOf(list, isAwaited('Postgres'), 60_000);
  postgres.set('passes');
  expect(await exited(list)).toMatchObject({ code: 0 });
}, 90_000);

test.each([
  { code: '57P01', message: 'terminating connection due to administrator command' },
  { code: '57P03', message: 'the database system is starting up' },
])(
  'SIGTERM ends the wait for a Postgres that answers $code at once, with exit code 0',
  async ({ code, message }) => {
    const server = await startRefusingPostgres(code, message);
    const children = PROGRAMS.map((name) => start(name, [], { DATABASE_URL: server.url }));
    await Promise.all(children.map((child) => lineOf(child, isAwaited('Postgres'), 60_000)));
    const beganMs = performance.now();
    const ends = await Promise.all(children.map((child) => endProcess(child)));
    expect(ends.map((end) => end.code)).toEqual([0, 0, 0]);
    expect(performance.now() - beganMs).toBeLessThan(5_000);
    server.close();
  },
  90_000,
);

test('a password that Postgres refuses ends the start without waiting', async () => {
  const server = await startRefusingPostgres('28P01', 'password authentication failed');
  const { code, stdout, stderr } = await exited(start('worker', [], { DATABASE_URL: server.url }));
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining('it refused the user or the password'),
  ]);
  expect(stdout).not.toContain('server_awaited');
  server.close();
}, 60_000);

function start(program: Program, args: string[] = [], env: Record<string, string> = {}): Started {
  return startProgram(
    program,
    {
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      REDIS_PREFIX: prefixOf(database.url),
      SYNCLINE_MASTER_KEY: MASTER_KEY,
      GOOGLE_API_URL: 'http://127.0.0.1:9',
      PORT: '0',
      ...env,
    },
    args,
  );
}

const MASTER_KEY = randomBytes(32).toString('base64');

function isEvent(event: string): (line: string) => boolean {
  return (line) => line.includes(`"event":"${event}"`);
}

function isAwaited(server: string): (line: string) => boolean {
  return (line) => isEvent('server_awaited')(line) && line.includes(`"server":"${server} at `);
}

function linesOf(child: Started): string[] {
  return child.output.join('').split('\n');
}
