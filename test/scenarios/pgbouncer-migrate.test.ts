import pg from 'pg';
import { testDatabase, type TestDatabase } from '../support/database.js';
import { startPgBouncer, type TestPgBouncer } from '../support/pgbouncer.js';
import { endProcess, exited, lineOf, startProgram, stopAll } from '../support/processes.js';

/**
 * Migrations behind a PgBouncer in transaction mode, which share its sessions: a lock of a session
 * would outlive the program that took it.
 *
 * @needs pgbouncer
 */

let database: TestDatabase;
let bouncer: TestPgBouncer;
let url: string;
let other: pg.Client;
beforeEach(async () => {
  bouncer = await startPgBouncer();
  database = await testDatabase();
  await database.pool.query('DROP SCHEMA syncline CASCADE');
  url = bouncer.urlOf(database.url);
  other = new pg.Client({ connectionString: url });
  await other.connect();
});
afterEach(async () => {
  await stopAll();
  await other.end();
  await database.drop();
  await bouncer.stop();
});

const migrate = (): ReturnType<typeof startProgram> =>
  startProgram('cli', { DATABASE_URL: url, REDIS_URL: 'redis://127.0.0.1:1' }, ['migrate']);

test('migrate names the migration that holds the lock, ends on SIGTERM while it waits, and leaves no lock', async () => {
  await other.query('BEGIN');
  const { rows } = await other.query<{ pid: number }>(
    'SELECT pg_backend_pid() AS pid, pg_advisory_xact_lock(72707369)',
  );
  const waiting = migrate();
  expect(await lineOf(waiting, (line) => line.includes('Another migration runs'))).toMatch(
    new RegExp(`^Another migration runs: session pid ${rows[0]!.pid} of Postgres.*; waiting$`),
  );
  expect(await endProcess(waiting, 'SIGTERM')).toEqual({ code: 1, signal: null });
  expect(waiting.output.join('')).toContain(
    'Interrupted by a signal: nothing of the schema "syncline" was kept.',
  );
  await other.query('ROLLBACK');
  expect(await exited(migrate())).toMatchObject({ code: 0 });
}, 60_000);

test('SIGTERM ends a migration that holds the lock and waits for a table, and the next one is applied', async () => {
  await other.query('CREATE SCHEMA syncline');
  await other.query('BEGIN');
  await other.query('CREATE TABLE syncline.watches (id int)');
  const interrupted = migrate();
  await lineOf(interrupted, (line) => line.startsWith('A table is used by other sessions'));
  expect(await endProcess(interrupted, 'SIGTERM')).toEqual({ code: 1, signal: null });
  await other.query('ROLLBACK');
  expect(await exited(migrate())).toMatchObject({ code: 0 });
}, 60_000);
