import { ACCOUNT_TABLES } from '../../packages/store/src/account-tables.js';
import { testDatabase, type TestDatabase } from '../support/database.js';

const TABLE_NAMES = ACCOUNT_TABLES.map(({ name }) => name);

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

test('every table that holds rows of an account is erased with it', async () => {
  const found = await database.pool.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.columns WHERE table_schema = 'syncline' AND column_name = 'account_id' ORDER BY 1",
  );
  expect([...TABLE_NAMES].sort()).toEqual(found.rows.map(({ name }) => name));
});

test('the keys by which rows of an account are erased are those of the primary keys', async () => {
  const { rows } = await database.pool.query<{ name: string; keys: string[] }>(
    `SELECT c.relname AS name, array_agg(a.attname::text ORDER BY k.n) FILTER (WHERE a.attname <> 'account_id') AS keys
       FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, n)
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
      WHERE i.indisprimary AND c.relnamespace = 'syncline'::regnamespace AND c.relname = ANY($1) GROUP BY 1`,
    [[...TABLE_NAMES]],
  );
  expect(Object.fromEntries(rows.map(({ name, keys }) => [name, keys ?? []]))).toEqual(
    Object.fromEntries(ACCOUNT_TABLES.map(({ name, key }) => [name, key])),
  );
});
