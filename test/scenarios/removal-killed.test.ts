import { randomBytes, randomUUID } from 'node:crypto';
import { openFleet, queueFor, type Fleet } from '@syncline/fleet';
import { openGoogle, type Google } from '@syncline/google';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { openStore, type Store } from '@syncline/store';
import { finishRemovals, removeAccount, syncCollection } from '@syncline/sync';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import {
  prefixOf,
  redisUrl,
  testDatabase,
  testRuntime,
  type TestDatabase,
} from '../support/database.js';
import { endProcess, startProgram, stopAll } from '../support/processes.js';
import { SimulatorControl } from '../support/simulator-control.js';
import { scaled } from '../support/world.js';

/* The command that removes an account, killed while it is at it; what workers do next, and what Redis keeps of an account that is gone. */

const rt = testRuntime();
let simulator: Simulator;
let control: SimulatorControl;
let database: TestDatabase;
let store: Store;
let google: Google;
let env: Record<string, string>;
beforeAll(async () => {
  simulator = await startSimulator({
    seed: 84,
    accounts: 4,
    messagesPerAccount: 20,
    calendarsPerAccount: 1,
    eventsPerCalendar: 4,
    quota: { scale: 100 },
  });
  control = new SimulatorControl(simulator.url);
  database = await testDatabase();
  const masterKey = randomBytes(32);
  store = await openStore(rt, { databaseUrl: database.url, masterKey });
  const prefix = prefixOf(database.url);
  google = await openGoogle(rt, {
    apiUrl: simulator.url,
    clientId: 'test',
    clientSecret: 'test',
    redisUrl: redisUrl(),
    redisPrefix: prefix,
    deployment: null,
    quotas: scaled(100),
    tokens: store.vault,
  });
  env = {
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    GOOGLE_API_URL: simulator.url,
    SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
  };
  for (const { email, refreshToken } of await control.accounts())
    await store.accounts.import({
      email,
      refreshToken,
      tenant: 'default',
      resources: ['gmail', 'calendar'],
    });
  for (
    let due = await store.schedule.claimDue({ limit: 50, visibilityMs: 600_000 });
    due.length > 0;
    due = await store.schedule.claimDue({ limit: 50, visibilityMs: 600_000 })
  ) {
    for (const { id } of due)
      await syncCollection(
        rt,
        { store, google, policy: { activeMs: 60_000, idleMs: 900_000 } },
        id,
        { sliceMs: 60_000, signal: rt.signal },
      );
  }
});
afterAll(async () => {
  await stopAll();
  await google.close();
  await store.close();
  await database.drop();
  await simulator.close();
});

/** Rows that name the account, in any table. */
async function rowsOf(accountId: string): Promise<string[]> {
  const tables = (
    await database.pool.query<{ name: string }>(
      "SELECT table_name AS name FROM information_schema.columns WHERE table_schema = 'syncline' AND column_name = 'account_id'",
    )
  ).rows.map(({ name }) => name);
  const counted = await Promise.all(
    tables.map(async (name) => ({
      name,
      rows: (
        await database.pool.query(`SELECT 1 FROM syncline.${name} WHERE account_id = $1 LIMIT 1`, [
          accountId,
        ])
      ).rows.length,
    })),
  );
  const account = (
    await database.pool.query('SELECT 1 FROM syncline.accounts WHERE id = $1', [accountId])
  ).rows.length;
  return [
    ...counted.filter(({ rows }) => rows > 0).map(({ name }) => name),
    ...(account > 0 ? ['accounts'] : []),
  ];
}

// Moments from the first write of the removal to about its end, the same in every run as far as a machine allows.
test.each(
  fc
    .sample(fc.integer({ min: 0, max: 40 }), { numRuns: 3, seed: 8 })
    .map((ms, i) => [i, ms] as const),
)(
  'a removal killed (%i) %i ms after its first write is finished by workers',
  async (i, ms) => {
    const account = (await store.accounts.list())[0]!;
    const command = startProgram('cli', env, ['accounts', 'remove', account.email]);
    while (
      (
        await database.pool.query(
          "SELECT 1 FROM syncline.accounts WHERE id = $1 AND state = 'active'",
          [account.id],
        )
      ).rows.length > 0
    ) {
      if (command.exitCode !== null)
        throw new Error(`the command ended before it began: ${command.output.join('')}`);
    }
    await rt.clock.sleep(ms);
    await endProcess(command, 'SIGKILL');
    await finishRemovals(rt, { store, google }, 0);
    expect(await rowsOf(account.id)).toEqual([]);
    expect(await control.ledger()).toMatchObject({ callsAfterRevoke: 0 });
    expect(await store.accounts.list()).toHaveLength(3 - i);
  },
  60_000,
);

test("S13: Redis keeps only a removed account's quota windows and finished jobs, both for a bounded time", async () => {
  const account = (await store.accounts.list())[0]!;
  const collectionIds = account.collections.map(({ id }) => id);
  const fleet = await openFleet(rt, {
    redisUrl: redisUrl(),
    redisPrefix: `removal-${randomUUID()}`,
    deployment: null,
  });
  const redis = new Redis(redisUrl());
  try {
    await fleet.enqueue(
      account.collections.map(({ id, kind }) => ({
        collectionId: id,
        queue: queueFor(kind, false),
      })),
    );
    expect((await keysNaming(redis, collectionIds)).length).toBeGreaterThanOrEqual(
      collectionIds.length,
    );
    expect((await keysNaming(redis, [account.id])).some(({ key }) => key.includes('token'))).toBe(
      true,
    );
    await removeAccount(rt, { store, google }, account.id);
    expect(await outcomesOf(fleet, collectionIds)).toEqual(collectionIds.map(() => 'gone'));
    for (const { key, ttlMs } of await keysNaming(redis, [account.id, account.email])) {
      expect(key).toContain(':{quota:default}:');
      expect(ttlMs).toBeGreaterThan(0);
      expect(ttlMs).toBeLessThan(2 * 3_600_000);
    }
    const counts = Object.values(await fleet.counts());
    expect(
      counts.reduce(
        (sum, { waiting = 0, active = 0, delayed = 0, failed = 0 }) =>
          sum + waiting + active + delayed + failed,
        0,
      ),
    ).toBe(0);
  } finally {
    await fleet.close();
    redis.disconnect();
  }
}, 60_000);

/** Runs the jobs of these collections as a worker would. */
async function outcomesOf(fleet: Fleet, collectionIds: readonly string[]): Promise<string[]> {
  const outcomes: string[] = [];
  let over: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (over = resolve));
  const host = await fleet.work({
    concurrency: {
      'gmail-full': 1,
      'gmail-incremental': 1,
      'calendar-full': 1,
      'calendar-incremental': 1,
      'contacts-full': 1,
      'contacts-incremental': 1,
      watch: 1,
    },
    handle: async ({ collectionId }) => {
      outcomes.push(
        (
          await syncCollection(
            rt,
            { store, google, policy: { activeMs: 60_000, idleMs: 900_000 } },
            collectionId,
            { sliceMs: 1_000, signal: rt.signal },
          )
        ).kind,
      );
      if (outcomes.length === collectionIds.length) over();
      return { kind: 'done' };
    },
  });
  await all;
  await host.drain(5_000);
  return outcomes;
}

/** Every key that has one of these words in its name or in what it holds. */
async function keysNaming(
  redis: Redis,
  words: readonly string[],
): Promise<{ key: string; ttlMs: number }[]> {
  const found: { key: string; ttlMs: number }[] = [];
  for await (const keys of redis.scanStream({ count: 500 }) as AsyncIterable<string[]>) {
    for (const key of keys) {
      const text = key + JSON.stringify(await contentOf(redis, key));
      if (words.some((word) => text.includes(word)))
        found.push({ key, ttlMs: await redis.pttl(key) });
    }
  }
  return found;
}

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'stream':
      return redis.xrange(key, '-', '+');
    default:
      return null;
  }
}
