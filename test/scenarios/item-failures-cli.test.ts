import { syncCollection } from '@syncline/sync';
import { exited, startProgram, stopAll } from '../support/processes.js';
import { startWorld, type World } from '../support/world.js';

/* What the commands print about a message that cannot be read. */

let world: World;
let email: string;
let bad: string;

beforeAll(async () => {
  world = await startWorld({
    seed: 93,
    threadLength: 1,
    accounts: 1,
    messagesPerAccount: 20,
    calendarsPerAccount: 0,
    eventsPerCalendar: 0,
  });
  email = (await world.control.accounts())[0]!.email;
  bad = String((await world.control.truth(email, 'gmail'))[7]!['id']);
  await world.control.spoil(bad, '403-permission');
  while ((await runMailbox()) !== 'caught-up');
});
afterAll(async () => {
  await stopAll();
  await world.close();
});

/** A run, to which every item is due that is being retried. */
async function runMailbox(): Promise<string> {
  const { pool } = world.database;
  await pool.query("UPDATE syncline.failing_items SET retry_at = now() - interval '1 ms'");
  const { rows } = await pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE kind = 'gmail'",
  );
  const outcome = await syncCollection(
    world.rt,
    { ...world, policy: { activeMs: 600_000, idleMs: 900_000 } },
    rows[0]!.id,
    { sliceMs: 60_000, signal: new AbortController().signal },
  );
  return outcome.kind;
}

const cli = (...args: string[]): ReturnType<typeof exited> =>
  exited(startProgram('cli', world.env, args));

/** Runs a command while the mailbox is synced, as beside a fleet. */
async function besideFleet(...args: string[]): ReturnType<typeof exited> {
  const over = new AbortController();
  const done = cli(...args).finally(() => over.abort());
  while (!over.signal.aborted) await world.catchUp();
  return done;
}

test('accounts list --json names the message with its reason and its next retry', async () => {
  const { code, stdout } = await cli('accounts', 'list', '--json');
  const [account] = JSON.parse(stdout) as { collections: { kind: string }[] }[];
  expect(code).toBe(0);
  expect(account!.collections.find(({ kind }) => kind === 'gmail')).toMatchObject({
    quarantined: 1,
    unreadable: [
      {
        id: bad,
        state: 'quarantined',
        reason: expect.stringContaining('Google does not allow this'),
        nextTryAt: expect.stringMatching(/^\d{4}-/),
      },
    ],
  });
});

test('verify compares everything else, names the message, and exits 1', async () => {
  const { code, stdout } = await besideFleet('verify', email, '--resource', 'gmail');
  expect(code).toBe(1);
  expect(stdout).toMatch(/gmail: 20 checked, 0 missing, 0 extra, 0 stale, 1 unread/);
  expect(stdout).toContain(`unread: ${bad}`);
});

test('verify --json names the message as unread and as quarantined', async () => {
  const { code, stdout } = await besideFleet('verify', email, '--resource', 'gmail', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout.trim().split('\n')[0]!)).toMatchObject({
    resource: 'gmail',
    missing: [],
    extra: [],
    stale: [],
    unread: [bad],
    quarantined: [{ id: bad, reason: expect.stringContaining('Google does not allow this') }],
  });
});

test('why names the message with its reason, and the command that lists it', async () => {
  const { stdout } = await cli('why', email);
  expect(stdout).toMatch(new RegExp(`mailbox ${bad}: .*Google does not allow this`));
  expect(stdout).toContain(`syncline quarantine list ${email}`);
});
