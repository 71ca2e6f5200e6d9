import { openGoogle } from '@syncline/google';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { storeFixture, type StoreFixture } from '../support/database.js';
import { exited, endProcess, lineOf, startProgram, stopAll } from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';
import { QUOTAS } from '../support/world.js';

/*
 * The day's budget survives a Redis that forgets, also what processes spent that have ended: the
 * ledger in Postgres has it.
 */

let fixture: StoreFixture;
let redis: TestRedis;
let simulator: Simulator;
beforeEach(async () => {
  fixture = await storeFixture();
  redis = await startRedis();
  simulator = await startSimulator({ seed: 3, accounts: 1, messagesPerAccount: 0 });
  // Nothing of it is due: what is counted is what the ledger has.
  await fixture.database.pool.query(
    "UPDATE syncline.collections SET next_sync_at = now() + interval '1 day'",
  );
});
afterEach(async () => {
  await stopAll();
  await fixture.close();
  await redis.stop();
  await simulator.close();
});

const env = (): Record<string, string> => ({
  DATABASE_URL: fixture.database.url,
  REDIS_URL: redis.url,
  GOOGLE_API_URL: simulator.url,
  SYNCLINE_MASTER_KEY: fixture.masterKey.toString('base64'),
  GMAIL_UNITS_PER_PROJECT_DAY: '100000',
});

async function spend(daysAgo: number, method: string, units: number): Promise<void> {
  await fixture.database.pool.query(
    `INSERT INTO syncline.quota_ledger (account_id, day, method, calls, units) VALUES ($1, (now() AT TIME ZONE 'America/Los_Angeles')::date - $2::int, $3, 1, $4)`,
    [fixture.accountId, daysAgo, method, units],
  );
}

interface Report {
  today: { byProject: { project: string; gmailUnits: number }[] };
  projects: { default: { gmail: { day: { used: number } } } };
}

async function quota(): Promise<Report> {
  const { stdout } = await exited(startProgram('cli', env(), ['quota', '--json']));
  return JSON.parse(stdout) as Report;
}

/** Units of the day as the governor counts them, asked of Redis alone. */
async function usedInRedis(): Promise<number> {
  const google = await openGoogle(fixture.rt, {
    apiUrl: simulator.url,
    clientId: 'test',
    clientSecret: 'test',
    redisUrl: redis.url,
    redisPrefix: 'syncline',
    deployment: null,
    quotas: QUOTAS,
    tokens: fixture.store.vault,
  });
  try {
    return (await google.quotaUsage([])).gmail.day.used;
  } finally {
    await google.close();
  }
}

test("a worker restores the day's usage from the ledger to an empty Redis, before its first job and while it runs", async () => {
  await spend(0, 'gmail.users.messages.get', 90_000);
  await spend(0, 'calendar.events.list', 70);
  await spend(1, 'gmail.users.messages.get', 5_000);
  const worker = startProgram('worker', env());
  await lineOf(worker, (line) => line.includes('"event":"ready"'));
  expect(await usedInRedis()).toBe(90_000);
  await flush();
  for (let used = 0; used !== 90_000; used = await usedInRedis()) await fixture.rt.clock.sleep(100);
  await endProcess(worker);
}, 240_000);

test('quota prints the same usage of the day from the ledger and from Redis', async () => {
  await spend(0, 'gmail.users.messages.get', 90_000);
  const { today, projects } = await quota();
  expect(today.byProject).toMatchObject([{ project: 'default', gmailUnits: 90_000 }]);
  expect(projects.default.gmail.day.used).toBe(90_000);
}, 240_000);

test("usage is recorded under Google's day, which begins at midnight Pacific time", async () => {
  await fixture.store.quota.record(fixture.accountId, [
    { method: 'gmail.users.getProfile', calls: 1, units: 1 },
  ]);
  const { rows } = await fixture.database.pool.query(
    "SELECT (day = (now() AT TIME ZONE 'America/Los_Angeles')::date) AS is_pacific FROM syncline.quota_ledger",
  );
  expect(rows).toEqual([{ is_pacific: true }]);
  const { day, units } = await fixture.store.quota.day();
  expect(day).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect([...units]).toEqual([['default', 1]]);
});

async function flush(): Promise<void> {
  const { Redis } = await import('ioredis');
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
}
