import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import {
  OperatorError,
  describeError,
  parseDatabaseUrl,
  systemClock,
  unlessAborted,
} from '@syncline/runtime';
import pg from 'pg';
import { connectionOf, resolveTls } from './connection.js';
import { databaseUnreachable, isConnectionFailure } from './database-errors.js';
import { refuseEarlierVersion } from './earlier-version.js';
import { checkFeed } from './feed-epoch.js';
import { inMigration, type MigrationSession, type MigrationWait } from './migration-lock.js';
import { restrictApiRole } from './row-security.js';
import { clientFor, schemaOf } from './schema-name.js';
import { factsOf, refuseUnfit } from './server-check.js';

/**
 * Does the work of `prisma migrate deploy` without Prisma's CLI. It keeps the same record (name,
 * sha256 of the file) in the schema of the mirror, under the same advisory lock, so that the CLI
 * and this program accept each other's work. A production image therefore needs neither the CLI nor
 * an engine, and a migration takes 0.2 s instead of 1.3 s.
 */
const MIGRATIONS = path.resolve(__dirname, '../../../prisma/migrations');

const BOOKKEEPING = `CREATE TABLE IF NOT EXISTS syncline._prisma_migrations (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL, "checksum" VARCHAR(64) NOT NULL, "finished_at" TIMESTAMPTZ, "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT, "rolled_back_at" TIMESTAMPTZ, "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(), "applied_steps_count" INTEGER NOT NULL DEFAULT 0)`;

const DEFAULT_WAIT_MS = 300_000;

/**
 * Migrates the mirror's schema to this program's version, and begins a new epoch of the feed in a
 * copy of another database. Creates the database and the schema if they do not exist. Objects
 * outside of the schema, and a schema of a development version, are not changed. Several processes
 * may call it at the same time.
 * @param options parameters of `inMigration`; by default it waits for 300 s and reports nothing.
 * `apiRole`: the role of DATABASE_API_URL, which row security restricts (row-security.ts)
 * @returns the names of the migrations that were applied now
 * @throws OperatorError when the database is unreachable, a right is missing, the schema is a
 * development version's, the wait takes too long or is interrupted, or a migration failed
 */
export async function migrate(
  databaseUrl: string,
  { apiRole = null, ...options }: Partial<MigrationWait> & { apiRole?: string | null } = {},
): Promise<string[]> {
  const wait: MigrationWait = {
    limitMs: DEFAULT_WAIT_MS,
    signal: new AbortController().signal,
    report: () => undefined,
    clock: systemClock,
    ...options,
  };
  const { url, session } = await unlessAborted(wait.signal, async () => {
    const resolved = await resolveTls(databaseUrl);
    return { url: resolved, session: await connectOrCreate(resolved) };
  });
  try {
    const to = { session, schema: schemaOf(url), cancel: cancelling(url) };
    const applied = await migrateIn(to, wait);
    if (apiRole !== null) await restrictApiRole(to, wait, apiRole);
    return applied;
  } catch (error) {
    throw isConnectionFailure(error) ? databaseUnreachable(url, error) : error;
  } finally {
    await session.end().catch(() => undefined); // The session may have ended already.
  }
}

/**
 * @throws OperatorError when the schema is older than this program. A newer schema is accepted:
 * migrations only add, so that versions can run side by side.
 */
export async function checkSchema(pool: pg.Pool): Promise<void> {
  const missing = await missingMigrations(pool);
  if (missing.length > 0) {
    throw new OperatorError(
      `The database's schema is older than this program: ${missing.length === 1 ? 'the migration' : 'the migrations'} ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing.\n` +
        'Run: npm run migrate',
    );
  }
}

async function migrateIn(to: MigrationSession, wait: MigrationWait): Promise<string[]> {
  const { session, schema } = to;
  refuseUnfit(await factsOf(session, schema), schema, 'migrate');
  await refuseEarlierVersion(session, schema, await knownChecksums());
  const missing = await missingMigrations(session);
  if (missing.length > 0) {
    await noteEarlierVersion(to, wait);
    await inMigration(to, wait, `the schema "${schema}"`, () => createSchema(session, schema));
  }
  const applied: string[] = [];
  for (const name of missing) {
    const what = `the migration ${name}`;
    if (await inMigration(to, wait, what, () => apply(session, name))) applied.push(name);
  }
  await checkFeed(session, null, false);
  return applied;
}

/**
 * An existing schema requires no right to create one, because an administrator may have created it.
 */
async function createSchema(session: pg.Client, schema: string): Promise<void> {
  const found = await session.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (found.rowCount === 0)
    await session.query(`CREATE SCHEMA ${session.escapeIdentifier(schema)}`);
  await session.query(BOOKKEEPING);
}

/**
 * Before the mirror had its own schema, it was in `public`. Nothing is changed there, because its
 * tables may have been modified by hand.
 */
async function noteEarlierVersion(
  { session, schema }: MigrationSession,
  { report }: MigrationWait,
): Promise<void> {
  const found = await session.query<{ earlier: boolean; known: boolean }>(
    `SELECT to_regclass('public._prisma_migrations') IS NOT NULL AND to_regclass('public.gmail_messages') IS NOT NULL AS earlier,
            to_regclass('syncline._prisma_migrations') IS NOT NULL AS known`,
  );
  const { earlier, known } = found.rows[0] ?? { earlier: false, known: false };
  if (earlier && !known)
    report(
      `The schema public holds the mirror of an earlier version, which stays as it is. The mirror now lives in the schema "${schema}" and begins empty: import the accounts again, or continue with the old one by ?schema=public in DATABASE_URL.`,
    );
}

async function knownMigrations(): Promise<string[]> {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** Returns the checksums by name, in order. */
async function knownChecksums(): Promise<Map<string, string>> {
  const names = await knownMigrations();
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, checksumOf(await statementsOf(name))] as const),
    ),
  );
}

function statementsOf(name: string): Promise<string> {
  return readFile(path.join(MIGRATIONS, name, 'migration.sql'), 'utf8');
}

function checksumOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex');
}

async function missingMigrations(session: pg.Client | pg.Pool): Promise<string[]> {
  const table = await session.query<{ known: boolean }>(
    `SELECT to_regclass('syncline._prisma_migrations') IS NOT NULL AS known`,
  );
  const done = table.rows[0]?.known ? await appliedMigrations(session) : new Set<string>();
  return (await knownMigrations()).filter((name) => !done.has(name));
}

/**
 * @throws OperatorError when Prisma's CLI has left a failed migration; this program never leaves
 * one
 */
async function appliedMigrations(session: pg.Client | pg.Pool): Promise<Set<string>> {
  const rows = await session.query<{ migration_name: string; finished_at: Date | null }>(
    'SELECT migration_name, finished_at FROM syncline._prisma_migrations WHERE rolled_back_at IS NULL',
  );
  const failed = rows.rows.find((row) => row.finished_at === null);
  if (failed) {
    throw new OperatorError(
      `The migration ${failed.migration_name} failed earlier and was rolled back by Postgres.\n` +
        `Fix its cause, then run: npm run prisma -- migrate resolve --rolled-back ${failed.migration_name}`,
    );
  }
  return new Set(rows.rows.map((row) => row.migration_name));
}

/**
 * Applies a migration in one transaction with its record. A failed migration therefore leaves
 * nothing behind, and the next run retries it. Prisma's tools write the files without a schema
 * name, so the transaction sets the schema as its path.
 * @returns false when another process has applied the migration meanwhile
 */
async function apply(session: pg.Client, name: string): Promise<boolean> {
  if ((await appliedMigrations(session)).has(name)) return false;
  const sql = await statementsOf(name);
  try {
    await session.query(sql);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (isConnectionFailure(error) || ['55P03', '57014'].includes(String(code))) throw error;
    throw new OperatorError(`The migration ${name} failed: ${wordsOf(error)}`);
  }
  await session.query(
    'INSERT INTO syncline._prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), 1)',
    [randomUUID(), checksumOf(sql), name],
  );
  return true;
}

/**
 * Returns Postgres' own message when it quotes only names (class 42) or is written in the migration
 * (P0001). Other messages may quote a value.
 */
function wordsOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return /^(42|P0001)/.test(String(code)) ? String(message) : describeError(error);
}

async function connectOrCreate(databaseUrl: string): Promise<pg.Client> {
  try {
    return await connect(databaseUrl);
  } catch (error) {
    if ((error as { code?: string }).code !== '3D000')
      throw databaseUnreachable(databaseUrl, error);
  }
  const admin = new URL(databaseUrl);
  admin.pathname = '/postgres';
  const session = await connect(admin.href).catch((error: unknown) => {
    throw databaseUnreachable(databaseUrl, error);
  });
  try {
    await createDatabase(session, databaseUrl);
  } finally {
    await session.end();
  }
  return await connect(databaseUrl).catch((error: unknown) => {
    throw databaseUnreachable(databaseUrl, error);
  });
}

async function createDatabase(session: pg.Client, databaseUrl: string): Promise<void> {
  const { database, user } = parseDatabaseUrl(databaseUrl);
  const name = session.escapeIdentifier(database);
  try {
    await session.query(`CREATE DATABASE ${name}`);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === '42501')
      throw new OperatorError(
        `There is no database ${name}, and this role may not create it: CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0${user === null ? '' : ` OWNER ${session.escapeIdentifier(user)}`};`,
      );
    const raced = ['42P04', '23505'].includes(String(code));
    if (!raced) throw databaseUnreachable(databaseUrl, error);
  }
}

function cancelling(databaseUrl: string): (pid: number) => Promise<void> {
  return async (pid) => {
    const session = await connect(databaseUrl);
    try {
      await session.query('SELECT pg_cancel_backend($1)', [pid]);
    } finally {
      await session.end();
    }
  };
}

async function connect(databaseUrl: string): Promise<pg.Client> {
  const session = new (clientFor(schemaOf(databaseUrl)))(connectionOf(databaseUrl));
  session.on('error', () => undefined);
  await session.connect();
  return session;
}
