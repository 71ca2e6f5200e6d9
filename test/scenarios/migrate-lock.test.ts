import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { serverUrl } from '../support/database.js';
import { endProcess, exited, lineOf, startProgram, stopAll } from '../support/processes.js';

/* Of several migrations one runs, and the others say what they wait for. */

/** The lock of Prisma's CLI. */
const TAKE = 'SELECT pg_advisory_lock(72707369)';

let url: string;
let other: pg.Client;
beforeEach(async () => {
  const name = `test_${randomUUID().slice(0, 8)}`;
  await onServer(`CREATE DATABASE ${name}`);
  const database = new URL(serverUrl());
  database.pathname = `/${name}`;
  url = database.href;
  other = new pg.Client({ connectionString: url, application_name: 'deploy of web-7' });
  await other.connect();
});
afterEach(async () => {
  await stopAll();
  await other.end();
  await onServer(`DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
});

const MIGRATIONS = readdirSync(path.resolve(__dirname, '../../prisma/migrations'), {
  withFileTypes: true,
})
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

const migrate = (env: Record<string, string> = {}): ReturnType<typeof startProgram> =>
  startProgram('cli', { DATABASE_URL: url, REDIS_URL: 'redis://127.0.0.1:1', ...env }, ['migrate']);
const names = async (): Promise<string[]> =>
  (
    await other.query<{ name: string }>(
      'SELECT migration_name AS name FROM syncline._prisma_migrations ORDER BY 1',
    )
  ).rows.map(({ name }) => name);
async function onServer(statement: string): Promise<void> {
  const admin = new pg.Client({ connectionString: serverUrl() });
  await admin.connect();
  await admin.query(statement);
  await admin.end();
}

test('names the running migration, and continues when it is done', async () => {
  await other.query(TAKE);
  const { rows } = await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const child = migrate();
  const line = await lineOf(child, (text) => text.includes('Another migration runs'));
  expect(line).toMatch(
    /^Another migration runs: session pid \d+ of Postgres \(deploy of web-7\), since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; waiting$/,
  );
  expect(line).toContain(`session pid ${rows[0]!.pid} `);
  await other.query('SELECT pg_advisory_unlock_all()');
  expect(await exited(child)).toMatchObject({ code: 0 });
}, 60_000);

test('gives up after MIGRATION_LOCK_WAIT_SECONDS, with the statement that ends a dead session', async () => {
  await other.query(TAKE);
  const { code, stdout, stderr } = await exited(migrate({ MIGRATION_LOCK_WAIT_SECONDS: '1' }));
  expect(code).toBe(1);
  expect(stdout + stderr).toMatch(
    /Another migration runs: .*\. Waited for 1 s \(MIGRATION_LOCK_WAIT_SECONDS\); nothing of the schema "syncline" was done\. If its program is gone: SELECT pg_terminate_backend\(\d+\);/,
  );
  expect(stdout + stderr).not.toMatch(/\n\s+at /);
}, 60_000);

test('SIGTERM ends the wait for another migration with a line', async () => {
  await other.query(TAKE);
  const child = migrate();
  await lineOf(child, (line) => line.includes('Another migration runs'));
  const end = await endProcess(child, 'SIGTERM');
  expect(end).toEqual({ code: 1, signal: null });
  expect(child.output.join('')).toContain(
    'Interrupted by a signal: nothing of the schema "syncline" was kept.',
  );
}, 60_000);

test('a schema that is up to date does not wait', async () => {
  expect(await exited(migrate())).toMatchObject({ code: 0 });
  await other.query(TAKE);
  const { code, stdout, stderr } = await exited(migrate({ MIGRATION_LOCK_WAIT_SECONDS: '0' }));
  expect({ code, output: stdout + stderr }).toEqual({
    code: 0,
    output: 'the schema is up to date\n',
  });
}, 60_000);

test('several at once apply each migration once', async () => {
  const all = await Promise.all([migrate(), migrate(), migrate()].map(exited));
  expect(all.map(({ code, stderr }) => (code === 0 ? 'done' : stderr))).toEqual([
    'done',
    'done',
    'done',
  ]);
  expect(await names()).toEqual(MIGRATIONS);
}, 120_000);

test('waits for a table that another session uses, and a signal leaves nothing partial', async () => {
  await other.query('CREATE SCHEMA syncline');
  await other.query('BEGIN; CREATE TABLE syncline.watches (id int)');
  const busy =
    /^A table is used by other sessions, and the migration \d+_initial waits for it; waiting$/;
  const interrupted = migrate();
  await lineOf(interrupted, (line) => busy.test(line));
  expect(await endProcess(interrupted, 'SIGTERM')).toEqual({ code: 1, signal: null });
  expect(interrupted.output.join('')).toContain('initial was kept.');
  expect(await names()).toEqual([]);

  const waiting = migrate();
  await lineOf(waiting, (line) => busy.test(line));
  await other.query('ROLLBACK');
  expect(await exited(waiting)).toMatchObject({ code: 0 });
  expect(await names()).toEqual(MIGRATIONS);
}, 120_000);

test('a failed migration leaves nothing and is tried again', async () => {
  await other.query('CREATE SCHEMA syncline; CREATE TABLE syncline.watches (id int)');
  const failed = await exited(migrate());
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stderr).toMatch(
    /The migration \d+_initial failed: relation "watches" already exists/,
  );
  expect(await names()).toEqual([]);
  await other.query('DROP TABLE syncline.watches');
  expect(await exited(migrate())).toMatchObject({ code: 0 });
  expect(await names()).toEqual(MIGRATIONS);
}, 120_000);
