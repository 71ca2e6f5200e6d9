import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import type { CalendarRow } from './index.js';

const TEAM: CalendarRow = {
  id: 'team',
  summary: 'Team',
  timeZone: 'UTC',
  accessRole: 'owner',
  isPrimary: false,
  resource: '{"id":"team"}',
};

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

const claimDue = (): Promise<{ id: string }[]> =>
  fixture.store.schedule.claimDue({ limit: 10, visibilityMs: 30_000 });

test('a due collection is claimed once by concurrent schedulers until its visibility time is over', async () => {
  const claims = await Promise.all([claimDue(), claimDue(), claimDue()]);
  expect(claims.flat()).toHaveLength(2);
  expect(await claimDue()).toEqual([]);
  await fixture.database.pool.query(
    "UPDATE syncline.collections SET next_sync_at = now() - interval '1 s'",
  );
  expect(await claimDue()).toHaveLength(2);
});

test('a renewal that arrives after the run was finished does not hold the collection', async () => {
  const held = await claim(fixture, fixture.accountId, 'gmail');
  await fixture.store.leases.finish(held, { result: 'more', nextInMs: 0, error: null });
  await expect(fixture.store.leases.renew(held)).rejects.toThrow('taken over');
  expect((await claim(fixture, fixture.accountId, 'gmail')).epoch).toBe(held.epoch + 1n);
});

test('a calendar that leaves the list during a run leaves no run open, so its return counts no crash', async () => {
  const list = await claim(fixture, fixture.accountId, 'calendar-list');
  const commit = (delta: { calendars: CalendarRow[]; removed: string[] }): Promise<unknown> =>
    fixture.store.leases.commitPage(list, {
      cursor: { phase: 'incremental', token: 't' },
      phase: 'incremental',
      generation: 1,
      delta: { kind: 'calendar-list', ...delta },
    });
  await commit({ calendars: [TEAM], removed: [] });
  await claim(fixture, fixture.accountId, 'calendar-events');
  await commit({ calendars: [], removed: [TEAM.id] });
  const { rows } = await fixture.database.pool.query(
    "SELECT state, open_runs, lease_until, next_sync_at > now() + interval '1000 years' AS unscheduled FROM syncline.collections WHERE external_id = $1",
    [TEAM.id],
  );
  expect(rows).toEqual([{ state: 'gone', open_runs: 0, lease_until: null, unscheduled: true }]);
  await commit({ calendars: [TEAM], removed: [] });
  expect((await claim(fixture, fixture.accountId, 'calendar-events')).crashes).toBe(0);
});

test('what a run has cost is written with its end, once, and not by a run whose lease was taken over', async () => {
  const spent = [
    { method: 'gmail.users.messages.get', calls: 2, units: 40 },
    { method: 'gmail.users.history.list', calls: 1, units: 2 },
  ];
  const ledger = async (): Promise<unknown[]> =>
    (await fixture.store.quota.today()).map(({ method, calls, units }) => ({
      method,
      calls,
      units,
    }));
  const first = await claim(fixture, fixture.accountId, 'gmail');
  await fixture.store.leases.finish(first, { result: 'more', nextInMs: 0, error: null, spent });
  expect(await ledger()).toEqual([
    { method: 'gmail.users.history.list', calls: 1, units: 2 },
    { method: 'gmail.users.messages.get', calls: 2, units: 40 },
  ]);
  const second = await claim(fixture, fixture.accountId, 'gmail');
  await expect(
    fixture.store.leases.finish(first, { result: 'more', nextInMs: 0, error: null, spent }),
  ).rejects.toThrow('taken over');
  await fixture.store.leases.finish(second, {
    result: 'caught-up',
    nextInMs: 0,
    error: null,
    spent,
  });
  await fixture.store.quota.record(fixture.accountId, spent.slice(1));
  expect(await ledger()).toEqual([
    { method: 'gmail.users.history.list', calls: 3, units: 6 },
    { method: 'gmail.users.messages.get', calls: 4, units: 80 },
  ]);
});

test('a lease is exclusive until it runs out, and a takeover raises the epoch', async () => {
  const first = await claim(fixture, fixture.accountId, 'gmail');
  expect(await fixture.store.leases.claim(first.collectionId)).toMatchObject({ kind: 'busy' });
  await fixture.database.pool.query(
    "UPDATE syncline.collections SET lease_until = now() - interval '1 ms' WHERE id = $1",
    [first.collectionId],
  );
  const second = await claim(fixture, fixture.accountId, 'gmail');
  expect(second.epoch).toBe(first.epoch + 1n);
});

test('a request that comes during a run makes the collection due again at once; one before the run is answered by it', async () => {
  await fixture.store.schedule.requestSync([fixture.accountId], { resource: 'gmail' });
  const held = await claim(fixture, fixture.accountId, 'gmail');
  expect(
    await fixture.store.leases.finish(held, { result: 'caught-up', nextInMs: 60_000, error: null }),
  ).toEqual({ requestedAgain: false });
  const again = await claim(fixture, fixture.accountId, 'gmail');
  const since = await fixture.store.schedule.requestSync([fixture.accountId], {
    resource: 'gmail',
  });
  expect(
    await fixture.store.leases.finish(again, {
      result: 'caught-up',
      nextInMs: 60_000,
      error: null,
    }),
  ).toEqual({ requestedAgain: true });
  expect(
    (await fixture.store.schedule.behindSince([fixture.accountId], since)).map((c) => c.kind),
  ).toContain('gmail');
  expect((await claimDue()).map((due) => due.id)).toContain(held.collectionId);
});

test('a run that is caught up ends what the collection was parked for, whether it wrote a page or not', async () => {
  const parked = async (): Promise<unknown> =>
    (
      await fixture.database.pool.query(
        "SELECT parked, error FROM syncline.collections WHERE kind = 'gmail'",
      )
    ).rows[0];
  await fixture.store.leases.park(await claim(fixture, fixture.accountId, 'gmail'), {
    cause: 'scope',
    reason: 'the grant lacks a scope',
    nextInMs: 0,
  });
  await fixture.store.leases.finish(await claim(fixture, fixture.accountId, 'gmail'), {
    result: 'more',
    nextInMs: 0,
    error: null,
  });
  expect(await parked()).toMatchObject({ parked: 'scope' });
  await fixture.store.leases.finish(await claim(fixture, fixture.accountId, 'gmail'), {
    result: 'caught-up',
    nextInMs: 0,
    error: null,
  });
  expect(await parked()).toEqual({ parked: null, error: null });
});

const refused = (reason: string) =>
  ({ reason, code: 'grant-refused', probeInMs: 3_600_000 }) as const;

test('an account that needs a new grant is off the schedule, keeps everything, and comes back with a new token', async () => {
  const held = await claim(fixture, fixture.accountId, 'gmail');
  await fixture.store.leases.requireReauth(held, refused('Google no longer accepts the grant'));
  expect(await claimDue()).toEqual([]);
  expect(await fixture.store.leases.claim(held.collectionId)).toEqual({
    kind: 'idle',
    why: 'account not active',
  });
  const [account] = await fixture.store.accounts.list(['ada@example.com']);
  expect(account).toMatchObject({
    state: 'reauth_required',
    reason: 'Google no longer accepts the grant',
  });
  await fixture.store.accounts.import({
    email: 'ada@example.com',
    refreshToken: '1//new',
    tenant: 'default',
  });
  expect((await fixture.store.accounts.list())[0]).toMatchObject({ state: 'active', reason: null });
  expect(await claimDue()).toHaveLength(2);
  expect(await fixture.store.vault.grant(fixture.accountId)).toMatchObject({
    refreshToken: '1//new',
  });
});

test('a refusal under a lost lease does not stop an account whose grant was renewed', async () => {
  const zombie = await claim(fixture, fixture.accountId, 'gmail');
  await fixture.database.pool.query('UPDATE syncline.collections SET lease_until = NULL');
  await claim(fixture, fixture.accountId, 'gmail');
  await fixture.store.leases.requireReauth(zombie, refused('late refusal'));
  expect((await fixture.store.accounts.list())[0]).toMatchObject({ state: 'active' });
});

test('importing is idempotent by tenant and email, and keeps tenants apart', async () => {
  const same = await fixture.store.accounts.import({
    email: 'ada@example.com',
    refreshToken: '1//x',
    tenant: 'default',
  });
  const other = await fixture.store.accounts.import({
    email: 'ada@example.com',
    refreshToken: '1//y',
    tenant: 'other',
    resources: ['gmail'],
  });
  expect(same).toEqual({ id: fixture.accountId, created: false });
  expect(other.created).toBe(true);
  expect(
    (await fixture.store.accounts.list(['ada@example.com'])).map((account) => [
      account.tenant,
      account.collections.length,
    ]),
  ).toEqual([
    ['default', 2],
    ['other', 1],
  ]);
});
