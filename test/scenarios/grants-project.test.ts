import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';

/*
 * What Google refuses of a project and not of an account, with real processes: a rotated secret, a
 * deleted client, an API that is not enabled.
 */

const CLIENT = { id: 'operator-client', secret: 'first' };
let world: FleetWorld;
let accounts: { email: string; refreshToken: string }[];
beforeEach(async () => {
  world = await startFleetWorld({
    seed: 212,
    accounts: 6,
    messagesPerAccount: 4,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
    // Every look needs a refresh.
    accessTokenTtlMs: 1_000,
  });
  accounts = await world.control.accounts();
  world.env = {
    ...world.env,
    GOOGLE_CLIENT_ID: CLIENT.id,
    GOOGLE_CLIENT_SECRET: CLIENT.secret,
  };
  await world.order('clients', CLIENT);
  await imported(accounts);
  world.start('scheduler');
});
afterEach(() => world.close());

async function imported(lines: readonly object[]): Promise<void> {
  const { code, stderr } = await world.import(lines);
  if (code !== 0) throw new Error(`the import failed: ${stderr}`);
}

const PARKED =
  'SELECT parked, count(*)::int AS collections FROM syncline.collections GROUP BY parked ORDER BY parked';
const COUNT_OF_PARKED =
  'SELECT count(*)::int AS parked FROM syncline.collections WHERE parked IS NOT NULL';

async function mirrored(): Promise<number> {
  await world.untilRows(
    'SELECT count(*)::int AS behind FROM syncline.collections WHERE caught_up_at IS NULL OR error IS NOT NULL',
    [{ behind: 0 }],
    60_000,
  );
  const [{ count }] = (await world.rows<{ count: number }>(
    'SELECT count(*)::int AS count FROM syncline.collections',
  )) as [{ count: number }];
  return count;
}

async function caughtUpWithin(ms: number): Promise<void> {
  const [{ now }] = (await world.rows<{ now: string }>('SELECT now()::text AS now')) as [
    { now: string },
  ];
  await world.untilRows(
    `SELECT bool_and(caught_up_at > '${now}' AND parked IS NULL) AS "caughtUp" FROM syncline.collections`,
    [{ caughtUp: true }],
    ms,
  );
}

test('a rotated client secret is tried once for all accounts, and all continue within seconds when it works', async () => {
  const [worker, other] = [world.start('worker'), world.start('worker')];
  const collections = await mirrored();
  await world.order('clients', { ...CLIENT, secret: 'second' });
  await world.untilRows(PARKED, [{ parked: 'client', collections }]);
  expect(await world.rows('SELECT project, scope, code FROM syncline.project_failures')).toEqual([
    { project: 'default', scope: 'client', code: 'invalid_client' },
  ]);
  const refusedBefore = (await clientRefusals()).count;
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  expect((await clientRefusals()).count - refusedBefore).toBeLessThanOrEqual(4);
  await world.order('clients', CLIENT);
  await caughtUpWithin(15_000);
  // The other way to end it: the processes are started with the new secret.
  await world.order('clients', { ...CLIENT, secret: 'third' });
  await world.untilRows(PARKED, [{ parked: 'client', collections }]);
  await Promise.all([world.stop(worker), world.stop(other)]);
  world.env = { ...world.env, GOOGLE_CLIENT_SECRET: 'third' };
  world.start('worker');
  await caughtUpWithin(15_000);
  expect(await world.rows('SELECT 1 FROM syncline.project_failures')).toEqual([]);
}, 240_000);

test('a deleted client stops all resources, a disabled API only its resource; each is tried once for all accounts', async () => {
  world.start('worker');
  await mirrored();
  await world.order('clients', { ...CLIENT, state: 'deleted' });
  await world.untilRows(
    "SELECT DISTINCT coalesce(parked, '') AS parked FROM syncline.collections",
    [{ parked: 'client' }],
  );
  await world.order('clients', CLIENT);
  await caughtUpWithin(15_000);
  await world.control.fault({ kind: '403-api-disabled', method: 'history.list' });
  await world.control.fault({ kind: '403-api-disabled', method: 'getProfile' });
  await world.untilRows(
    "SELECT DISTINCT kind, parked FROM syncline.collections WHERE kind IN ('gmail', 'calendar-list') ORDER BY kind",
    [
      { kind: 'calendar-list', parked: null },
      { kind: 'gmail', parked: 'project' },
    ],
  );
  await world.control.clearFaults();
  await caughtUpWithin(20_000);
  expect(await world.rows('SELECT 1 FROM syncline.project_failures')).toEqual([]);
}, 240_000);

test('one account with the token of another client waits alone, and continues when that is corrected', async () => {
  const { email } = accounts[0]!;
  await world.control.fault({ kind: 'token-unauthorized-client', email });
  world.start('worker');
  await world.untilRows(
    `SELECT DISTINCT a.email, c.parked FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE c.parked IS NOT NULL`,
    [{ email, parked: 'other-client' }],
  );
  await world.untilRows(
    `SELECT count(*)::int AS behind FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE a.email <> '${email}' AND c.caught_up_at IS NULL`,
    [{ behind: 0 }],
    60_000,
  );
  await world.untilRows(COUNT_OF_PARKED, [{ parked: 2 }]);
  expect(await world.rows(PARKED)).toHaveLength(2);
  await world.control.clearFaults();
  await caughtUpWithin(20_000);
}, 180_000);

async function clientRefusals(): Promise<{ count: number }> {
  const answer = await fetch(`${world.simulator.url}/sim/ledger`);
  return { count: ((await answer.json()) as { clientRefusals: number }).clientRefusals };
}
