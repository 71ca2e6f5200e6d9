import { LeaseLost, type AccountView } from '@syncline/store';
import { syncCollection, type Outcome } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { OF_ROWS } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/*
 * An account's rows come from that account's Google identity only: what a new grant has to show
 * before anything is written with it.
 */

const ANN = 'user1@demo.example';
const BEN = 'user2@demo.example';
/** A grant of the APIs alone contains neither `sub` nor address. */
const WITHOUT_SUB = ['gmail.readonly', 'calendar.readonly'];
const POLICY = { activeMs: 60_000, idleMs: 900_000 };

let world: World;
async function start(scopes?: string[], catchUp = true): Promise<void> {
  world = await startWorld({
    seed: 31,
    accounts: 2,
    messagesPerAccount: 40,
    calendarsPerAccount: 1,
    eventsPerCalendar: 6,
    ...(scopes ? { scopes } : {}),
  });
  if (catchUp) await world.catchUp();
}
afterEach(() => world.close());

const account = async (email = ANN): Promise<AccountView> =>
  (await world.store.accounts.list([email]))[0]!;

const MIRRORED = {
  gmail_messages: 'true',
  gmail_labels: 'true',
  calendar_events: 'true',
  calendars: 'true',
  changes: OF_ROWS,
};

/** Everything that is mirrored of an account, without the times of its rows. */
async function rowsOf(email = ANN): Promise<unknown[]> {
  const { id } = await account(email);
  const rows: unknown[] = [];
  for (const [table, which] of Object.entries(MIRRORED))
    rows.push(
      (
        await world.database.pool.query(
          `SELECT to_jsonb(t) - 'updated_at' AS row FROM syncline.${table} t WHERE account_id = $1 AND ${which} ORDER BY t::text`,
          [id],
        )
      ).rows,
    );
  return rows;
}

async function connect(
  email: string,
  refreshToken: string,
  resources: ('gmail' | 'calendar')[] = ['gmail', 'calendar'],
  tenant = 'default',
): Promise<string> {
  return (await world.store.accounts.import({ email, refreshToken, tenant, resources })).id;
}

/** One run of everything that is due, and of what becomes due by it. */
async function runDue(): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (;;) {
    const due = await world.store.schedule.claimDue({ limit: 20, visibilityMs: 60_000 });
    if (due.length === 0) return outcomes;
    for (const { id } of due) {
      let outcome: Outcome = { kind: 'more', full: true };
      while (outcome.kind === 'more')
        outcome = await syncCollection(world.rt, { ...world, policy: POLICY }, id, {
          sliceMs: 5_000,
          signal: new AbortController().signal,
        });
      outcomes.push(outcome);
    }
  }
}

const calls = (method: string): number =>
  (world.simulator.ledger.snapshot().methods[method]?.calls ?? 0) as number;

test('refuses a grant of another Google account, keeps every row, and continues with its own grant', async () => {
  await start();
  const before = await rowsOf();
  await world.control.fault({ kind: 'revoke-grant', email: ANN });
  await connect(ANN, await world.control.consent(BEN));
  const [messages, events] = [calls('messages.list'), calls('events.list')];
  expect(await runDue()).toContainEqual(expect.objectContaining({ kind: 'reauth-required' }));
  expect(await account()).toMatchObject({
    state: 'reauth_required',
    reasonCode: 'identity-refused',
    reason: expect.stringContaining(
      'this grant belongs to another Google account (u***@demo.example)',
    ),
  });
  expect(await rowsOf()).toEqual(before);
  expect([calls('messages.list'), calls('events.list')]).toEqual([messages, events]);
  await connect(ANN, await world.control.consent(ANN));
  await world.catchUp();
  expect(await account()).toMatchObject({ state: 'active', reason: null, reasonCode: null });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('mirrors nothing of a mailbox connected under another address', async () => {
  await start();
  await connect('user3@demo.example', await world.control.consent(BEN));
  await runDue();
  expect(await account('user3@demo.example')).toMatchObject({
    state: 'reauth_required',
    reasonCode: 'identity-refused',
  });
  expect(await rowsOf('user3@demo.example')).toEqual([[], [], [], [], []]);
});

test('without sub, one stored message proves a new grant of the same mailbox', async () => {
  await start(WITHOUT_SUB);
  const fetched = calls('messages.get');
  await connect(ANN, await world.control.consent(ANN));
  expect(await runDue()).not.toContainEqual(expect.objectContaining({ kind: 'reauth-required' }));
  expect(calls('messages.get') - fetched).toBeLessThanOrEqual(20);
  expect(await account()).toMatchObject({ state: 'active', identityId: expect.any(String) });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('without sub, an address given to another person is unproven: rows stay until a person decides', async () => {
  await start(WITHOUT_SUB);
  const before = await rowsOf();
  await world.control.delete(ANN);
  const newcomer = await world.control.addAccount({ email: ANN, messages: 12, calendars: 1 });
  await connect(ANN, newcomer.refreshToken);
  await runDue();
  expect(await account()).toMatchObject({
    state: 'reauth_required',
    reasonCode: 'identity-unproven',
    reason: expect.stringMatching(
      /has none of 20 stored messages; .*syncline accounts resume EMAIL --same-mailbox/,
    ),
  });
  expect(await rowsOf()).toEqual(before);
  expect(await world.store.grantChecks.vouch((await account()).id)).toBe(true);
  await world.catchUp();
  expect(await account()).toMatchObject({ state: 'active', reason: null });
});

/** Consent to these scopes alone. @returns the refresh token */
async function consentTo(email: string, scopes: string[]): Promise<string> {
  const answer = await fetch(`${world.simulator.url}/sim/accounts/${email}/consent`, {
    method: 'POST',
    body: JSON.stringify({ scopes }),
  });
  return ((await answer.json()) as { refreshToken: string }).refreshToken;
}

test.each([
  ['another person, who was given the address', true],
  ['the same person', false],
])(
  'without sub, a grant without the mail scope of %s is unproven for an account with messages: rows stay until a person decides',
  async (_, isAnother) => {
    await start(WITHOUT_SUB);
    const before = await rowsOf();
    if (isAnother) {
      await world.control.delete(ANN);
      await world.control.addAccount({ email: ANN, messages: 12, calendars: 1 });
    }
    await connect(ANN, await consentTo(ANN, ['calendar.readonly']));
    const listed = calls('events.list');
    await runDue();
    expect(await account()).toMatchObject({
      state: 'reauth_required',
      reasonCode: 'identity-unproven',
      reason: expect.stringMatching(
        /does not cover the account's mail.*accounts resume EMAIL --same-mailbox/,
      ),
    });
    expect(calls('events.list')).toBe(listed);
    expect(await rowsOf()).toEqual(before);
  },
);

test('without sub, a grant without the mail scope is accepted once a person has confirmed the mailbox', async () => {
  await start(WITHOUT_SUB);
  const before = await rowsOf();
  await connect(ANN, await consentTo(ANN, ['calendar.readonly']));
  await runDue();
  expect(await world.store.grantChecks.vouch((await account()).id)).toBe(true);
  const outcomes = await runDue();
  expect(outcomes).toContainEqual({ kind: 'caught-up', changes: 0 });
  expect(outcomes).toContainEqual(expect.objectContaining({ kind: 'parked' }));
  expect(await account()).toMatchObject({ state: 'active', reason: null });
  expect(await rowsOf()).toEqual(before);
});

test('without sub, a refusal by an administrator or the project is inconclusive about a grant', async () => {
  await start(WITHOUT_SUB);
  const before = await rowsOf();
  await world.control.fault({ kind: '403-api-disabled', method: 'messages.get', email: ANN });
  await connect(ANN, await world.control.consent(ANN));
  await runDue();
  expect(await account()).toMatchObject({ state: 'active', reason: null });
  await world.control.clearFaults();
  await world.catchUp();
  expect(await account()).toMatchObject({ state: 'active', identityId: expect.any(String) });
  expect(await rowsOf()).toEqual(before);
});

test('without sub, a grant for a mailbox with labels only is unproven: they stay until a person decides', async () => {
  await start(WITHOUT_SUB, false);
  const email = 'empty@demo.example';
  const { refreshToken } = await world.control.addAccount({ email, messages: 0 });
  await connect(email, refreshToken, ['gmail']);
  await runDue();
  const before = await rowsOf(email);
  expect(before.map((rows) => (rows as unknown[]).length > 0)).toEqual(LABELS_ALONE);
  await world.control.delete(email);
  const newcomer = await world.control.addAccount({ email, messages: 12 });
  await connect(email, newcomer.refreshToken, ['gmail']);
  await runDue();
  expect(await account(email)).toMatchObject({
    state: 'reauth_required',
    reasonCode: 'identity-unproven',
    reason: expect.stringMatching(
      /neither messages nor a primary calendar nor contacts are stored.*--same-mailbox/,
    ),
  });
  expect(await rowsOf(email)).toEqual(before);
  expect(await world.store.grantChecks.vouch((await account(email)).id)).toBe(true);
  await runDue();
  expect(await account(email)).toMatchObject({ state: 'active', reason: null });
});

test('without sub, a new grant during a first full sync that has stored labels only is accepted by its address', async () => {
  await start(WITHOUT_SUB, false);
  await world.control.fault({ kind: '503', method: 'messages.list' });
  await world.control.fault({ kind: '503', method: 'calendarList.list' });
  await runDue();
  const before = await rowsOf();
  expect(before.map((rows) => (rows as unknown[]).length > 0)).toEqual(LABELS_ALONE);
  await world.control.clearFaults();
  await connect(ANN, await world.control.consent(ANN));
  await world.catchUp();
  expect(await account()).toMatchObject({ state: 'active', reason: null });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

/** As `rowsOf` returns them: the labels, and their events in the feed. */
const LABELS_ALONE = [false, true, false, false, true];

async function eraseAll(): Promise<void> {
  for (const { id } of await world.store.accounts.list()) {
    await world.store.removal.begin(id);
    for (let done = false; !done;) ({ done } = await world.store.removal.eraseSome(id));
  }
}

test('an inconclusive answer changes nothing, and the check is repeated', async () => {
  await start(WITHOUT_SUB);
  const before = await rowsOf();
  await world.control.delete(ANN);
  const newcomer = await world.control.addAccount({ email: ANN, messages: 12, calendars: 1 });
  await world.control.fault({ kind: '503', method: 'messages.get', email: ANN });
  await connect(ANN, newcomer.refreshToken);
  const { collections } = await account();
  const { id } = collections.find(({ kind }) => kind === 'gmail')!;
  const run = (): Promise<Outcome> =>
    syncCollection(world.rt, { ...world, policy: POLICY }, id, {
      sliceMs: 5_000,
      signal: new AbortController().signal,
    });
  expect(await run()).toMatchObject({ kind: 'snoozed' });
  expect(await account()).toMatchObject({ state: 'active', reason: null });
  expect(await rowsOf()).toEqual(before);
  await world.control.clearFaults();
  expect(await run()).toMatchObject({ kind: 'reauth-required' });
  expect(await rowsOf()).toEqual(before);
});

test('for calendars without mail the primary calendar decides, and a changed address waits for a person', async () => {
  await start(['calendar.readonly'], false);
  const calendarsOnly = async (email: string, refreshToken: string): Promise<string> =>
    connect(email, refreshToken, ['calendar'], 'calendars');
  const id = await calendarsOnly(ANN, await world.control.consent(ANN));
  const state = async (): Promise<unknown> => {
    const known = (await world.store.accounts.list()).find((one) => one.id === id)!;
    return [known.state, known.reasonCode];
  };
  await runDue();
  await calendarsOnly(ANN, await world.control.consent(ANN));
  await runDue();
  expect(await state()).toEqual(['active', null]);
  const events = async (): Promise<unknown> =>
    (
      await world.database.pool.query(
        'SELECT id FROM syncline.calendar_events WHERE account_id = $1',
        [id],
      )
    ).rowCount;
  const before = await events();
  await calendarsOnly(ANN, await world.control.consent(BEN));
  await runDue();
  expect(await state()).toEqual(['reauth_required', 'identity-unproven']);
  expect(await events()).toBe(before);
  await calendarsOnly(ANN, await world.control.consent(ANN));
  await runDue();
  await world.control.rename(ANN, 'new@demo.example');
  await calendarsOnly(ANN, await world.control.consent('new@demo.example'));
  await runDue();
  expect(await state()).toEqual(['reauth_required', 'identity-unproven']);
});

test.each([['with sub'], ['without sub']])(
  'keeps a mailbox that now has another address, %s',
  async (kind) => {
    await start(kind === 'with sub' ? undefined : WITHOUT_SUB);
    await world.control.rename(ANN, 'new@demo.example');
    await connect(ANN, await world.control.consent('new@demo.example'));
    await world.catchUp();
    expect(await account()).toMatchObject({
      email: 'new@demo.example',
      aliases: [ANN],
      state: 'active',
    });
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  },
);

test.each([
  ['contains NUL', ANN.replace('@', '\0@')],
  ['is no address', 'primary'],
  ['is longer than any address', `${'x'.repeat(5_000)}@demo.example`],
  ['contains control characters', `\u001b[2J${ANN}`],
])(
  'a primary calendar whose id %s neither renames the account nor stops its sync',
  async (_, id) => {
    await start(['calendar.readonly'], false);
    await eraseAll();
    await connect(ANN, await world.control.consent(ANN), ['calendar']);
    await runDue();
    await world.control.fault({
      kind: 'altered-answer',
      item: ANN,
      method: 'calendarList.list',
      patch: { id },
    });
    await world.store.schedule.requestSync([(await account()).id], { full: true });
    expect(await runDue()).toContainEqual(expect.objectContaining({ kind: 'caught-up' }));
    expect(await account()).toMatchObject({ email: ANN, aliases: [], state: 'active' });
  },
);

test('adopts the new address of a mailbox at the next full sync with its present grant', async () => {
  await start();
  await world.control.rename(ANN, 'new@demo.example');
  await world.store.schedule.requestSync([(await account()).id], { full: true });
  await runDue();
  expect(await account('new@demo.example')).toMatchObject({ aliases: [ANN], state: 'active' });
});

test('a mailbox that gets the address of another account of its tenant waits in a named state until that one is removed', async () => {
  await start();
  const ben = (await account(BEN)).id;
  await world.control.delete(BEN);
  await world.control.rename(ANN, BEN);
  await world.store.schedule.requestSync([(await account()).id], { full: true });
  await runDue();
  expect(await account()).toMatchObject({
    state: 'disabled',
    reasonCode: 'address-taken',
    reason: expect.stringContaining('u***@demo.example'),
  });
  const before = await rowsOf();
  await world.store.removal.begin(ben);
  for (let done = false; !done;) ({ done } = await world.store.removal.eraseSome(ben));
  const { id } = await account();
  expect(await world.store.accounts.resume(id)).toBe(true);
  expect(await rowsOf()).toEqual(before);
  await world.catchUp();
  expect(await account(BEN)).toMatchObject({ id, aliases: [ANN], state: 'active' });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a run that began before another grant was imported writes nothing more', async () => {
  await start();
  const { collections } = await account();
  const { id } = collections.find(({ kind }) => kind === 'gmail')!;
  const claim = await world.store.leases.claim(id);
  if (claim.kind !== 'claimed') throw new Error('the collection is free');
  await connect(ANN, await world.control.consent(BEN));
  await expect(
    world.store.leases.finish(claim.lease, { result: 'caught-up', nextInMs: 0, error: null }),
  ).rejects.toThrow(LeaseLost);
});

test('a checked grant is not checked again, and an account without an identity gets one at its next run', async () => {
  await start(WITHOUT_SUB);
  const asked = (): number[] => ['getProfile', 'calendarList.list'].map(calls);
  const { id } = await account();
  await world.database.pool.query('UPDATE syncline.accounts SET identity_id = NULL WHERE id = $1', [
    id,
  ]);
  await world.store.schedule.requestSync([id], { resource: 'gmail' });
  await runDue();
  expect(await account()).toMatchObject({ identityId: expect.any(String), state: 'active' });
  const before = asked();
  await world.store.schedule.requestSync([id], { resource: 'gmail' });
  await runDue();
  expect(asked()).toEqual(before);
});
