import { GoogleError } from '@syncline/google';
import { LeaseLost, type Store } from '@syncline/store';
import { ACCOUNT_TABLES } from '../../packages/store/src/account-tables.js';
import { finishRemovals, removeAccount, syncCollection } from '@syncline/sync';
import { rowsOfAccount } from '../support/account-rows.js';
import { claim } from '../support/database.js';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

const TABLE_NAMES = ACCOUNT_TABLES.map(({ name }) => name);

const RUN = { sliceMs: 60_000, signal: new AbortController().signal };
const POLICY = { activeMs: 60_000, idleMs: 900_000 };
let world: World;
let accountId: string;
beforeEach(async () => {
  world = await startWorld({
    seed: 71,
    accounts: 2,
    messagesPerAccount: 60,
    calendarsPerAccount: 1,
    eventsPerCalendar: 10,
    latencyMs: 5,
  });
  accountId = (await world.store.accounts.list())[0]!.id;
});
afterEach(() => world.close());

const rowsLeft = (): Promise<Record<string, number>> =>
  rowsOfAccount(world.database.pool, accountId);

test('remove revokes the grant and erases every row of one account, and the address can be connected again', async () => {
  await world.catchUp();
  const before = await rowsLeft();
  expect(Object.keys(before)).toEqual(
    expect.arrayContaining([
      'gmail_messages',
      'calendar_events',
      'changes',
      'credentials',
      'accounts',
    ]),
  );
  const steps: string[] = [];
  await removeAccount(world.rt, world, accountId, ({ step }) => steps.push(step));
  expect(steps).toEqual(expect.arrayContaining(['revoked', 'erased']));
  expect(await rowsLeft()).toEqual({});
  expect((await world.control.ledger()).callsAfterRevoke).toBe(0);
  expect(await world.store.accounts.list()).toHaveLength(1);
  const [first] = await world.control.accounts();
  const again = await world.store.accounts.import({
    email: first!.email,
    refreshToken: await world.control.consent(first!.email),
    tenant: 'default',
    resources: ['gmail', 'calendar'],
  });
  expect(again).toMatchObject({ created: true });
  expect(again.id).not.toBe(accountId);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

const STEPS = ['begin', 'leasesEndInMs', 'eraseSome'] as const;
test.each([
  ...STEPS.map((step) => [step, 1] as const),
  ...TABLE_NAMES.slice(0, 6).map((_table, n) => ['eraseSome', n + 2] as const),
])('a removal killed after %s (call %i) is finished by the next process', async (step, nth) => {
  await world.catchUp();
  let calls = 0;
  const dying: Store['removal'] = {
    ...world.store.removal,
    [step]: async (id: string) => {
      const result: unknown = await (
        world.store.removal[step] as (accountId: string) => Promise<unknown>
      )(id);
      if (++calls === nth) throw new Error('killed');
      return result;
    },
  };
  await expect(
    removeAccount(
      world.rt,
      { google: world.google, store: { ...world.store, removal: dying } },
      accountId,
    ),
  ).rejects.toThrow('killed');
  const [known] = await world.control.accounts();
  await expect(
    world.store.accounts.import({
      email: known!.email,
      refreshToken: known!.refreshToken,
      tenant: 'default',
      resources: ['gmail'],
    }),
  ).rejects.toThrow('being removed');
  expect(
    (await world.store.schedule.claimDue({ limit: 50, visibilityMs: 1_000 })).length,
  ).toBeLessThanOrEqual(3);
  expect(await finishRemovals(world.rt, world, 0)).toBe(1);
  expect(await rowsLeft()).toEqual({});
  expect((await world.control.ledger()).callsAfterRevoke).toBe(0);
});

test('while Google cannot be reached to revoke, the removal waits with its reason, and continues by itself', async () => {
  await world.catchUp();
  const refusing = { ...world.google, revoke: () => Promise.reject(delivery()) };
  expect(await finishRemovals(world.rt, { store: world.store, google: refusing }, 0)).toBe(0);
  await expect(
    removeAccount(world.rt, { store: world.store, google: refusing }, accountId),
  ).rejects.toThrow('no usable answer');
  expect(await finishRemovals(world.rt, { store: world.store, google: refusing }, 0)).toBe(0);
  const stuck = (await world.store.accounts.list()).find(({ id }) => id === accountId);
  expect(stuck).toMatchObject({
    state: 'removing',
    reason: expect.stringContaining('trying again'),
  });
  expect(await finishRemovals(world.rt, world, 0)).toBe(1);
  expect(await rowsLeft()).toEqual({});
});

test('a run whose account is removed writes nothing more and makes no call after the revocation', async () => {
  const { rows } = await world.database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE account_id = $1 AND kind = 'gmail'",
    [accountId],
  );
  await world.control.fault({ kind: 'latency', ms: 300, method: 'messages.get' });
  const running = syncCollection(world.rt, { ...world, policy: POLICY }, rows[0]!.id, RUN);
  await until(
    async () =>
      Number(
        (
          await world.database.pool.query(
            'SELECT count(*) AS n FROM syncline.gmail_messages WHERE account_id = $1',
            [accountId],
          )
        ).rows[0]!.n,
      ) > 0,
  );
  await removeAccount(world.rt, world, accountId);
  expect(await running).toMatchObject({ kind: expect.stringMatching(/^(busy|gone)$/) });
  expect(await rowsLeft()).toEqual({});
  expect((await world.control.ledger()).callsAfterRevoke).toBe(0);
});

test('S13: a commit under an old lease restores no row', async () => {
  const lease = await claim(world, accountId, 'gmail');
  await world.store.removal.begin(accountId);
  await world.database.pool.query(
    'UPDATE syncline.collections SET lease_until = NULL WHERE account_id = $1',
    [accountId],
  );
  await removeAccount(world.rt, world, accountId);
  const commit = {
    cursor: { phase: 'pending' },
    phase: 'pending' as const,
    generation: 1,
    delta: { kind: 'none' as const },
  };
  await expect(world.store.leases.commitPage(lease, commit)).rejects.toThrow(LeaseLost);
  await world.store.quota.record(accountId, [
    { method: 'gmail.users.messages.get', calls: 1, units: 20 },
  ]);
  expect(await rowsLeft()).toEqual({});
});

test('pause stops a run at its next commit and all new work; resume continues from the same cursor', async () => {
  const { rows } = await world.database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE account_id = $1 AND kind = 'gmail'",
    [accountId],
  );
  await world.control.fault({ kind: 'latency', ms: 200, method: 'messages.get' });
  const running = syncCollection(world.rt, { ...world, policy: POLICY }, rows[0]!.id, RUN);
  await until(
    async () =>
      Number(
        (
          await world.database.pool.query(
            'SELECT count(*) AS n FROM syncline.gmail_messages WHERE account_id = $1',
            [accountId],
          )
        ).rows[0]!.n,
      ) > 0,
  );
  const began = performance.now();
  expect(await world.store.accounts.pause(accountId)).toBe(true);
  expect(await running).toMatchObject({ kind: 'busy' });
  expect(performance.now() - began).toBeLessThan(2_500);
  expect(await world.store.leases.claim(rows[0]!.id)).toEqual({
    kind: 'idle',
    why: 'account not active',
  });
  const paused = (await world.store.accounts.list()).find(({ id }) => id === accountId);
  expect(paused).toMatchObject({ state: 'paused', reason: 'paused by the operator' });
  expect(await world.store.accounts.resume(accountId)).toBe(true);
  await world.control.clearFaults();
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

function delivery(): Error {
  return new GoogleError('oauth2.revoke', { kind: 'unavailable', retryAfterMs: null });
}

async function until(met: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 30_000; !(await met());) {
    if (performance.now() > deadline) throw new Error('it did not come to that within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
