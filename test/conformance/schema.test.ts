import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { testDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

/** Prisma's own comparison: 0 is no difference, 2 is one, and it is printed. */
function difference(): { status: number | null; stdout: string } {
  const root = path.resolve(__dirname, '../..');
  return spawnSync(
    process.execPath,
    [
      'prisma/engine/prisma.mjs',
      'migrate',
      'diff',
      '--from-config-datasource',
      '--to-schema',
      'prisma/schema',
      '--script',
      '--exit-code',
    ],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, DATABASE_URL: database.url },
    },
  );
}

test('the migrations make exactly what the Prisma schema describes', async () => {
  expect(difference()).toMatchObject({ status: 0 });
  await database.pool.query('ALTER TABLE syncline.gmail_messages ADD COLUMN forgotten text');
  const bent = difference();
  expect(bent.status).toBe(2);
  expect(bent.stdout).toContain('forgotten');
});

test('bodies and original JSON are compressed with lz4, or not at all where the server has no lz4', async () => {
  const { rows: servers } = await database.pool.query<{ has: boolean }>(
    "SELECT 'lz4' = ANY (enumvals) AS has FROM pg_settings WHERE name = 'default_toast_compression'",
  );
  const { rows } = await database.pool.query<{ name: string }>(
    `SELECT c.relname || '.' || a.attname AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE (CASE WHEN $1 THEN a.attstorage = 'x' AND a.attcompression = 'l' ELSE a.attstorage = 'e' END)
        AND a.attnum > 0 AND c.relnamespace = 'syncline'::regnamespace AND c.relkind = 'r' ORDER BY 1`,
    [servers[0]?.has],
  );
  expect(rows.map(({ name }) => name)).toEqual([
    'calendar_events.resource',
    'contacts.resource',
    'gmail_bodies.text_html',
    'gmail_bodies.text_plain',
    'gmail_messages.resource',
    'gmail_sources.source',
  ]);
});

test('what the scheduler asks and what a full sync asks are index scans', async () => {
  await database.pool.query(
    "INSERT INTO syncline.accounts (id, tenant, email, address, resources) SELECT gen_random_uuid(), 't', 'u' || n, 'u' || n, '{gmail}' FROM generate_series(1, 2000) n",
  );
  await database.pool.query(
    "INSERT INTO syncline.collections (id, account_id, kind, external_id, next_sync_at) SELECT gen_random_uuid(), id, 'gmail', 'mailbox', now() + interval '1 h' FROM syncline.accounts",
  );
  await database.pool.query('ANALYZE');
  const due = await database.pool.query(
    "EXPLAIN SELECT id FROM syncline.collections WHERE state = 'active' AND split_part(kind, '-', 1) = 'gmail' AND (phase <> 'incremental' OR full_sync_requested) = true AND next_sync_at <= now() ORDER BY next_sync_at LIMIT 100",
  );
  expect(JSON.stringify(due.rows)).toContain('collections_due_by_queue_idx');
});

test('no migration holds a statement that Postgres refuses in a transaction', () => {
  const migrations = path.resolve(__dirname, '../../prisma/migrations');
  const files = readdirSync(migrations, { withFileTypes: true }).filter((e) => e.isDirectory());
  expect(files.length).toBeGreaterThan(0);
  const refused =
    /\bCONCURRENTLY\b|\bVACUUM\b|\bALTER SYSTEM\b|\b(CREATE|DROP) DATABASE\b|^\s*(BEGIN|COMMIT)\s*;/im;
  for (const { name } of files)
    expect(
      readFileSync(path.join(migrations, name, 'migration.sql'), 'utf8').replaceAll(/--.*/g, ''),
    ).not.toMatch(refused);
});
