import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { openStore, type Store } from '@syncline/store';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { testDatabase, testRuntime, type TestDatabase } from '../support/database.js';
import { type HalfOpenProxy, openHalfOpenProxy } from '../support/half-open-proxy.js';
import { lineOf, type Started, startProgram, stopAll } from '../support/processes.js';
import { freePort, startRedis, type TestRedis } from '../support/redis-server.js';

/*
 * A worker that has stopped consuming: the connection that it fetches its jobs by looks alive and carries nothing, as when a firewall has forgotten
 * it. It runs as an operator runs it, with Postgres and Redis of its own, and the test is its supervisor.
 */

/** Longer than the second for which a worker's `/metrics` is kept. */
const STUCK_SECONDS = 4;
let simulator: Simulator;
let database: TestDatabase;
let redis: TestRedis;
let proxy: HalfOpenProxy;
let store: Store;
let env: Record<string, string>;
let metricsPort: number;

beforeAll(async () => {
  simulator = await startSimulator({
    seed: 29,
    accounts: 1,
    messagesPerAccount: 3,
    calendarsPerAccount: 1,
    eventsPerCalendar: 1,
  });
  [database, redis, metricsPort] = await Promise.all([testDatabase(), startRedis(), freePort()]);
  proxy = await openHalfOpenProxy(redis.url);
  const masterKey = randomBytes(32);
  store = await openStore(testRuntime(), { databaseUrl: database.url, masterKey });
  for (const { email, refreshToken } of simulator.accounts())
    await store.accounts.import({
      email,
      refreshToken,
      tenant: 'default',
      resources: ['gmail', 'calendar'],
    });
  env = {
    DATABASE_URL: database.url,
    GOOGLE_API_URL: simulator.url,
    SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
    WORKER_CONCURRENCY: '4',
    WORKER_STUCK_SECONDS: String(STUCK_SECONDS),
  };
});
afterAll(async () => {
  await stopAll();
  proxy.close();
  await store.close();
  await Promise.all([redis.stop(), database.drop(), simulator.close()]);
});

test('a worker with a half-open connection to the queues reports it and exits 75, and its replacement does the work', async () => {
  startProgram('scheduler', { ...env, REDIS_URL: redis.url });
  const worker = startWorker();
  await lineOf(worker, (line) => line.includes('"event":"ready"'));
  await until(async () => (await store.schedule.behindSince(null, '1970-01-01')).length === 0);
  const exited = once(worker, 'exit');

  expect(proxy.silence(':worker@')).toBe(1);
  const silencedAt = performance.now();
  const { messageId } = simulator.act(simulator.accounts()[0]!.email, { action: 'deliver' });
  await store.schedule.requestSync(null, { resource: 'gmail' });
  await until(async () => (await starvingSeconds()) > 0);
  expect(
    JSON.parse(await lineOf(worker, (line) => line.includes('"event":"worker_stuck"'))),
  ).toMatchObject({ level: 'error', queue: 'gmail-incremental', waiting: expect.any(Number) });
  expect(await exited).toEqual([75, null]);
  const exitedAt = performance.now();

  startWorker();
  await until(
    async () =>
      (
        await database.pool.query('SELECT 1 FROM syncline.gmail_messages WHERE id = $1', [
          messageId,
        ])
      ).rowCount === 1,
  );
  const [noticedMs, resumedMs] = [exitedAt - silencedAt, performance.now() - exitedAt].map(
    Math.round,
  );
  process.stdout.write(
    `a half-open worker ended after ${noticedMs} ms (limit ${STUCK_SECONDS} s); its work was done ${resumedMs} ms later\n`,
  );
});

function startWorker(): Started {
  return startProgram('worker', {
    ...env,
    REDIS_URL: proxy.url,
    METRICS_PORT: String(metricsPort),
  });
}

/** As a monitoring system reads it; 0 when there is no such figure. */
async function starvingSeconds(): Promise<number> {
  const page = await fetch(`http://127.0.0.1:${metricsPort}/metrics`).then((answer) =>
    answer.text(),
  );
  return Number(
    /^syncline_worker_starving_seconds\{queue="gmail-incremental"\} ([\d.]+)$/m.exec(page)?.[1] ??
      0,
  );
}

async function until(met: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await met())) {
    if (performance.now() > deadline) throw new Error('it did not come to that within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
