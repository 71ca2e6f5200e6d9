import { ACCOUNT_TABLES } from '@syncline/store';
import { testDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

test('every table that holds rows of an account is erased with it', async () => {
  const found = await database.pool.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.columns WHERE table_schema = 'syncline' AND column_name = 'account_id' ORDER BY 1",
  );
  expect([...ACCOUNT_TABLES].sort()).toEqual(found.rows.map(({ name }) => name));
});
