import { testDatabase, type TestDatabase } from '../../../test/support/database.js';
import { openWriteProbe } from './health-probe.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

test('probes write within 64 rows, however many there are', async () => {
  let at = 0;
  const probe = openWriteProbe(database.url, () => (at++ % 1_000) / 1_000);
  for (let n = 0; n < 1_000; n += 1) await probe.check();
  await probe.close();
  const { rows } = await database.pool.query(
    'SELECT count(*)::int AS count, min(slot)::int AS first, max(slot)::int AS last FROM syncline.health_probe',
  );
  expect(rows).toEqual([{ count: 64, first: 0, last: 63 }]);
});

test('a probe fails while the database takes no writes, and succeeds on the same probe afterwards', async () => {
  const probe = openWriteProbe(database.url, () => 0);
  const setReadOnly = async (value: 'off' | 'on'): Promise<void> => {
    const name = new URL(database.url).pathname.slice(1);
    await database.pool.query(
      `BEGIN READ WRITE; ALTER DATABASE ${name} SET default_transaction_read_only = ${value}; COMMIT`,
    );
    await database.pool.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
  };
  await probe.check();
  await setReadOnly('on');
  await expect(untilDone(probe.check)).rejects.toThrow('read-only transaction');
  await setReadOnly('off');
  await untilDone(probe.check);
  await probe.close();
});

/**
 * Repeats the check, because the first statement on a session that the server has ended may fail.
 * The next statement uses another session.
 */
async function untilDone(check: () => Promise<void>): Promise<void> {
  await check().catch((error: unknown) => {
    if (!/terminat|ECONNRESET/.test(String(error))) throw error;
    return check();
  });
}
