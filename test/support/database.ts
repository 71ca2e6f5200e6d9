import { randomUUID, randomBytes } from 'node:crypto';
import { createRuntime, type Runtime } from '@syncline/runtime';
import { migrate, openStore, type Lease, type Store } from '@syncline/store';
import pg from 'pg';

/** A database of its own for one test file, migrated; dropped at the end. */
export interface TestDatabase {
  url: string;
  /** For looking at rows and breaking them on purpose. */
  pool: pg.Pool;
  drop(): Promise<void>;
}

export async function testDatabase(): Promise<TestDatabase> {
  const server = serverUrl();
  const name = `test_${randomUUID().slice(0, 8)}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  await migrate(url.href);
  const pool = new pg.Pool({ connectionString: url.href, max: 3, options: '-c timezone=UTC' });
  pool.on('error', () => undefined);
  return {
    url: url.href,
    pool,
    async drop() {
      await pool.end();
      const admin = new pg.Client({ connectionString: server });
      await admin.connect();
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}

export function serverUrl(): string {
  const url = process.env['SYNCLINE_TEST_DATABASE_URL'];
  if (!url)
    throw new Error(
      'SYNCLINE_TEST_DATABASE_URL is not set: run the tests through npm test, which starts its own servers',
    );
  return url;
}

export function redisUrl(): string {
  const url = process.env['SYNCLINE_TEST_REDIS_URL'];
  if (!url)
    throw new Error(
      'SYNCLINE_TEST_REDIS_URL is not set: run the tests through npm test, which starts its own servers',
    );
  return url;
}

export function testRuntime(): Runtime {
  return createRuntime({
    service: 'test',
    logLevel: process.env['TEST_LOG_LEVEL'] ?? 'silent',
    stdout: 'stderr',
  });
}

/** A store on a database of its own, with one account. */
export interface StoreFixture {
  rt: Runtime;
  database: TestDatabase;
  store: Store;
  accountId: string;
  masterKey: Buffer;
  close(): Promise<void>;
}

export async function storeFixture(): Promise<StoreFixture> {
  const rt = testRuntime();
  const database = await testDatabase();
  const masterKey = randomBytes(32);
  const store = await openStore(rt, { databaseUrl: database.url, masterKey, poolSize: 5 });
  const { id } = await store.accounts.import({
    email: 'ada@example.com',
    refreshToken: '1//secret',
    tenant: 'default',
    resources: ['gmail', 'calendar'],
  });
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
    'SELECT id FROM collections WHERE account_id = $1 AND kind = $2 LIMIT 1',
    [accountId, kind],
  );
  const claimed = await fixture.store.lease.claim((found.rows[0] as { id: string }).id);
  if (claimed.kind !== 'claimed') throw new Error(`the lease is not free: ${claimed.kind}`);
  return claimed.lease;
}
