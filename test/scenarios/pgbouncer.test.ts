import { lineOf, startProgram, type Started } from '../support/processes.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { startPgBouncer, type TestPgBouncer } from '../support/pgbouncer.js';

/**
 * A whole fleet behind a real PgBouncer in transaction mode with the configuration of docs/how-to/deployment.md: Debian's 1.18, which does not know prepared
 * statements, and a pool that is smaller than the fleet.
 *
 * @needs pgbouncer
 */

const POOL_SIZE = 4;

let world: FleetWorld;
let bouncer: TestPgBouncer;
beforeEach(async () => {
  bouncer = await startPgBouncer({ default_pool_size: String(POOL_SIZE) });
  world = await startFleetWorld({
    seed: 61,
    accounts: 3,
    messagesPerAccount: 120,
    calendarsPerAccount: 2,
    eventsPerCalendar: 20,
  });
  world.env['DATABASE_URL'] = bouncer.urlOf(world.database.url);
});
afterEach(async () => {
  await world.close();
  await bouncer.stop();
});

const CAUGHT_UP = `SELECT count(*)::int AS behind FROM syncline.collections WHERE caught_up_at IS NULL OR phase <> 'incremental'`;

async function emails(): Promise<string[]> {
  return (await world.control.accounts()).map(({ email }) => email);
}

async function connectAll(): Promise<void> {
  const lines = (await world.control.accounts()).map(({ email, refreshToken }) => ({
    email,
    refreshToken,
  }));
  expect(await world.import(lines)).toMatchObject({ code: 0 });
}

/** What no log of a process may contain: every refusal is repeated, and no job is lost to one. */
const REFUSED = /prepared statement|26000|42P05|25P01|startup parameter/i;

function expectNoRefusals(...programs: Started[]): void {
  for (const { output } of programs)
    expect(
      output
        .join('')
        .split('\n')
        .filter((line) => REFUSED.test(line) && !line.includes('prepared_statements_disabled')),
    ).toEqual([]);
}

test('migrates, imports, mirrors, verifies and removes behind PgBouncer in transaction mode without prepared statements', async () => {
  const { pool } = world.database;
  await pool.query('DROP SCHEMA syncline CASCADE');
  const migrated = await Promise.all([world.cli('migrate'), world.cli('migrate')]);
  expect(migrated.map(({ code }) => code)).toEqual([0, 0]);
  expect(await world.cli('migrate')).toMatchObject({ code: 0 });
  const api = startProgram('api', { ...world.env, PORT: '0', OPERATOR_PORT: '0' });
  const fleet = [world.start('scheduler'), world.start('worker'), world.start('worker'), api];
  await connectAll();
  await world.untilRows(CAUGHT_UP, [{ behind: 0 }], 90_000);
  const [first, second] = (await emails()) as [string, string];
  expect(await world.cli('sync', first, '--full')).toMatchObject({ code: 0 });
  expect(await world.cli('wait')).toMatchObject({ code: 0 });
  for (const email of [first, second])
    expect(await world.cli('verify', email)).toMatchObject({ code: 0 });
  const listed = await world.cli('accounts', 'list', '--json');
  expect(listed).toMatchObject({ code: 0 });
  expect(listed.stdout).toContain(second);
  expect(await world.cli('accounts', 'remove', first, '--yes')).toMatchObject({ code: 0 });
  expect(
    await world.rows('SELECT 1 FROM syncline.accounts WHERE email = $1', [first]),
  ).toHaveLength(0);
  expect(await sessions()).toBeLessThanOrEqual(POOL_SIZE);
  for (const program of fleet)
    expect(
      await lineOf(program, (line) => line.includes('prepared_statements_disabled')),
    ).toContain(`"reason":"pooler"`);
  expectNoRefusals(...fleet);
  expect(await world.rows('SELECT 1 FROM syncline.collections WHERE failures > 0')).toEqual([]);
}, 300_000);

test('server connections that end under load cost no change and no process', async () => {
  const fleet = [world.start('scheduler'), world.start('worker'), world.start('worker')];
  // A program whose connection ends while it starts ends with it: on a busy machine that takes
  // longer than the import.
  for (const program of fleet)
    await lineOf(program, (line) => line.includes('ready') || line.includes('working'));
  await connectAll();
  for (let killed = 0; killed < 12;) {
    const { rows } = await world.database.pool.query<{ busy: boolean }>(
      `WITH busy AS MATERIALIZED (SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend')
       SELECT pg_terminate_backend(pid) AS busy FROM busy`,
    );
    killed += rows.length;
  }
  await world.untilRows(CAUGHT_UP, [{ behind: 0 }], 240_000);
  expect(fleet.map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual([
    null,
    null,
    null,
  ]);
  expectNoRefusals(...fleet);
  for (const email of await emails())
    expect(await world.cli('verify', email)).toMatchObject({ code: 0 });
}, 300_000);

async function sessions(): Promise<number> {
  const [found] = await world.rows<{ sessions: number }>(
    "SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'test' AND pid <> pg_backend_pid() AND client_port IS NOT NULL AND query NOT LIKE '%pg_stat_activity%'",
  );
  return found?.sessions ?? 0;
}
