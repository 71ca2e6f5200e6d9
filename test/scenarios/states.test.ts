import type { GoogleErrorKind } from '@syncline/google';
import type { AccountView } from '@syncline/store';
import { syncCollection, type Outcome } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { refusingGoogle, type Refusal } from '../support/refusing-google.js';
import { startWorld, type World } from '../support/world.js';

/*
 * Every account is fresh, or in a named state with its reason: one test walks each way into a state and out of it again.
 */

const POLICY = { activeMs: 60_000, idleMs: 900_000 };
let world: World;
beforeEach(async () => {
  world = await startWorld({
    seed: 61,
    accounts: 1,
    messagesPerAccount: 20,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
  });
});
afterEach(() => world.close());

const forbidden = (reason: string): GoogleErrorKind => ({ kind: 'forbidden', reason });
const account = async (): Promise<AccountView> => (await world.store.accounts.list())[0]!;
const mailbox = async (): Promise<AccountView['collections'][number]> =>
  (await account()).collections.find(({ kind }) => kind === 'gmail')!;

/** One run of everything that is due, and of what becomes due by it. */
async function runDue(refusal: Refusal): Promise<{ outcomes: Outcome[]; asked: string[] }> {
  const google = refusingGoogle(world.google, refusal);
  const outcomes: Outcome[] = [];
  for (;;) {
    const due = await world.store.schedule.claimDue({ limit: 20, visibilityMs: 60_000 });
    if (due.length === 0) return { outcomes, asked: google.asked };
    for (const { id } of due) {
      let outcome: Outcome = { kind: 'more', full: true };
      while (outcome.kind === 'more')
        outcome = await syncCollection(
          world.rt,
          { store: world.store, google, policy: POLICY },
          id,
          { sliceMs: 5_000, signal: new AbortController().signal },
        );
      outcomes.push(outcome);
    }
  }
}

async function importAgain(refreshToken?: string): Promise<void> {
  const [known] = await world.control.accounts();
  await world.store.accounts.import({
    email: known!.email,
    refreshToken: refreshToken ?? known!.refreshToken,
    tenant: 'default',
    resources: ['gmail', 'calendar'],
  });
}

/** No collection may rest without a reason or a date. */
async function expectNothingIdle(): Promise<void> {
  const { state, reason, collections } = await account();
  const explained = (c: AccountView['collections'][number]): boolean => {
    if (state !== 'active') return reason !== null;
    if (c.state !== 'active') return c.error !== null;
    return c.nextSyncAt !== null && (c.parked === null || c.error !== null);
  };
  expect(collections.filter((c) => !explained(c))).toEqual([]);
}

test.each([
  ['scope', 'insufficientPermissions', 'the grant does not cover Gmail'],
  ['project', 'accessNotConfigured', 'https://console.cloud.google.com'],
  ['no-mailbox', 'mailServiceNotEnabled', 'no mailbox'],
  ['policy', 'domainPolicy', 'administrator'],
  ['forbidden', 'delegationDenied', 'does not let this account read Gmail'],
])(
  '%s: the mailbox is parked with its reason until a new token, and calendars continue',
  async (cause, reason, words) => {
    const { outcomes } = await runDue((_account, api) =>
      api === 'gmail' ? forbidden(reason) : null,
    );
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual([
      'caught-up',
      'caught-up',
      'caught-up',
      'parked',
    ]);
    expect(await account()).toMatchObject({ state: 'active' });
    expect(await mailbox()).toMatchObject({
      parked: cause,
      error: expect.stringContaining(words),
      phase: 'pending',
    });
    await expectNothingIdle();
    expect((await mailbox()).nextSyncAt!.getTime()).toBeGreaterThan(
      world.rt.clock.nowMs() + 50_000,
    );
    expect((await runDue(() => null)).asked).toEqual([]);
    await importAgain();
    await runDue(() => null);
    expect(await mailbox()).toMatchObject({ parked: null, error: null, phase: 'incremental' });
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  },
);

test('a missing scope for calendars does not affect the mailbox', async () => {
  await runDue((_account, api) =>
    api === 'calendar' ? forbidden('insufficientPermissions') : null,
  );
  const { collections, state } = await account();
  expect(state).toBe('active');
  expect(collections.map(({ kind, parked, phase }) => [kind, parked, phase])).toEqual([
    ['gmail', null, 'incremental'],
    ['calendar-list', 'scope', 'pending'],
  ]);
});

test('a policy against both resources disables the account and ends its calls, and resume tries again', async () => {
  await runDue(() => forbidden('domainPolicy'));
  expect(await account()).toMatchObject({
    state: 'disabled',
    reason: expect.stringContaining('administrator'),
  });
  expect((await runDue(() => null)).asked).toEqual([]);
  await expectNothingIdle();
  await importAgain();
  await world.catchUp();
  expect(await account()).toMatchObject({ state: 'active', reason: null });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a refused grant ends the calls and deletes nothing, and a new consent continues from the same cursors', async () => {
  await world.catchUp();
  const [known] = await world.control.accounts();
  await world.control.fault({ kind: 'revoke-grant', email: known!.email });
  await world.store.schedule.requestSync(null);
  await runDue(() => null);
  expect(await account()).toMatchObject({
    state: 'reauth_required',
    reason: expect.stringContaining('import a new refresh token'),
  });
  expect((await runDue(() => null)).asked).toEqual([]);
  await expectNothingIdle();
  const generations = (
    await world.database.pool.query('SELECT generation FROM syncline.collections ORDER BY id')
  ).rows;
  await world.control.act(20);
  await importAgain(await world.control.consent(known!.email));
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(
    (await world.database.pool.query('SELECT generation FROM syncline.collections ORDER BY id'))
      .rows,
  ).toEqual(generations);
});

test('a sync position that keeps expiring causes a bounded number of full syncs a day, then parks the collection', async () => {
  let histories = 0;
  const expiring: Refusal = (_account, _api, method) =>
    method === 'history' && ++histories > 0 ? { kind: 'sync-position-expired' } : null;
  const { outcomes } = await runDue(expiring);
  expect(outcomes.filter(({ kind }) => kind === 'parked')).toHaveLength(1);
  expect(await mailbox()).toMatchObject({
    parked: 'position-expires',
    error: expect.stringContaining('6 times within a day'),
  });
  const { generation } = (
    await world.database.pool.query(
      "SELECT generation FROM syncline.collections WHERE kind = 'gmail'",
    )
  ).rows[0] as { generation: number };
  // The first walk and six more.
  expect(generation).toBeLessThanOrEqual(7);
  expect((await mailbox()).nextSyncAt!.getTime()).toBeGreaterThan(
    world.rt.clock.nowMs() + 5 * 3_600_000,
  );
  expect(
    (await world.database.pool.query('SELECT count(*) FROM syncline.gmail_messages')).rows,
  ).toEqual([{ count: '20' }]);
});
