import { randomUUID } from 'node:crypto';
import { openApiStore, openStore, withRowAccess, type Store } from '@syncline/store';
import pg from 'pg';
import { openPool } from '../../packages/store/src/pool.js';
import { byIndex, inTransaction } from '../../packages/store/src/transaction.js';
import {
  apiUrlOf,
  claim,
  storeFixture,
  testRuntime,
  type StoreFixture,
} from '../support/database.js';
import { startPgBouncer, type TestPgBouncer } from '../support/pgbouncer.js';
import { copyOf, putInPlace } from '../support/restore.js';

/**
 * The store behind a real PgBouncer in transaction mode that does not know prepared statements (Debian's 1.18).
 *
 * @needs pgbouncer
 */

let fixture: StoreFixture;
let bouncer: TestPgBouncer;
let url: string;
beforeAll(async () => {
  fixture = await storeFixture();
  bouncer = await startPgBouncer({ default_pool_size: '3' });
  url = bouncer.urlOf(fixture.database.url);
  await fixture.database.pool.query('CREATE TABLE public.notes (writer int, part int, word text)');
});
afterAll(async () => {
  await bouncer.stop();
  await fixture.close();
});
beforeEach(() => fixture.database.pool.query('TRUNCATE public.notes'));

const insert = (writer: number, part: number): pg.QueryConfig => ({
  name: `note-${part}`,
  text: `INSERT INTO public.notes SELECT $1, ${part}, word FROM unnest($2::text[]) AS word`,
  values: [writer, '{a}'],
});

const PARTS = [1, 2, 3];

test('repeats transactions whose prepared statements are on another server connection, as a whole', async () => {
  const refusals: string[] = [];
  // Opened without the probe of a process's start, so that names are tried.
  const pool = openPool(url, 8, { onNamesRefused: (reason) => refusals.push(reason) });
  try {
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let round = 0; round < 10; round++)
          await inTransaction(pool, async (transaction) => {
            transaction.send(insert(writer, 1));
            transaction.send(insert(writer, 2));
            await transaction.query(insert(writer, 3));
          });
      }),
    );
  } finally {
    await pool.end();
  }
  expect(refusals).toHaveLength(1);
  const { rows } = await fixture.database.pool.query(
    'SELECT part, count(*)::int AS notes FROM public.notes GROUP BY part ORDER BY part',
  );
  expect(rows).toEqual(PARTS.map((part) => ({ part, notes: 80 })));
});

test('repeats a single statement whose name is refused', async () => {
  const refusals: string[] = [];
  const pool = openPool(url, 6, { onNamesRefused: (reason) => refusals.push(reason) });
  try {
    await Promise.all(
      Array.from({ length: 6 }, async (_, writer) => {
        for (let round = 0; round < 10; round++) await pool.query(insert(writer, 1));
      }),
    );
  } finally {
    await pool.end();
  }
  expect(refusals).toHaveLength(1);
  expect((await fixture.database.pool.query('SELECT 1 FROM public.notes')).rowCount).toBe(60);
});

test('an error of a statement that is not about its name is not repeated', async () => {
  const pool = openPool(url, 1);
  try {
    let runs = 0;
    const failing = inTransaction(pool, async (transaction) => {
      runs += 1;
      await transaction.query("SELECT 'x'::int");
    });
    await expect(failing).rejects.toMatchObject({ code: '22P02' });
    expect(runs).toBe(1);
  } finally {
    await pool.end();
  }
});

test('settings apply within a transaction and leave nothing on the server connection', async () => {
  const pool = openPool(url, 1, { byIndex: true });
  const other = new pg.Pool({ connectionString: url, max: 1 });
  const settings = `SELECT current_setting('statement_timeout') AS statement, current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('enable_seqscan') AS seqscan, current_setting('plan_cache_mode') AS plans, pg_backend_pid() AS pid`;
  try {
    const inside = await inTransaction(
      pool,
      async (transaction) => (await transaction.query(settings)).rows[0],
    );
    expect(inside).toMatchObject({
      statement: '1min',
      idle: '8s',
      seqscan: 'off',
      plans: 'force_generic_plan',
    });
    expect((await byIndex(pool).query(settings)).rows[0]).toMatchObject({ seqscan: 'off' });
    // PgBouncer gives out the server connection that was used last.
    expect((await other.query(settings)).rows[0]).toEqual({
      statement: '0',
      idle: '0',
      seqscan: 'on',
      plans: 'auto',
      pid: inside?.['pid'],
    });
  } finally {
    await pool.end();
    await other.end();
  }
});

test('cancels an aborted statement at the server', async () => {
  const pool = openPool(url, 1, { answerLimitMs: 300 });
  const mark = randomUUID();
  try {
    await expect(pool.query(`SELECT pg_sleep(40), '${mark}'`)).rejects.toThrow();
    for (let active = 1; active > 0;)
      active = (
        await fixture.database.pool.query(
          "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()",
          [`SELECT pg_sleep(40), '${mark}'`],
        )
      ).rowCount!;
  } finally {
    await pool.end();
  }
}, 30_000);

test('a process that starts behind it sends no names, logs it once, and shows it in its metric', async () => {
  const rt = testRuntime();
  const store = await openStore(rt, { databaseUrl: url, masterKey: fixture.masterKey });
  expect(await rt.metrics.registry.getSingleMetricAsString(METRIC)).toContain(`${METRIC} 0`);
  await store.close();
  const direct = testRuntime();
  const beside = await openStore(direct, {
    databaseUrl: fixture.database.url,
    masterKey: fixture.masterKey,
  });
  expect(await direct.metrics.registry.getSingleMetricAsString(METRIC)).toContain(`${METRIC} 1`);
  await beside.close();
});
const METRIC = 'syncline_postgres_prepared_statements';

test("the API's reads state their tenant in each transaction, whichever server connection it gets", async () => {
  const own = await storeFixture();
  const { id: other } = await own.store.accounts.import({
    email: 'grace@example.com',
    refreshToken: '1//other',
    tenant: 'globex',
  });
  const store = await openApiStore(own.rt, {
    databaseUrl: bouncer.urlOf(own.database.url),
    masterKey: own.masterKey,
    reads: { databaseUrl: bouncer.urlOf(apiUrlOf(own.database)), poolSize: 8 },
  });
  const tenants = new Map([
    ['default', own.accountId],
    ['globex', other],
  ]);
  const reads = Array.from({ length: 400 }, async (_, at) => {
    const tenant = at % 2 === 0 ? 'default' : 'globex';
    const found = await withRowAccess({ tenant, accountId: null }, () =>
      store.accounts.page({ after: null, limit: 10 }),
    );
    return found.map(({ id }) => id).join() === tenants.get(tenant);
  });
  expect(new Set(await Promise.all(reads))).toEqual(new Set([true]));
  await store.close();
  await own.close();
}, 60_000);

test('a database that is restored behind open sessions begins a new epoch before it gives out a number again', async () => {
  const own = await storeFixture();
  const store = await openStore(own.rt, {
    databaseUrl: bouncer.urlOf(own.database.url),
    masterKey: own.masterKey,
    poolSize: 1,
  });
  try {
    await change(own, store, ['a']);
    const older = await copyOf(own.database.url);
    await store.feed.advance(null);
    await change(own, store, ['a', 'b']);
    const before = await store.feed.position(own.accountId);
    // A session that asks between two transactions, as workers do: it stays open towards the pooler.
    await putInPlace(older, own.database.url);
    await change(own, store, ['a', 'c']);
    const after = await store.feed.position(own.accountId);
    expect(after.seq).toBe(before.seq);
    expect(after.epoch).toBeGreaterThan(before.epoch);
  } finally {
    await store.close();
    await own.close();
  }
}, 120_000);

/** Stores the catalogue of labels through `store`; each new label is one change. */
async function change(own: StoreFixture, store: Store, labels: readonly string[]): Promise<void> {
  const reader = new pg.Pool({ connectionString: own.database.url, max: 1 });
  try {
    await reader.query('UPDATE syncline.collections SET lease_until = NULL');
    const lease = await claim(
      { store, database: { ...own.database, pool: reader } },
      own.accountId,
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
        labels: labels.map((id) => ({ id, name: id, type: 'user', resource: '{}' })),
      },
    });
  } finally {
    await reader.end();
  }
}
