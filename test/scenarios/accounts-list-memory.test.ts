import path from 'node:path';
import { storeFixture, redisUrl, type StoreFixture } from '../support/database.js';
import { exited, startNode, stopAll } from '../support/processes.js';

/* The memory of `accounts list --json` with many accounts. */

const ROOT = path.resolve(__dirname, '../..');
const ACCOUNTS = 20_000;
/** So many that Node's heap does not grow further before it is collected. */
const SOME = 5_000;
/** Measured: 30 MB at most; 150 MB when all documents are held before they are printed. */
const GROWTH_KB = 90 * 1_024;

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
  const { pool } = fixture.database;
  await pool.query(
    `INSERT INTO syncline.accounts (id, tenant, email, address, state, resources)
     SELECT gen_random_uuid(), 'many', 'user' || n || '@example.com', 'user' || n || '@example.com', 'active', '{calendar,gmail}' FROM generate_series(1, $1::int) AS n`,
    [ACCOUNTS],
  );
  await pool.query(
    `INSERT INTO syncline.collections (id, account_id, tenant, kind, external_id, error)
     SELECT gen_random_uuid(), a.id, a.tenant, c.kind, c.external_id, 'Google gave no usable answer'
       FROM syncline.accounts a,
            (VALUES ('gmail', 'mailbox'), ('calendar-list', 'calendars'), ('calendar-events', 'primary'), ('calendar-events', 'holidays')) AS c(kind, external_id)
      WHERE a.tenant = 'many'`,
  );
}, 120_000);
afterAll(async () => {
  await stopAll();
  await fixture.close();
});

/** Runs the command. @returns the accounts that it prints, and its largest resident size */
async function listed(...args: string[]): Promise<{ accounts: number; peakKb: number }> {
  const child = startNode(
    [
      '--require',
      path.join(ROOT, 'test/support/print-peak-memory.cjs'),
      path.join(ROOT, 'apps/cli/dist/main.js'),
      'accounts',
      'list',
      '--tenant',
      'many',
      '--json',
      ...args,
    ],
    {
      DATABASE_URL: fixture.database.url,
      REDIS_URL: redisUrl(),
      SYNCLINE_MASTER_KEY: fixture.masterKey.toString('base64'),
    },
  );
  const { code, stdout, stderr } = await exited(child);
  expect(code).toBe(0);
  return {
    accounts: (JSON.parse(stdout) as unknown[]).length,
    peakKb: Number(/^peak memory: (\d+) kB$/m.exec(stderr)?.[1]),
  };
}

test('20,000 accounts are listed in about the memory of 5,000', async () => {
  const some = await listed('--limit', String(SOME));
  const all = await listed();
  expect([some.accounts, all.accounts]).toEqual([SOME, ACCOUNTS]);
  expect(all.peakKb - some.peakKb).toBeLessThan(GROWTH_KB);
}, 180_000);
