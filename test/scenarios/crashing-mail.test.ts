import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { openStore, type Store } from '@syncline/store';
import { testDatabase, testRuntime, type TestDatabase } from '../support/database.js';
import { driftOf } from '../support/drift.js';
import { startProgram, stopAll, type Started } from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';
import { SimulatorControl } from '../support/simulator-control.js';

/* A real worker that dies of one mail, and is started again each time, as any supervisor does. */

const HOOK = path.resolve(__dirname, '../support/die-on-marked-mail.cjs');
let simulator: Simulator;
let database: TestDatabase;
let redis: TestRedis;
let store: Store;
afterEach(async () => {
  await stopAll();
  await redis.stop();
  await store.close();
  await database.drop();
  await simulator.close();
});

test('a mail that crashes the worker is quarantined, and all other mail is mirrored', async () => {
  simulator = await startSimulator({
    seed: 82,
    accounts: 3,
    messagesPerAccount: 60,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
  });
  const control = new SimulatorControl(simulator.url);
  const accounts = await control.accounts();
  const { messageId } = (await control.actAs(accounts[0]!.email, {
    action: 'deliver',
    subject: 'this-mail-ends-the-worker',
  })) as { messageId: string };
  database = await testDatabase();
  redis = await startRedis();
  const masterKey = randomBytes(32);
  store = await openStore(testRuntime(), { databaseUrl: database.url, masterKey });
  for (const { email, refreshToken } of accounts)
    await store.accounts.import({
      email,
      refreshToken,
      tenant: 'default',
      resources: ['gmail', 'calendar'],
    });
  const env = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    GOOGLE_API_URL: simulator.url,
    SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
    WORKER_CONCURRENCY: '8',
  };
  startProgram('scheduler', env);
  const stopped = new AbortController();
  const deaths: string[] = [];
  const supervising = supervise(
    () => startProgram('worker', { ...env, NODE_OPTIONS: `--require ${HOOK}` }),
    deaths,
    stopped.signal,
  );
  const since = await store.schedule.requestSync(null);
  await until(async () => (await store.schedule.behindSince(null, since)).length === 0);
  stopped.abort();
  await supervising;
  expect(deaths).toEqual(Array.from({ length: 5 }, () => 'SIGKILL'));
  expect(await store.quarantine.list(null)).toMatchObject([
    { itemId: messageId, reason: 'it ended the worker 3 times', email: accounts[0]!.email },
  ]);
  expect(await driftOf(store, control)).toMatchObject({
    missing: [expect.stringContaining(messageId)],
    extra: [],
    stale: [],
  });
}, 180_000);

async function supervise(
  start: () => Started,
  deaths: string[],
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    const worker = start();
    const exit = await once(worker, 'exit', { signal: stopped }).catch(() => null);
    if (exit !== null) deaths.push(String(exit[1]));
  }
}

async function until(met: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 150_000; !(await met());) {
    if (performance.now() > deadline)
      throw new Error(
        `not within 150 s: ${JSON.stringify((await database.pool.query('SELECT kind, phase, crashes, in_flight_crashes, error FROM syncline.collections c LEFT JOIN syncline.collection_crashes k ON k.collection_id = c.id')).rows)}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
