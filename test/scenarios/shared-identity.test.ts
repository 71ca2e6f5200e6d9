import { openStore } from '@syncline/store';
import { testRuntime } from '../support/database.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';

/*
 * One mailbox in several tenants, with real processes and commands: whose quota it is, and what a
 * removal leaves to the others.
 */

let world: FleetWorld;
let mailbox: { email: string; refreshToken: string };
async function open(tenants: readonly string[], messages: number): Promise<void> {
  world = await startFleetWorld({
    seed: 213,
    accounts: 1,
    messagesPerAccount: messages,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
    latencyMs: 30,
  });
  [mailbox] = (await world.control.accounts()) as [typeof mailbox];
  const { code, stderr } = await world.import(tenants.map((tenant) => ({ ...mailbox, tenant })));
  if (code !== 0) throw new Error(`the import failed: ${stderr}`);
}
afterEach(() => world.close());

const removed = async (
  email = mailbox.email,
  ...args: string[]
): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await world.cli('accounts', 'remove', email, '--json', ...args);
  if (code !== 0) throw new Error(`the removal failed: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
};

async function caughtUp(): Promise<void> {
  await world.untilRows(
    'SELECT count(*)::int AS behind FROM syncline.collections WHERE caught_up_at IS NULL OR error IS NOT NULL',
    [{ behind: 0 }],
    90_000,
  );
}

test('a removal keeps the grant while another tenant has the mailbox, and the last one revokes it', async () => {
  await open(['one', 'two', 'three'], 6);
  world.start('scheduler');
  world.start('worker');
  await caughtUp();
  expect(await removed(mailbox.email, '--tenant', 'one')).toMatchObject({
    state: 'removed',
    grant: 'shared',
    sharedWith: ['three', 'two'],
  });
  const said = await world.cli('accounts', 'remove', mailbox.email, '--tenant', 'two');
  expect(said.stderr).toContain(
    'the grant is kept, since other accounts of the same Google account need it (tenant three)',
  );
  const [{ now }] = (await world.rows<{ now: string }>('SELECT now()::text AS now')) as [
    { now: string },
  ];
  await world.untilRows(
    `SELECT a.tenant, a.state, bool_and(c.caught_up_at > '${now}') AS "caughtUp" FROM syncline.accounts a JOIN syncline.collections c ON c.account_id = a.id GROUP BY a.id`,
    [{ tenant: 'three', state: 'active', caughtUp: true }],
  );
  expect(await removed()).toMatchObject({ grant: 'revoked', sharedWith: [] });
  expect(await refreshed()).toBe('invalid_grant');
  expect((await world.control.ledger()).callsAfterRevoke).toBe(1);
}, 240_000);

test('removing an unchecked account keeps the grant of a person whom another tenant mirrors under another address', async () => {
  await open(['one'], 6);
  world.start('scheduler');
  const worker = world.start('worker');
  await caughtUp();
  await world.stop(worker);
  const name = 'renamed@demo.example';
  await world.control.rename(mailbox.email, name);
  mailbox = { ...mailbox, email: name };
  const { code } = await world.importUnverified([{ ...mailbox, tenant: 'two' }]);
  expect(code).toBe(0);
  expect(await removed(mailbox.email, '--tenant', 'two')).toMatchObject({
    grant: 'shared',
    sharedWith: ['one'],
  });
  expect(await refreshed()).toBeNull();
}, 120_000);

test('removing an unchecked account keeps the grant unless Google shows that no other account needs it', async () => {
  await open(['one'], 6);
  world.start('scheduler');
  const worker = world.start('worker');
  await caughtUp();
  await world.stop(worker);
  // The primary calendar names the person, whatever the account is called here.
  await unchecked('two', 'misspelt@demo.example', ['calendar.readonly']);
  expect(await removed('misspelt@demo.example')).toMatchObject(SHARED_WITH_ONE);
  await world.control.rename(mailbox.email, 'renamed@demo.example');
  mailbox = { ...mailbox, email: 'renamed@demo.example' };
  // Only the sub shows it; no API of the grant returns an address.
  await unchecked('two', mailbox.email, ['openid']);
  expect(await removed(mailbox.email, '--tenant', 'two')).toMatchObject(SHARED_WITH_ONE);
  // No account here has the new address, and nothing else is reported.
  await unchecked('two', mailbox.email, ['calendar.readonly']);
  expect(await removed(mailbox.email, '--tenant', 'two')).toMatchObject({
    grant: 'maybe-shared',
    sharedWith: [],
  });
  // Nothing is known at all.
  await unchecked('two', mailbox.email, ['drive.readonly']);
  const said = await world.cli('accounts', 'remove', mailbox.email, '--tenant', 'two');
  expect(said.stderr).toContain(
    'the grant is kept, since it is unknown whether other accounts here need it',
  );
  expect(await refreshed()).toBeNull();
}, 120_000);

const SHARED_WITH_ONE = { grant: 'shared', sharedWith: ['one'] };

/** A calendar account of another tenant, whose grant covers these scopes. */
async function unchecked(tenant: string, email: string, scopes: string[]): Promise<void> {
  const consent = await fetch(`${world.simulator.url}/sim/accounts/${mailbox.email}/consent`, {
    method: 'POST',
    body: JSON.stringify({ scopes }),
  });
  const { refreshToken } = (await consent.json()) as { refreshToken: string };
  const line = { email, refreshToken, tenant, resources: ['calendar'] };
  expect(await world.importUnverified([line])).toMatchObject({ code: 0 });
}

test('--keep-grant keeps the grant, also when workers finish the removal', async () => {
  await open(['one'], 6);
  await world.rows(
    "UPDATE syncline.accounts SET state = 'removing', keep_grant = true, updated_at = now() - interval '1 hour'",
  );
  world.start('worker');
  await world.untilRows('SELECT email FROM syncline.accounts', [], 30_000);
  expect(await refreshed()).toBeNull();
  const imported = await world.import([mailbox]);
  expect(imported).toMatchObject({ code: 0 });
  expect(await removed(mailbox.email, '--keep-grant')).toMatchObject({
    state: 'removed',
    grant: 'kept',
  });
  expect(await refreshed()).toBeNull();
}, 120_000);

test('three tenants of one mailbox stay within the quota of one user and its limit of calls in flight', async () => {
  await open(['one', 'two', 'three'], 260);
  await bound();
  world.start('scheduler');
  world.start('worker');
  world.start('worker');
  // A minute's units are 300 messages: the window is full for the rest of the time.
  await world.untilRows(
    'SELECT count(*) >= 250 AS many FROM syncline.gmail_messages',
    [{ many: true }],
    60_000,
  );
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const ledger = (await (await fetch(`${world.simulator.url}/sim/ledger`)).json()) as {
    violations: { total: number };
    users: Record<string, { peakConcurrentParts: number; gmailPeakUnitsPerMinute: number }>;
  };
  const user = ledger.users[mailbox.email]!;
  expect(ledger.violations.total).toBe(0);
  expect(user.peakConcurrentParts).toBeLessThanOrEqual(25);
  expect(user.gmailPeakUnitsPerMinute).toBeLessThanOrEqual(6_000);
  const quota = await world.cli('quota');
  expect(quota.stdout).toMatch(/demo\.example +(one|two|three) /);
}, 240_000);

/** Every account is bound to the mailbox's Google identity, as a check of its grant does. */
async function bound(): Promise<void> {
  const store = await openStore(testRuntime(), {
    databaseUrl: world.env['DATABASE_URL']!,
    masterKey: Buffer.from(world.env['SYNCLINE_MASTER_KEY']!, 'base64'),
    poolSize: 2,
  });
  for (const { id, grant } of await store.accounts.list())
    await store.identities.bind(id, grant.number, { sub: 'a person', address: mailbox.email });
  await store.close();
}

/** What the token endpoint says of the grant: an error, or null. */
async function refreshed(): Promise<unknown> {
  const answer = await fetch(`${world.simulator.url}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: 'syncline',
      client_secret: 'any',
      grant_type: 'refresh_token',
      refresh_token: mailbox.refreshToken,
    }),
  });
  return ((await answer.json()) as { error?: string }).error ?? null;
}
