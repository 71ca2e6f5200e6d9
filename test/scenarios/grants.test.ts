import { randomBytes } from 'node:crypto';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { lineOf, type Started } from '../support/processes.js';
import { rowsOfAccount } from '../support/account-rows.js';

/*
 * Grants that Google refuses or that cannot be opened, with real processes and commands: what an
 * import, a resume, a probe and a removal do then.
 */

let world: FleetWorld;
let accounts: { email: string; refreshToken: string }[];
let fleet: Started[];
beforeEach(async () => {
  world = await startFleetWorld({
    seed: 211,
    accounts: 2,
    messagesPerAccount: 8,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
  });
  accounts = await world.control.accounts();
  await imported(accounts);
});
afterEach(() => world.close());

async function imported(lines: readonly object[]): Promise<void> {
  const { code, stderr } = await world.import(lines);
  if (code !== 0) throw new Error(`the import failed: ${stderr}`);
}

const STATES = 'SELECT email, state FROM syncline.accounts ORDER BY email';
const states = (...named: string[]): object[] =>
  accounts.map(({ email }, i) => ({ email, state: named[i] ?? 'active' }));
const BEHIND =
  'SELECT count(*)::int AS behind FROM syncline.collections WHERE caught_up_at IS NULL OR error IS NOT NULL';
const WHOLE = [{ behind: 0 }];

/** Everything is mirrored, with both programs running. */
async function mirrored(): Promise<void> {
  fleet = [world.start('scheduler'), world.start('worker')];
  await world.untilRows(BEHIND, WHOLE, 60_000);
}

const suspend = (suspended: boolean): Promise<void> =>
  world.order(`accounts/${accounts[0]!.email}/suspend`, { suspended });

/** Everything is served by runs that began after now. */
async function caughtUpAnew(email: string): Promise<void> {
  const [{ now }] = (await world.rows<{ now: string }>('SELECT now()::text AS now')) as [
    { now: string },
  ];
  await world.untilRows(
    `SELECT a.state, bool_and(c.caught_up_at > '${now}') AS "caughtUp" FROM syncline.accounts a JOIN syncline.collections c ON c.account_id = a.id WHERE a.email = '${email}' GROUP BY a.state`,
    [{ state: 'active', caughtUp: true }],
    30_000,
  );
}

test('a grant that was withdrawn and restored is accepted when the same token is imported within the minute', async () => {
  await mirrored();
  await suspend(true);
  await world.untilRows(STATES, states('reauth_required'));
  await suspend(false);
  expect(await world.import([accounts[0]!])).toMatchObject({ code: 0 });
  await caughtUpAnew(accounts[0]!.email);
}, 180_000);

test('a suspended account continues by itself when it is restored, and at once with `accounts resume`', async () => {
  await mirrored();
  await suspend(true);
  await world.untilRows(STATES, states('reauth_required'));
  const [{ hours }] = (await world.rows<{ hours: number }>(
    "SELECT extract(epoch FROM probe_at - now())::float8 / 3600 AS hours FROM syncline.accounts WHERE state = 'reauth_required'",
  )) as [{ hours: number }];
  expect(hours).toBeGreaterThan(0.8);
  expect(hours).toBeLessThan(1.2);
  // An hour passes, and the account is still suspended: it is tried again later.
  world.simulator.clock.advance(3_600_000);
  await world.rows("UPDATE syncline.accounts SET probe_at = now() WHERE state = 'reauth_required'");
  await world.untilRows(
    "SELECT state, probes, probe_at > now() + interval '1 hour' AS later FROM syncline.accounts WHERE state <> 'active'",
    [{ state: 'reauth_required', probes: 1, later: true }],
  );
  await suspend(false);
  await world.rows("UPDATE syncline.accounts SET probe_at = now() WHERE state = 'reauth_required'");
  await caughtUpAnew(accounts[0]!.email);
  world.simulator.clock.advance(3_600_000);
  await suspend(true);
  await world.untilRows(STATES, states('reauth_required'));
  await suspend(false);
  expect(await world.cli('accounts', 'resume', accounts[0]!.email)).toMatchObject({ code: 0 });
  await caughtUpAnew(accounts[0]!.email);
  expect((await world.control.ledger()).callsAfterInvalidGrant).toBe(0);
}, 240_000);

test.each([
  ['is known', 'before'],
  ['is found out by that import', 'after'],
])(
  "`accounts resume` tries the account's own grant after another person's was imported for it, when the refusal of its own %s",
  async (_, found) => {
    await mirrored();
    const [{ email }, other] = accounts as [(typeof accounts)[0], (typeof accounts)[0]];
    if (found === 'after') await world.stopAll();
    await suspend(true);
    if (found === 'before') await world.untilRows(STATES, states('reauth_required'));
    const refreshToken = await world.control.consent(other.email);
    expect(await world.import([{ email, refreshToken }])).toMatchObject({ code: 1 });
    expect(
      await world.rows(
        'SELECT email, state, reason_code, probe_at > now() AS probed FROM syncline.accounts WHERE email = $1',
        [email],
      ),
    ).toEqual([{ email, state: 'reauth_required', reason_code: 'identity-refused', probed: true }]);
    await suspend(false);
    expect(await world.cli('accounts', 'resume', email)).toMatchObject({ code: 0 });
    if (found === 'after') {
      world.start('scheduler');
      world.start('worker');
    }
    await caughtUpAnew(email);
  },
  180_000,
);

test("S1: a token copied into another account's row stops that account only; removal erases the rows and reports the grant; a new import is accepted", async () => {
  const [first, second] = accounts as [(typeof accounts)[0], (typeof accounts)[0]];
  await world.rows(
    'UPDATE syncline.credentials SET sealed = (SELECT sealed FROM syncline.credentials c JOIN syncline.accounts a ON a.id = c.account_id WHERE email = $1) WHERE account_id = (SELECT id FROM syncline.accounts WHERE email = $2)',
    [second.email, first.email],
  );
  world.start('scheduler');
  const worker = world.start('worker');
  await world.untilRows(
    "SELECT email, state, reason LIKE 'the stored refresh token does not open%import a new refresh token' AS named FROM syncline.accounts ORDER BY email",
    [
      { email: first.email, state: 'reauth_required', named: true },
      { email: second.email, state: 'active', named: null },
    ],
  );
  const events = worker.output.join('').match(/^.*sealed_value_rejected.*$/gm);
  expect(events).toHaveLength(1);
  expect(JSON.parse(events![0]!)).toMatchObject({ level: 'warn', why: 'altered' });
  await caughtUpAnew(second.email);
  const removed = await world.cli('accounts', 'remove', first.email, '--json');
  expect(removed).toMatchObject({ code: 0 });
  expect(JSON.parse(removed.stdout)).toMatchObject({ state: 'removed', grant: 'unreadable' });
  expect(await world.import([first])).toMatchObject({ code: 0 });
  await caughtUpAnew(first.email);
  await world.untilRows(
    `SELECT email, (SELECT count(*)::int FROM syncline.gmail_messages m WHERE m.account_id = a.id) AS messages FROM syncline.accounts a ORDER BY email`,
    accounts.map(({ email }) => ({ email, messages: 8 })),
  );
}, 180_000);

test('after the loss of the master key an import with a new one is accepted; giving the key up names the other accounts', async () => {
  const [{ lost }] = (await world.rows<{ lost: string }>(
    'SELECT DISTINCT key_id AS lost FROM syncline.credentials',
  )) as [{ lost: string }];
  world.env = { ...world.env, SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64') };
  const refused = await world.cli('accounts', 'list');
  expect(refused.stderr).toContain('syncline accounts import FILE takes it');
  expect(refused.stderr).toContain(`syncline keys retire-lost ${lost}`);
  expect(await world.import([accounts[1]!])).toMatchObject({ code: 0 });
  world.start('scheduler');
  const worker = world.start('worker');
  await lineOf(worker, (line) =>
    line.includes(`a worker lacks the master key with the id ${lost}`),
  );
  expect(await world.rows(STATES)).toEqual(states());
  const retired = await world.cli('keys', 'retire-lost', lost, '--json');
  expect(JSON.parse(retired.stdout)).toEqual({ keyId: lost, values: 1 });
  await world.untilRows(STATES, states('reauth_required', 'active'));
  await caughtUpAnew(accounts[1]!.email);
}, 180_000);

test('an account under a lost master key is removed with every row, and the command says that the grant could not be revoked', async () => {
  await mirrored();
  await Promise.all(fleet.map((program) => world.stop(program)));
  const [{ email }, other] = accounts as [(typeof accounts)[0], (typeof accounts)[0]];
  const [{ id, lost }] = (await world.rows<{ id: string; lost: string }>(
    'SELECT a.id, c.key_id AS lost FROM syncline.accounts a JOIN syncline.credentials c ON c.account_id = a.id WHERE a.email = $1',
    [email],
  )) as [{ id: string; lost: string }];
  expect(await rowsOfAccount(world.database.pool, id)).toMatchObject({ gmail_messages: 8 });
  world.env = { ...world.env, SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64') };
  expect(await world.cli('accounts', 'remove', email, '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`syncline keys retire-lost ${lost}`),
  });
  expect(await world.cli('keys', 'retire-lost', lost, '--yes')).toMatchObject({ code: 0 });
  const removed = await world.cli('accounts', 'remove', email, '--yes');
  expect(removed).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(
      /is removed: [\d,]+ rows erased; the grant could not be revoked, since its stored refresh token does not open; the customer can, at https:/,
    ),
  });
  expect(await rowsOfAccount(world.database.pool, id)).toEqual({});
  expect(await world.rows('SELECT email FROM syncline.accounts')).toEqual([{ email: other.email }]);
}, 180_000);

test('a refresh token that Google rotates late does not replace one that was imported meanwhile', async () => {
  await world.control.fault({ kind: 'token-rotated', count: 1, email: accounts[0]!.email });
  await world.control.fault({
    kind: 'latency',
    method: 'token',
    ms: 6_000,
    count: 1,
    email: accounts[0]!.email,
  });
  world.start('scheduler');
  const worker = world.start('worker');
  await world.untilRows(
    `SELECT count(*) > 0 AS running FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE a.email = '${accounts[0]!.email}' AND c.lease_until > now()`,
    [{ running: true }],
  );
  const refreshToken = await world.control.consent(accounts[0]!.email);
  await world.import([{ ...accounts[0]!, refreshToken }]);
  const sealed =
    'SELECT encode(sealed, $$hex$$) AS sealed FROM syncline.credentials c JOIN syncline.accounts a ON a.id = c.account_id ORDER BY email';
  const kept = await world.rows<{ sealed: string }>(sealed);
  await caughtUpAnew(accounts[0]!.email);
  await world.stop(worker);
  expect(await world.rows(sealed)).toEqual(kept);
}, 180_000);

test('an import without resources changes none; one with fewer is refused with the command for it', async () => {
  const [{ email, refreshToken }] = accounts as [(typeof accounts)[0]];
  const fewer = await world.import([{ email, refreshToken, resources: ['gmail'] }]);
  expect(fewer).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      `syncline accounts resources ${email} --remove calendar --tenant default --yes`,
    ),
  });
  expect(await world.import([{ email, refreshToken }])).toMatchObject({ code: 0 });
  expect(
    await world.import([
      { email: 'one@demo.example', refreshToken: 'x', resources: ['gmail'] },
      { email: 'one@demo.example', refreshToken: 'y' },
    ]),
  ).toMatchObject({ code: 0 });
  expect(await world.rows('SELECT resources FROM syncline.accounts ORDER BY email')).toEqual([
    { resources: ['gmail'] },
    { resources: ['calendar', 'gmail'] },
    { resources: ['calendar', 'gmail'] },
  ]);
}, 120_000);

test('a grant with fewer scopes parks what it does not cover, and deletes nothing', async () => {
  await mirrored();
  const { email } = accounts[0]!;
  const COUNTS = `SELECT (SELECT count(*)::int FROM syncline.gmail_messages) AS messages, (SELECT count(*)::int FROM syncline.calendar_events) AS events, (SELECT count(*)::int FROM syncline.calendars) AS calendars`;
  const before = await world.rows<object>(COUNTS);
  const token = await fetch(`${world.simulator.url}/sim/accounts/${email}/consent`, {
    method: 'POST',
    body: JSON.stringify({ scopes: ['openid', 'userinfo.email', 'calendar.readonly'] }),
  });
  const { refreshToken } = (await token.json()) as { refreshToken: string };
  expect(await world.import([{ email, refreshToken }])).toMatchObject({ code: 0 });
  await world.untilRows(
    `SELECT c.kind, c.parked FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE a.email = '${email}' AND c.parked IS NOT NULL`,
    [{ kind: 'gmail', parked: 'scope' }],
  );
  expect(await world.rows(COUNTS)).toEqual(before);
}, 180_000);
