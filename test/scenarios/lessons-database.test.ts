import { ACCOUNT_TABLES } from '../../packages/store/src/account-tables.js';
import { testDatabase, type TestDatabase } from '../support/database.js';

const TABLE_NAMES = ACCOUNT_TABLES.map(({ name }) => name);

/* What went wrong in databases elsewhere (docs/explanation/lessons.md), asked of the schema itself: every table that will ever be added is asked too. */

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const query = async <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  (await database.pool.query(sql, values)).rows as Row[];

test('no text of Google can be too long for its column', async () => {
  const bounded = await query(
    "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'syncline' AND character_maximum_length IS NOT NULL AND table_name NOT LIKE '\\_prisma%'",
  );
  expect(bounded).toEqual([]);
  // A btree entry holds some 2,700 bytes: whatever people write must not be in an index.
  const written = await query<{ table: string; column: string }>(
    `SELECT c.relname AS table, a.attname AS column FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
      WHERE c.relname IN ('gmail_messages', 'gmail_bodies', 'gmail_labels', 'gmail_threads', 'gmail_attachments', 'calendars', 'calendar_events') AND a.atttypid = 'text'::regtype GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  expect(
    written.map(({ column }) => column).filter((column) => !/^(id|.*_id)$/.test(column)),
  ).toEqual([]);
  expect(written.length).toBeGreaterThan(5);
});

test('history ids and sequence numbers are numbers of 64 bits in every table, so that 10 comes after 9', async () => {
  const ids = await query<{ type: string }>(
    "SELECT data_type AS type FROM information_schema.columns WHERE table_schema = 'syncline' AND column_name IN ('history_id', 'seq', 'feed_seq', 'lease_epoch', 'ordinal')",
  );
  expect(ids.length).toBeGreaterThanOrEqual(5);
  expect(new Set(ids.map(({ type }) => type))).toEqual(new Set(['bigint']));
});

test.each(TABLE_NAMES.map((table) => [table]))(
  'rows of an account in %s are found by an index, not by a table scan',
  async (table) => {
    const led = await query(
      "SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = ('syncline.' || $1)::regclass AND a.attname = 'account_id'",
      [table],
    );
    expect(led.length).toBeGreaterThan(0);
  },
);

test('whether messages are stored is found by an index, however many there are', async () => {
  await query(
    "INSERT INTO syncline.accounts (id, tenant, email, address, resources) SELECT gen_random_uuid(), 't', 'u' || n, 'u' || n, '{gmail}' FROM generate_series(1, 20) n",
  );
  await query(
    "INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, snippet, resource) SELECT id, n::text, n::text, n, '{INBOX}', '', '{}' FROM syncline.accounts, generate_series(1, 300) n",
  );
  await query('ANALYZE syncline.gmail_messages');
  const plan = await query(
    'EXPLAIN SELECT id FROM syncline.gmail_messages WHERE account_id = (SELECT id FROM syncline.accounts LIMIT 1) AND id = ANY($1::text[])',
    [['17', '18']],
  );
  expect(JSON.stringify(plan)).toContain('gmail_messages_pkey');
  expect(JSON.stringify(plan)).not.toContain('Seq Scan on gmail_messages');
});
