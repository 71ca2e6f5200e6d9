import { accountDocument } from '@syncline/control/accounts';
import { explanationWords } from '@syncline/control/status';
import { explain } from '../../packages/control/src/status/explain.js';
import type { AccountView } from '@syncline/store';
import { syncCollection, type Outcome } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/*
 * What Google refuses for good, in Google's own words: the simulator's bodies through the real client, the state that they lead to, what
 * `accounts list` and `why` say of it, and that the account continues by itself when the cause has passed. One world, an account for each refusal.
 */

const POLICY = { activeMs: 60_000, idleMs: 900_000 };
const VARIANTS = ['expired-or-revoked', 'bad-request', 'account-deleted', 'invalid-rapt'] as const;
let world: World;
let emails: string[];
beforeAll(async () => {
  world = await startWorld({
    seed: 64,
    accounts: 8,
    messagesPerAccount: 4,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
  });
  emails = (await world.control.accounts()).map(({ email }) => email);
});
afterAll(() => world.close());

const accountOf = async (email: string): Promise<AccountView> =>
  (await world.store.accounts.list([email]))[0]!;
const truth = async (sql: string): Promise<unknown[]> =>
  (await world.database.pool.query(sql)).rows;

async function runDue(): Promise<void> {
  for (;;) {
    const due = await world.store.schedule.claimDue({ limit: 20, visibilityMs: 600_000 });
    if (due.length === 0) return;
    for (const { id } of due) {
      let outcome: Outcome = { kind: 'more', full: true };
      while (outcome.kind === 'more')
        outcome = await syncCollection(world.rt, { ...world, policy: POLICY }, id, {
          sliceMs: 5_000,
          signal: new AbortController().signal,
        });
    }
  }
}

async function scopes(email: string, names: string[]): Promise<void> {
  const answer = await fetch(`${world.simulator.url}/sim/accounts/${email}/scopes`, {
    method: 'POST',
    body: JSON.stringify({ scopes: names }),
  });
  expect(answer.ok).toBe(true);
}

/** Time passes: what rests is looked at again. */
function delayIsOver(): Promise<unknown> {
  return world.database.pool.query(
    "UPDATE syncline.collections SET next_sync_at = now() WHERE state = 'active' AND parked IS NOT NULL",
  );
}

test('a refused scope, API, mailbox or policy parks the mailbox with the reason until it passes, and calendars continue', async () => {
  const [scope, project, mailbox, policy] = emails as [string, string, string, string];
  await scopes(scope, ['openid', 'userinfo.email', 'calendar.readonly']);
  await world.control.fault({ kind: '403-api-disabled', email: project, method: 'getProfile' });
  await world.control.fault({ kind: '400-mail-not-enabled', email: mailbox, method: 'getProfile' });
  await world.control.fault({ kind: '403-domain-policy', email: policy, method: 'getProfile' });
  await runDue();
  const expected = [
    [scope, 'scope', 'the grant does not cover Gmail'],
    [project, 'project', 'https://console.cloud.google.com'],
    [mailbox, 'no-mailbox', 'no mailbox'],
    [policy, 'policy', 'administrator'],
  ] as const;
  for (const [email, parked, words] of expected) {
    const account = await accountOf(email);
    const gmail = account.collections.find(({ kind }) => kind === 'gmail')!;
    expect({ email, state: account.state, parked: gmail.parked }).toEqual({
      email,
      state: 'active',
      parked,
    });
    const nowMs = world.rt.clock.nowMs();
    expect(explanationWords(explain(account, gmail, nowMs), nowMs)).toMatch(
      new RegExp(`^parked: .*${words.replaceAll('.', '\\.')}.*; tried again in`),
    );
    expect(JSON.stringify(accountDocument(account, world.rt.clock.nowMs()))).toContain(
      `"parked":"${parked}"`,
    );
    expect(
      account.collections.filter(
        ({ kind, phase, error }) => kind !== 'gmail' && (phase !== 'incremental' || error !== null),
      ),
    ).toEqual([]);
  }
  await scopes(scope, ['openid', 'userinfo.email', 'gmail.readonly', 'calendar.readonly']);
  await world.control.clearFaults();
  await delayIsOver();
  await runDue();
  expect(
    await truth('SELECT 1 FROM syncline.collections WHERE parked IS NOT NULL OR error IS NOT NULL'),
  ).toEqual([]);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('every invalid_grant stops its account with the reason and keeps its rows; a new token continues from the same cursors', async () => {
  await world.catchUp();
  const refused = emails.slice(4);
  const rows =
    'SELECT (SELECT count(*) FROM syncline.gmail_messages) AS messages, (SELECT count(*) FROM syncline.calendar_events) AS events, (SELECT json_agg(generation ORDER BY id) FROM syncline.collections) AS generations';
  const before = await truth(rows);
  for (const [i, email] of refused.entries())
    await world.control.fault({ kind: 'revoke-grant', email, variant: VARIANTS[i] });
  await world.store.schedule.requestSync(null);
  await runDue();
  for (const [i, email] of refused.entries()) {
    const account = await accountOf(email);
    expect(account).toMatchObject({
      state: 'reauth_required',
      reason: expect.stringMatching(
        VARIANTS[i] === 'invalid-rapt'
          ? /^invalid_grant.*wants the person to sign in again; import a new refresh token/
          : /^invalid_grant.*import a new refresh token/,
      ),
    });
    expect(account.collections.map(({ nextSyncAt }) => nextSyncAt)).toEqual(
      account.collections.map(() => null),
    );
    expect(JSON.stringify(accountDocument(account, 0))).toContain(
      '"state":"reauth_required","reason":"invalid_grant',
    );
  }
  const calls = (await world.control.ledger()).methods;
  await world.store.schedule.requestSync(null, { full: false });
  await world.database.pool.query(
    "UPDATE syncline.collections SET next_sync_at = now() FROM syncline.accounts a WHERE a.id = account_id AND a.state <> 'active'",
  );
  await runDue();
  const { methods, callsAfterInvalidGrant } = await world.control.ledger();
  expect(callsAfterInvalidGrant).toBe(0);
  // Only the four working accounts were requested.
  expect(methods['history.list']!.calls - calls['history.list']!.calls).toBe(4);
  expect(await truth(rows)).toEqual(before);
  await world.control.act(40);
  for (const email of refused)
    await world.store.accounts.import({
      email,
      refreshToken: await world.control.consent(email),
      tenant: 'default',
      resources: ['gmail', 'calendar'],
    });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(
    (
      await truth(
        'SELECT json_agg(generation ORDER BY id) AS generations FROM syncline.collections',
      )
    )[0],
  ).toEqual({ generations: (before[0] as { generations: number[] }).generations });
});
