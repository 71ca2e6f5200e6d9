import { openStore } from '@syncline/store';
import { storeFixture, type StoreFixture } from '../../../test/support/database.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
});
afterAll(() => fixture.close());

test('reads the same dates from a database whose time zone is another', async () => {
  const { pool, url } = fixture.database;
  await pool.query("UPDATE syncline.collections SET last_synced_at = '2026-03-01T10:20:30Z'");
  const [{ name }] = (await pool.query('SELECT current_database() AS name')).rows as [
    { name: string },
  ];
  await pool.query(`ALTER DATABASE ${name} SET timezone = 'Pacific/Kiritimati'`);
  const store = await openStore(fixture.rt, { databaseUrl: url, masterKey: fixture.masterKey });
  try {
    const dates = (await store.accounts.list()).flatMap(({ collections }) =>
      collections.map(({ lastSyncedAt }) => lastSyncedAt?.toISOString()),
    );
    expect(new Set(dates)).toEqual(new Set(['2026-03-01T10:20:30.000Z']));
  } finally {
    await store.close();
  }
});
