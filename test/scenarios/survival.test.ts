import { randomBytes } from 'node:crypto';
import { openFleet } from '@syncline/fleet';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { openStore, type Store } from '@syncline/store';
import Redis from 'ioredis';
import { testDatabase, testRuntime, type TestDatabase } from '../support/database.js';
import { driftOf, NO_DRIFT } from '../support/drift.js';
import { endProcess, startProgram, stopAll } from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';
import { SimulatorControl } from '../support/simulator-control.js';

/*
 * The promises of the README, with real processes: two workers and a scheduler, their own Redis and database, Google's quotas
 * enforced by the simulator. "Resumed" is measured on the rows: the time from the kill until every collection that the killed
 * worker held was taken over.
 */

let simulator: Simulator;
let control: SimulatorControl;
let database: TestDatabase;
let redis: TestRedis;
let store: Store;
let env: Record<string, string>;

beforeEach(async () => {
  simulator = await startSimulator({
    seed: 21,
    accounts: 4,
    messagesPerAccount: 250,
    calendarsPerAccount: 2,
    eventsPerCalendar: 40,
    latencyMs: 60,
  });
  control = new SimulatorControl(simulator.url);
  database = await testDatabase();
  redis = await startRedis();
  const masterKey = randomBytes(32);
  store = await openStore(testRuntime(), { databaseUrl: database.url, masterKey });
  for (const { email, refreshToken } of await control.accounts())
    await store.accounts.import({
      email,
      refreshToken,
      tenant: 'default',
      resources: ['gmail', 'calendar'],
    });
  env = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    GOOGLE_API_URL: simulator.url,
    SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
    WORKER_CONCURRENCY: '8',
  };
});
afterEach(async () => {
  await stopAll();
  await redis.stop();
  await store.close();
  await database.drop();
  await simulator.close();
});

test('kill -9 of one of two workers during a full sync: the other resumes within 15 s and the mirror is complete', async () => {
  startProgram('scheduler', env);
  const workers = [startProgram('worker', env), startProgram('worker', env)];
  const holder = await untilHalfDone();
  const victim = workers.find((worker) => holder.startsWith(`${worker.pid}-`));
  if (!victim) throw new Error(`no worker has the pid of lease holder ${holder}`);
  await endProcess(victim, 'SIGKILL');
  const killedAt = performance.now();
  const held = await database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.collections WHERE lease_holder = $1 AND lease_until > now()',
    [holder],
  );
  expect(held.rowCount).toBeGreaterThan(0);
  const ids = held.rows.map((row) => row.id);
  await until(
    async () =>
      (
        await database.pool.query(
          'SELECT 1 FROM syncline.collections WHERE id = ANY($1::uuid[]) AND lease_holder = $2',
          [ids, holder],
        )
      ).rowCount === 0,
  );
  const resumedMs = performance.now() - killedAt;
  process.stdout.write(
    `resumed ${ids.length} collections ${Math.round(resumedMs)} ms after the kill\n`,
  );
  expect(resumedMs).toBeLessThanOrEqual(15_000);
  await expectWhole();
}, 180_000);

test('FLUSHALL during a full sync loses nothing and exceeds no quota', async () => {
  startProgram('scheduler', env);
  startProgram('worker', env);
  startProgram('worker', env);
  await releaseLiving(await untilHalfDone());
  const client = new Redis(redis.url);
  await client.flushall();
  await client.quit();
  await expectWhole();
}, 180_000);

test('repeated termination of all Postgres sessions during a full sync: no process exits, and the mirror is complete', async () => {
  const url = new URL(database.url);
  url.searchParams.set('application_name', 'fleet');
  const fleet = ['scheduler', 'worker', 'worker'].map((program) =>
    startProgram(program as 'scheduler' | 'worker', { ...env, DATABASE_URL: url.href }),
  );
  await untilHalfDone();
  let busy = 0;
  await until(async () => {
    const { rows } = await database.pool.query<{ busy: boolean }>(
      `WITH sessions AS MATERIALIZED (SELECT pid, xact_start IS NOT NULL AS busy FROM pg_stat_activity WHERE application_name = 'fleet')
       SELECT busy FROM sessions WHERE pg_terminate_backend(pid)`,
    );
    busy += rows.filter((session) => session.busy).length;
    return busy >= 10;
  });
  await expectWhole();
  expect(fleet.map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual([
    null,
    null,
    null,
  ]);
}, 180_000);

test('after SIGTERM the process drains and exits 0, and its collections are free at once', async () => {
  startProgram('scheduler', env);
  const worker = startProgram('worker', env);
  await untilHalfDone();
  const began = performance.now();
  expect(await endProcess(worker, 'SIGTERM')).toEqual({ code: 0, signal: null });
  expect(performance.now() - began).toBeLessThan(25_000);
  expect(
    (await database.pool.query('SELECT 1 FROM syncline.collections WHERE lease_until > now()'))
      .rowCount,
  ).toBe(0);
  startProgram('worker', env);
  await expectWhole();
}, 180_000);

/** Waits until mail flows and some mailbox is leased; returns the lease's holder. */
async function untilHalfDone(): Promise<string> {
  let holder = '';
  await until(async () => {
    const now = await database.pool.query<{ stored: string; holder: string | null }>(
      `SELECT (SELECT count(*) FROM syncline.gmail_messages) AS stored,
              (SELECT lease_holder FROM syncline.collections WHERE kind = 'gmail' AND phase = 'full' AND lease_until > now() LIMIT 1) AS holder`,
    );
    holder = now.rows[0]?.holder ?? '';
    return Number(now.rows[0]?.stored) > 150 && holder !== '';
  });
  return holder;
}

/**
 * As a scheduler does that misses a worker which lives: what it has in hand goes to others, and it is fenced out. "Gone since in a minute's time", since this
 * worker touches leases all the while: with 0 ms a page that it commits between the statement's beginning and its locks would show it alive.
 */
async function releaseLiving(holder: string): Promise<void> {
  const fleet = await openFleet(testRuntime(), {
    redisUrl: redis.url,
    redisPrefix: 'syncline',
    deployment: null,
  });
  const jobs = (await fleet.heldJobs()).filter((job) => job.holder === holder);
  const [released] = await store.schedule.releaseDeadWorkers([{ holder, silentMs: -60_000 }], {
    jobs: jobs.map(({ collectionId }) => collectionId),
    withinMs: 30_000,
  });
  await Promise.all(jobs.map((job) => job.giveBack()));
  await fleet.close();
  expect(released).toMatchObject({ holder, alive: false });
}

/** Every collection is synced by a run that begins from here on, every field is equal, and the simulator counted no violation. */
async function expectWhole(): Promise<void> {
  await control.act(30);
  const since = await store.schedule.requestSync(null);
  await until(async () => (await store.schedule.behindSince(null, since)).length === 0, 150_000);
  expect(await driftOf(store, control)).toMatchObject(NO_DRIFT);
  expect((await control.ledger()).violations).toMatchObject({ total: 0 });
}

async function until(met: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await met())) {
    if (performance.now() > deadline) {
      const { rows } = await database.pool.query(
        'SELECT kind, phase, state, error, lease_holder, next_sync_at, progress_done, progress_total FROM syncline.collections',
      );
      throw new Error(`not within ${timeoutMs} ms; collections: ${JSON.stringify(rows)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
