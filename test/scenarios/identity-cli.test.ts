import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { lineOf, type Started } from '../support/processes.js';

/* Whose a grant is, as an operator meets it: commands, a scheduler and a worker. */

const ANN = 'user1@demo.example';
const BEN = 'user2@demo.example';

interface Listed {
  id: string;
  email: string;
  state: string;
  reason: string | null;
  reasonCode: string | null;
  aliases: string[];
}

let world: FleetWorld;
let worker: Started;
async function start(scopes?: string[]): Promise<void> {
  world = await startFleetWorld({
    seed: 37,
    accounts: 2,
    messagesPerAccount: 24,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
    ...(scopes ? { scopes } : {}),
  });
  world.start('scheduler');
  worker = world.start('worker');
}
afterEach(() => world.close(), 60_000);

async function listed(): Promise<Listed[]> {
  return JSON.parse((await world.cli('accounts', 'list', '--json')).stdout) as Listed[];
}

async function connect(email: string, of = email): Promise<void> {
  const refreshToken = await world.control.consent(of);
  expect(await world.import([{ email, refreshToken }])).toMatchObject({ code: 0 });
  expect(await world.cli('wait', email, '--timeout', '60')).toMatchObject({ code: 0 });
}

/**
 * The primary calendar goes with the old name: its events are held until a second listing confirms
 * that. From now on that begins at once, and not a minute after the first.
 */
async function confirmSoon(): Promise<void> {
  await world.rows(`
    CREATE FUNCTION public.confirm_soon() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.cursor := jsonb_set(NEW.cursor, '{hold,notBeforeMs}', '0');
      NEW.held_until := now();
      RETURN NEW;
    END $$`);
  await world.rows(`
    CREATE TRIGGER confirm_soon BEFORE UPDATE ON syncline.collections FOR EACH ROW
    WHEN (NEW.cursor #> '{hold,notBeforeMs}' IS NOT NULL) EXECUTE FUNCTION public.confirm_soon()`);
}

const exported = async (email: string): Promise<string> =>
  (await world.cli('export', email, '--resource', 'gmail')).stdout;
const asked = (): unknown => {
  const { methods, requests } = world.simulator.ledger.snapshot();
  return { methods, requests };
};

test("refuses to import another person's grant, changes no row, and logs it without an address", async () => {
  await start();
  await connect(ANN);
  const before = await exported(ANN);
  await world.control.fault({ kind: 'revoke-grant', email: ANN });
  // The poll may find it out before this request does; then the request is refused.
  await world.cli('sync', ANN);
  await world.untilRows('SELECT state, reason_code FROM syncline.accounts', [
    { state: 'reauth_required', reason_code: 'grant-refused' },
  ]);
  const refused = await world.import([
    { email: ANN, refreshToken: await world.control.consent(BEN) },
  ]);
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({
    created: 0,
    updated: 0,
    failed: [
      {
        line: 1,
        problem: expect.stringContaining(
          'this grant belongs to another Google account (u***@demo.example)',
        ),
      },
    ],
  });
  const event = refused.stderr.split('\n').find((line) => line.includes('identity_refused'));
  expect(event).toBeDefined();
  expect(event).not.toMatch(/user[12]@/);
  expect(await listed()).toMatchObject([
    {
      state: 'reauth_required',
      reasonCode: 'identity-refused',
      reason: expect.stringContaining('another Google account'),
    },
  ]);
  expect(await exported(ANN)).toBe(before);
  await connect(ANN);
  expect(await listed()).toMatchObject([{ state: 'active', reason: null, reasonCode: null }]);
}, 180_000);

test("keeps a working grant when another person's is imported, and creates no account under a wrong address", async () => {
  await start();
  await connect(ANN);
  const refreshToken = await world.control.consent(BEN);
  const both = await world.import([
    { email: ANN, refreshToken },
    { email: 'somebody@demo.example', refreshToken },
  ]);
  expect(JSON.parse(both.stdout)).toMatchObject({ failed: [{ line: 1 }, { line: 2 }] });
  expect(await listed()).toMatchObject([{ email: ANN, state: 'active', reason: null }]);
  expect(await world.cli('wait', ANN, '--timeout', '60')).toMatchObject({ code: 0 });
}, 180_000);

test('with --no-verify the first sync refuses it before it writes, and logs it without an address', async () => {
  await start();
  await connect(ANN);
  const before = await exported(ANN);
  const refreshToken = await world.control.consent(BEN);
  expect(await world.importUnverified([{ email: ANN, refreshToken }])).toMatchObject({ code: 0 });
  await world.untilRows('SELECT state, reason_code FROM syncline.accounts', [
    { state: 'reauth_required', reason_code: 'identity-refused' },
  ]);
  const event = await lineOf(worker, (line) => line.includes('"event":"identity_refused"'));
  const [{ id } = { id: '' }] = await listed();
  expect(JSON.parse(event)).toMatchObject({ accountId: id, tenant: 'default' });
  expect(event).not.toMatch(/user[12]/);
  expect((await world.cli('why', ANN)).stdout).toContain('another Google account');
  expect(await exported(ANN)).toBe(before);
}, 180_000);

test('makes no request for a grant that an active account already has', async () => {
  await start();
  const refreshToken = await world.control.consent(ANN);
  expect(await world.import([{ email: ANN, refreshToken }])).toMatchObject({ code: 0 });
  expect(await world.cli('wait', ANN, '--timeout', '60')).toMatchObject({ code: 0 });
  await world.stopAll();
  const before = asked();
  expect(await world.import([{ email: ANN.toUpperCase(), refreshToken }])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"updated":1'),
  });
  expect(asked()).toEqual(before);
  expect(await listed()).toMatchObject([{ email: ANN, state: 'active' }]);
}, 180_000);

test('an unproven mailbox waits until a person confirms it with a command', async () => {
  await start(['gmail.readonly', 'calendar.readonly']);
  await connect(ANN);
  const before = await exported(ANN);
  await world.control.delete(ANN);
  const { refreshToken } = await world.control.addAccount({ email: ANN, messages: 8 });
  const imported = await world.import([{ email: ANN, refreshToken }]);
  expect(imported).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('syncline accounts resume EMAIL --same-mailbox'),
  });
  expect(await listed()).toMatchObject([
    { state: 'reauth_required', reasonCode: 'identity-unproven' },
  ]);
  expect(await exported(ANN)).toBe(before);
  expect(await world.cli('accounts', 'resume', ANN, '--same-mailbox')).toMatchObject({ code: 0 });
  expect(await world.cli('wait', ANN, '--timeout', '60')).toMatchObject({ code: 0 });
  expect(await listed()).toMatchObject([{ state: 'active', reason: null }]);
}, 180_000);

test('addresses compare without case in every command, and one address is one account', async () => {
  await start();
  await connect('User1@Demo.Example', ANN);
  await connect(ANN);
  expect(await listed()).toMatchObject([{ email: 'User1@Demo.Example' }]);
  const named = 'USER1@demo.EXAMPLE';
  expect(await world.cli('why', named)).toMatchObject({ code: 0 });
  expect(await world.cli('sync', named)).toMatchObject({ code: 0 });
  expect(await world.cli('wait', named, '--timeout', '60')).toMatchObject({ code: 0 });
  expect(await world.cli('verify', named)).toMatchObject({ code: 0 });
  expect((await exported(named)).length).toBeGreaterThan(0);
}, 180_000);

test("a renamed person is found by both addresses; the old address can become another person's account", async () => {
  await start();
  await connect(ANN);
  const [{ id } = { id: '' }] = await listed();
  await confirmSoon();
  await world.control.rename(ANN, 'new@demo.example');
  await connect(ANN, 'new@demo.example');
  expect(await listed()).toMatchObject([{ id, email: 'new@demo.example', aliases: [ANN] }]);
  expect(await world.cli('why', ANN)).toMatchObject({ code: 0 });
  await world.control.addAccount({ email: ANN, messages: 8 });
  await connect(ANN);
  const both = await listed();
  expect(both.map(({ email }) => email).sort()).toEqual(['new@demo.example', ANN]);
  const why = JSON.parse((await world.cli('why', ANN, '--json')).stdout) as { id?: string };
  expect(JSON.stringify(why)).toContain(both.find(({ email }) => email === ANN)!.email);
}, 180_000);
