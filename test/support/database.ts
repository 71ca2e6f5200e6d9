import { randomUUID, randomBytes } from 'node:crypto';
import { createRuntime, systemClock, type Runtime } from '@syncline/runtime';
import { migrate, openStore, type Lease, type Resource, type Store } from '@syncline/store';
import pg from 'pg';

/** A database of its own for one test file, migrated; dropped at the end. */
export interface TestDatabase {
  url: string;
  /** For looking at rows and breaking them on purpose. */
  pool: pg.Pool;
  drop(): Promise<void>;
}

export async function testDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().slice(0, 8)}`;
  const url = databaseUrl(name);
  await onServer(async (admin) => {
    await ensureTemplate(admin);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  });
  const pool = new pg.Pool({ connectionString: url.href, max: 3, options: '-c timezone=UTC' });
  pool.on('error', () => undefined);
  return {
    url: url.href,
    pool,
    async drop() {
      await pool.end();
      await onServer((admin) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    },
  };
}

/**
 * A migrated database from which the others are copied: a copy takes a fifth of the time of all
 * migrations.
 */
const TEMPLATE = 'syncline_template';

/** Creates the template once: test files run in parallel, and the others wait. */
async function ensureTemplate(admin: pg.Client): Promise<void> {
  const exists = async (): Promise<boolean> =>
    (await admin.query('SELECT FROM pg_database WHERE datname = $1', [TEMPLATE])).rowCount === 1;
  if (await exists()) return;
  await admin.query(`SELECT pg_advisory_lock(hashtext('${TEMPLATE}'))`);
  if (await exists()) return;
  const unfinished = `${TEMPLATE}_unfinished`;
  await admin.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
  await createApiRole(admin);
  await migrate(databaseUrl(unfinished).href, { apiRole: API_ROLE });
  await forgetDatabase(databaseUrl(unfinished));
  await admin.query(`ALTER DATABASE ${unfinished} RENAME TO ${TEMPLATE}`);
}

/** The role of the API's reads. Every test's database has row security for it. */
const API_ROLE = 'syncline_api';
const API_PASSWORD = 'of-the-tests';

async function createApiRole(admin: pg.Client): Promise<void> {
  const known = await admin.query('SELECT FROM pg_roles WHERE rolname = $1', [API_ROLE]);
  if (known.rowCount === 0)
    await admin.query(`CREATE ROLE ${API_ROLE} LOGIN PASSWORD '${API_PASSWORD}'`);
}

/** Returns the URL of a test's database under the API's own role. */
export function apiUrlOf({ url }: Pick<TestDatabase, 'url'>): string {
  const ofRole = new URL(url);
  [ofRole.username, ofRole.password] = [API_ROLE, API_PASSWORD];
  return ofRole.href;
}

/**
 * Removes the database's identity, which `migrate` records: a copy with its template's identity
 * would begin a new feed epoch.
 */
async function forgetDatabase(url: URL): Promise<void> {
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(
      'UPDATE syncline.feed_state SET system_identifier = NULL, database_oid = NULL, database_name = NULL',
    );
  } finally {
    await client.end();
  }
}

/** Runs `work` as the server's administrator. */
async function onServer(work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: serverUrl() });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

function databaseUrl(name: string): URL {
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return url;
}

export function serverUrl(): string {
  const url = process.env['SYNCLINE_TEST_DATABASE_URL'];
  if (!url)
    throw new Error(
      'SYNCLINE_TEST_DATABASE_URL is not set: run the tests through npm test, which starts its own servers',
    );
  return url;
}

/** Returns the Redis prefix of the processes that work on a test's database. */
export function prefixOf(database: string): string {
  const name = URL.canParse(database) ? new URL(database).pathname.slice(1) : '';
  return /^\w+$/.test(name) ? name : 'syncline';
}

export function redisUrl(): string {
  const url = process.env['SYNCLINE_TEST_REDIS_URL'];
  if (!url)
    throw new Error(
      'SYNCLINE_TEST_REDIS_URL is not set: run the tests through npm test, which starts its own servers',
    );
  return url;
}

export function testRuntime(clock = systemClock): Runtime {
  return createRuntime({
    clock,
    service: 'test',
    logLevel: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    stdout: 'stderr',
  });
}

/** A store on a database of its own, with one account, whose feed is empty. */
export interface StoreFixture {
  rt: Runtime;
  database: TestDatabase;
  store: Store;
  accountId: string;
  masterKey: Buffer;
  close(): Promise<void>;
}

export async function storeFixture(
  resources: Resource[] = ['gmail', 'calendar'],
): Promise<StoreFixture> {
  const rt = testRuntime();
  const database = await testDatabase();
  const masterKey = randomBytes(32);
  const store = await openStore(rt, { databaseUrl: database.url, masterKey, poolSize: 5 });
  const { id } = await store.accounts.import({
    email: 'ada@example.com',
    refreshToken: '1//secret',
    tenant: 'default',
    resources,
  });
  await database.pool.query('DELETE FROM syncline.changes');
  await database.pool.query('DELETE FROM syncline.feed_moves');
  await database.pool.query('UPDATE syncline.accounts SET feed_seq = 0');
  return {
    rt,
    database,
    store,
    masterKey,
    accountId: id,
    async close() {
      await store.close();
      await database.drop();
    },
  };
}

/** Claims the lease of an account's collection, which must be free. */
export async function claim(
  fixture: Pick<StoreFixture, 'store' | 'database'>,
  accountId: string,
  kind: string,
): Promise<Lease> {
  const found = await fixture.database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.collections WHERE account_id = $1 AND kind = $2 LIMIT 1',
    [accountId, kind],
  );
  const claimed = await fixture.store.leases.claim((found.rows[0] as { id: string }).id);
  if (claimed.kind !== 'claimed') throw new Error(`the lease is not free: ${claimed.kind}`);
  return claimed.lease;
}
