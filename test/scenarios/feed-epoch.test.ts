import { openStore, type Store } from '@syncline/store';
import pg from 'pg';
import { storeFixture, claim, type StoreFixture } from '../support/database.js';
import { exited, endProcess, lineOf, startProgram, stopAll } from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';
import { copyOf, dropCopy, putInPlace } from '../support/restore.js';

/*
 * After a restore the numbers of the feed are given out again: with its epoch, a number still names
 * one change.
 */

const EMAIL = 'ada@example.com';

let fixture: StoreFixture;
let redis: TestRedis;
let copies: string[];
beforeAll(async () => {
  redis = await startRedis();
});
beforeEach(async () => {
  fixture = await storeFixture();
  // The commits below change no phase, which would be events too.
  const { pool } = fixture.database;
  await pool.query("UPDATE syncline.collections SET phase = 'incremental'");
  await pool.query(
    'WITH emptied AS (DELETE FROM syncline.changes) UPDATE syncline.accounts SET feed_seq = 0',
  );
  copies = [];
});
afterEach(async () => {
  await stopAll();
  await fixture.close();
  for (const copy of copies) await dropCopy(copy);
});
afterAll(() => redis.stop());

const env = (databaseUrl = fixture.database.url, redisUrl = redis.url): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
  SYNCLINE_MASTER_KEY: fixture.masterKey.toString('base64'),
});

interface Printed {
  epoch: number;
  seq: number;
  id: string;
}

async function changes(databaseUrl: string, ...args: string[]): Promise<Printed[]> {
  const { code, stdout, stderr } = await exited(
    startProgram('cli', env(databaseUrl), ['changes', EMAIL, ...args]),
  );
  if (code !== 0) throw new Error(stderr);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Printed);
}

async function newEpoch(): Promise<number> {
  const { code, stdout } = await exited(
    startProgram('cli', env(), ['feed', 'new-epoch', '--json']),
  );
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { epoch: number }).epoch;
}

/** Stores new messages, each a change, in the database that `store` is of. */
async function change(store: Store, pool: pg.Pool, ...ids: string[]): Promise<void> {
  await pool.query('UPDATE syncline.collections SET lease_until = NULL');
  const lease = await claim(
    { store, database: { ...fixture.database, pool } },
    fixture.accountId,
    'gmail',
  );
  await store.leases.commitPage(lease, {
    cursor: { phase: 'incremental', after: '10' },
    phase: 'incremental',
    generation: 1,
    delta: {
      kind: 'gmail',
      messages: [],
      labelChanges: [],
      deleted: [],
      labels: ids.map((id) => ({ id, name: id, type: 'user', resource: '{}' })),
    },
  });
}

let labels: string[] = [];
beforeEach(() => (labels = []));
/** The catalogue of labels is given whole: each new one is one change. */
async function changeHere(id: string): Promise<void> {
  labels.push(id);
  await change(fixture.store, fixture.database.pool, ...labels);
}

async function copied(): Promise<string> {
  const copy = await copyOf(fixture.database.url);
  copies.push(copy);
  return copy;
}

test('changes from a position before the oldest kept event exits 1, with the oldest event and what to do', async () => {
  for (const id of ['a', 'b', 'c']) await changeHere(id);
  await fixture.database.pool.query(
    "UPDATE syncline.changes SET at = now() - interval '91 days' WHERE seq <= 2",
  );
  const { store, accountId } = fixture;
  await store.retention.pruneChanges(accountId, { keptMs: 90 * 86_400_000, limit: 1_000 });
  const [{ feed } = { feed: null }] = await store.accounts.list();
  expect(feed).toEqual({ epoch: 1, seq: 3, oldestSeq: 3 });
  const { code, stderr } = await exited(
    startProgram('cli', env(), ['changes', EMAIL, '--after', '1', '--epoch', '1']),
  );
  expect(code).toBe(1);
  expect(stderr).toContain(
    `Events of ${EMAIL} after 1 are no longer kept: the oldest is 3. List the mirror again, and continue with: syncline changes ${EMAIL} --after 3 --epoch 1`,
  );
  const kept = await changes(fixture.database.url, '--after', '2', '--epoch', '1');
  expect(kept.map(({ seq }) => seq)).toEqual([3]);
}, 120_000);

test('(epoch, seq) names one change, also after a restore of the database', async () => {
  for (const id of ['a', 'b']) await changeHere(id);
  const restored = await copied();
  for (const id of ['c', 'd']) await changeHere(id);
  const seen = await changes(fixture.database.url);
  const store = await openStore(fixture.rt, {
    databaseUrl: restored,
    masterKey: fixture.masterKey,
  });
  const pool = poolOf(restored);
  await change(store, pool, 'a', 'b', 'x', 'y');
  await store.close();
  await pool.end();
  const seenThere = await changes(restored);
  const meaning = new Map(seen.map(({ epoch, seq, id }) => [`${epoch}/${seq}`, id]));
  for (const { epoch, seq, id } of seenThere)
    expect({ epoch, seq, id: meaning.get(`${epoch}/${seq}`) ?? id }).toEqual({ epoch, seq, id });
  // Numbering continues, and only changes after the restore are events.
  expect(seenThere.map(({ seq, id }) => [seq, id])).toEqual([
    [3, 'x'],
    [4, 'y'],
  ]);
}, 240_000);

test('migrating a restored copy begins one new epoch, and restarts begin none', async () => {
  await changeHere('a');
  const [before] = await changes(fixture.database.url);
  const restored = await copied();
  expect(await exited(startProgram('cli', env(restored), ['migrate', '--json']))).toMatchObject({
    code: 0,
  });
  const epoch = await epochIn(restored);
  expect(epoch).toBeGreaterThan(before!.epoch);
  for (let starts = 0; starts < 2; starts++) await runScheduler(restored);
  expect(await epochIn(restored)).toBe(epoch);
  // The original continues as it was.
  await runScheduler(fixture.database.url);
  expect((await changes(fixture.database.url))[0]).toEqual(before);
}, 240_000);

test('another system identifier alone begins one new epoch, also when two schedulers start at once', async () => {
  await changeHere('a');
  await runScheduler(fixture.database.url);
  // As in a physical copy that was restored into a cluster of its own: same name, same oid.
  await fixture.database.pool.query("UPDATE syncline.feed_state SET system_identifier = '1'");
  const logs = await Promise.all([1, 2].map(() => runScheduler(fixture.database.url)));
  logs.push(await runScheduler(fixture.database.url));
  expect(epochsBegunIn(logs)).toEqual(['another-database']);
  expect(await epochIn(fixture.database.url)).toBeGreaterThan(1);
  await changeHere('b');
  expect(await changes(fixture.database.url)).toMatchObject([{ seq: 2, id: 'b' }]);
}, 240_000);

test("a running process checks the database's identity again after it reconnects", async () => {
  await changeHere('a');
  const older = await copied();
  await changeHere('b');
  await putInPlace(older, fixture.database.url);
  labels = ['a'];
  await changeHere('x');
  expect(await fixture.store.feed.changes(fixture.accountId, 0n, 10)).toMatchObject([
    { epoch: expect.any(Number), seq: 2n, id: 'x' },
  ]);
  expect((await fixture.store.feed.position(fixture.accountId)).epoch).toBeGreaterThan(1);
});

test('an older state of the same database is detected by the counter in Redis, once', async () => {
  await changeHere('a');
  await runScheduler(fixture.database.url);
  const older = await stateNow();
  await changeHere('b');
  await runScheduler(fixture.database.url);
  expect(await epochIn(fixture.database.url)).toBe(1);
  await putBack(older);
  labels = ['a'];
  expect(await runScheduler(fixture.database.url)).toContain('"event":"feed_epoch_begun"');
  const epoch = await epochIn(fixture.database.url);
  expect(epoch).toBeGreaterThan(1);
  await changeHere('x');
  expect(await changes(fixture.database.url)).toMatchObject([{ epoch, seq: 2, id: 'x' }]);
  await runScheduler(fixture.database.url);
  expect(await epochIn(fixture.database.url)).toBe(epoch);
}, 240_000);

test('a running scheduler detects an older state within seconds', async () => {
  await changeHere('a');
  const scheduler = startProgram('scheduler', env());
  await lineOf(scheduler, (line) => line.includes('"event":"ready"'));
  const older = await stateNow();
  await countsOn(older.counter);
  await putBack(older);
  await lineOf(scheduler, (line) => line.includes('"cause":"older-state"'));
  expect(await epochIn(fixture.database.url)).toBeGreaterThan(1);
}, 240_000);

test('an empty, replaced or shared Redis does not begin an epoch', async () => {
  await changeHere('a');
  await runScheduler(fixture.database.url);
  const other = await storeFixture();
  try {
    // Its counter is far below that of the first.
    await fixture.database.pool.query('UPDATE syncline.feed_state SET counter = counter + 1000');
    await runScheduler(fixture.database.url);
    const otherEnv = {
      ...env(other.database.url),
      SYNCLINE_MASTER_KEY: other.masterKey.toString('base64'),
    };
    await runScheduler(other.database.url, otherEnv);
    await runScheduler(fixture.database.url);
    expect(await epochIn(other.database.url)).toBe(1);
  } finally {
    await other.close();
  }
  await flush();
  await runScheduler(fixture.database.url);
  const another = await startRedis();
  try {
    await runScheduler(fixture.database.url, env(fixture.database.url, another.url));
  } finally {
    await another.stop();
  }
  expect(await epochIn(fixture.database.url)).toBe(1);
}, 240_000);

test('feed new-epoch continues the numbering, and changes prints the new epoch only', async () => {
  for (const id of ['a', 'b']) await changeHere(id);
  const [first] = await changes(fixture.database.url);
  expect(first).toMatchObject({ epoch: 1, seq: 1 });
  const epoch = await newEpoch();
  expect(epoch).toBeGreaterThan(1);
  expect(await changes(fixture.database.url)).toEqual([]);
  await changeHere('c');
  expect(await changes(fixture.database.url)).toMatchObject([{ epoch, seq: 3, id: 'c' }]);
  expect(
    await changes(fixture.database.url, '--after', '2', '--epoch', String(epoch)),
  ).toHaveLength(1);
  expect(await newEpoch()).toBeGreaterThan(epoch);
  const listed = await exited(startProgram('cli', env(), ['accounts', 'list', '--json']));
  expect(JSON.parse(listed.stdout)).toMatchObject([
    { feed: { seq: 3, epoch: expect.any(Number) } },
  ]);
}, 240_000);

test('a position of another epoch is refused; without a stated epoch it is noted', async () => {
  for (const id of ['a', 'b']) await changeHere(id);
  const epoch = await newEpoch();
  await changeHere('c');
  const asked = (...args: string[]): ReturnType<typeof exited> =>
    exited(startProgram('cli', env(), ['changes', EMAIL, ...args]));
  expect(await asked('--after', '2', '--epoch', '1')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(
      `is in epoch ${epoch} now, and --epoch says 1. List the mirror again`,
    ),
  });
  expect(await asked('--after', '201')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('ends with 3'),
  });
  const earlier = await asked('--after', '1');
  expect(earlier).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('1 is a position of an earlier epoch'),
  });
  expect(earlier.stdout).toContain('"seq":3');
}, 240_000);

test('every change that is committed while an epoch begins belongs to exactly one epoch', async () => {
  const seen = new Map<bigint, number>();
  let isOver = false;
  const follower = (async () => {
    for (let at = { epoch: 0, seq: 0n }; ;) {
      const wasOver = isOver;
      const page = await fixture.store.feed.changes(fixture.accountId, at.seq, 3);
      for (const { epoch, seq } of page) {
        const isNext = epoch === at.epoch ? seq === at.seq + 1n : epoch > at.epoch;
        expect({ epoch, seq, isNext, isNew: !seen.has(seq) }).toMatchObject({
          isNext: true,
          isNew: true,
        });
        seen.set(seq, epoch);
        at = { epoch, seq };
      }
      if (wasOver && page.length === 0) return;
    }
  })();
  const epochs = (async () => {
    for (let begun = 0; begun < 8; begun++) await fixture.store.feed.newEpoch();
  })();
  for (let n = 0; n < 40; n++) await changeHere(`label-${n}`);
  await epochs;
  isOver = true;
  await follower;
  const { startSeq, seq } = await fixture.store.feed.position(fixture.accountId);
  expect(seq).toBe(40n);
  // Every number that was seen has one epoch, in the order of the epochs; of the last epoch none is
  // missing.
  for (let n = startSeq + 1n; n <= seq; n++) expect(seen.has(n)).toBe(true);
}, 240_000);

test('an account that is removed and connected again begins another epoch', async () => {
  await changeHere('a');
  const before = await changes(fixture.database.url);
  await fixture.store.removal.begin(fixture.accountId);
  for (let done = false; !done;)
    done = (await fixture.store.removal.eraseSome(fixture.accountId)).done;
  const { id } = await fixture.store.accounts.import({
    email: EMAIL,
    refreshToken: '1//again',
    tenant: 'default',
    resources: ['gmail'],
  });
  expect((await fixture.store.feed.position(id)).epoch).toBeGreaterThan(before[0]!.epoch);
});

/** A session that ends with its database is no news. */
function poolOf(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, max: 1 });
  pool.on('error', () => undefined);
  pool.on('connect', (session) => session.on('error', () => undefined));
  return pool;
}

async function epochIn(databaseUrl: string): Promise<number> {
  const pool = poolOf(databaseUrl);
  try {
    return Number(
      (await pool.query('SELECT feed_epoch FROM syncline.accounts')).rows[0].feed_epoch,
    );
  } finally {
    await pool.end();
  }
}

/** Runs a scheduler from its start to its end. @returns what it logged */
async function runScheduler(databaseUrl: string, its = env(databaseUrl)): Promise<string> {
  const scheduler = startProgram('scheduler', its);
  await lineOf(scheduler, (line) => line.includes('"event":"ready"'));
  await endProcess(scheduler);
  return scheduler.output.join('');
}

/** The causes of the epochs that these processes began. */
function epochsBegunIn(logs: readonly string[]): unknown[] {
  return logs
    .flatMap((log) => log.split('\n'))
    .filter((line) => line.includes('"event":"feed_epoch_begun"'))
    .map((line) => (JSON.parse(line) as { cause: unknown }).cause);
}

/** What a restore in the same database puts back. */
interface State {
  counter: string;
  feedSeq: string;
}

async function stateNow(): Promise<State> {
  const { rows } = await fixture.database.pool.query<{ counter: string; feed_seq: string }>(
    'SELECT counter, feed_seq FROM syncline.feed_state, syncline.accounts',
  );
  return { counter: rows[0]!.counter, feedSeq: rows[0]!.feed_seq };
}

async function putBack({ counter, feedSeq }: State): Promise<void> {
  await fixture.database.pool.query('UPDATE syncline.feed_state SET counter = $1', [counter]);
  await fixture.database.pool.query('UPDATE syncline.accounts SET feed_seq = $1', [feedSeq]);
  await fixture.database.pool.query('DELETE FROM syncline.changes WHERE seq > $1', [feedSeq]);
  await fixture.database.pool.query("DELETE FROM syncline.gmail_labels WHERE id = 'b'");
}

/**
 * Until the scheduler has counted on, and has written it to Redis: a later number is in Postgres only after
 * the earlier one is in Redis.
 */
async function countsOn(from: string): Promise<void> {
  for (;;) {
    const { rows } = await fixture.database.pool.query<{ counter: string }>(
      'SELECT counter FROM syncline.feed_state',
    );
    if (BigInt(rows[0]!.counter) >= BigInt(from) + 2n) return;
    await fixture.rt.clock.sleep(50);
  }
}

async function flush(): Promise<void> {
  const { Redis } = await import('ioredis');
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
}
