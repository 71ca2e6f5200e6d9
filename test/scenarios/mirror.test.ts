import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
afterEach(() => world.close());

const calls = async (method: string): Promise<number> =>
  Number(
    (
      (
        await world.database.pool.query(
          'SELECT coalesce(sum(calls), 0) AS calls FROM syncline.quota_ledger WHERE method = $1',
          [method],
        )
      ).rows[0] as { calls: string }
    ).calls,
  );
const gets = (): Promise<number> => calls('gmail.users.messages.get');

/** Calls by the book: a thread of three or more at once, every other message alone. */
async function leastCalls(): Promise<{ threads: number; messages: number }> {
  const sizes = new Map<unknown, number>();
  for (const message of await world.control.truth(
    (await world.control.accounts())[0]!.email,
    'gmail',
  ))
    sizes.set(message['threadId'], (sizes.get(message['threadId']) ?? 0) + 1);
  const long = [...sizes.values()].filter((size) => size >= 3);
  return { threads: long.length, messages: 150 - long.reduce((sum, size) => sum + size, 0) };
}

test('a full sync of mail and calendars equals the source, and so does the mirror after every change', async () => {
  world = await startWorld({
    seed: 11,
    accounts: 3,
    messagesPerAccount: 120,
    calendarsPerAccount: 2,
    eventsPerCalendar: 40,
  });
  await world.catchUp();
  const first = await world.drift();
  expect(first).toMatchObject(NO_DRIFT);
  expect(first.checked.messages).toBeGreaterThanOrEqual(360);
  expect(first.checked.events).toBeGreaterThan(100);
  for (let round = 0; round < 3; round++) {
    await world.control.act(60);
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  }
});

test('changes by users who act during the full sync are applied from the pinned sync position', async () => {
  world = await startWorld({
    seed: 12,
    accounts: 2,
    messagesPerAccount: 300,
    calendarsPerAccount: 2,
    eventsPerCalendar: 30,
    latencyMs: 5,
  });
  await world.control.rate(40);
  await world.catchUp({ sliceMs: 100 });
  await world.control.rate(0);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a run that ends after every page resumes from the last commit', async () => {
  world = await startWorld({
    seed: 13,
    accounts: 1,
    messagesPerAccount: 150,
    calendarsPerAccount: 2,
    eventsPerCalendar: 30,
  });
  let runs = 0;
  await world.catchUp({ sliceMs: 0, onOutcome: () => void runs++ });
  expect(runs).toBeGreaterThan(10);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect({ threads: await calls('gmail.users.threads.get'), messages: await gets() }).toEqual(
    await leastCalls(),
  );
});

test('an incremental sync without changes writes no page, and later changes are applied', async () => {
  world = await startWorld({
    seed: 19,
    accounts: 1,
    messagesPerAccount: 20,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
  });
  await world.catchUp();
  const commits = jest.spyOn(world.store.leases, 'commitPage');
  const pages = (): number => commits.mock.calls.filter(([lease]) => lease.kind === 'gmail').length;
  await world.catchUp();
  expect(pages()).toBe(0);
  await world.control.actAs((await world.control.accounts())[0]!.email, { action: 'trash' });
  await world.catchUp();
  expect(pages()).toBeGreaterThan(0);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('label changes fetch no message', async () => {
  world = await startWorld({
    seed: 14,
    accounts: 1,
    messagesPerAccount: 50,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
  });
  await world.catchUp();
  const before = await gets();
  const [account] = await world.control.accounts();
  for (let i = 0; i < 20; i++)
    await world.control.actAs(account!.email, { action: i % 2 ? 'label' : 'unlabel' });
  await world.control.actAs(account!.email, { action: 'trash' });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await gets()).toBe(before);
});

test('an expired history begins a new generation, and every row stays readable', async () => {
  world = await startWorld({
    seed: 15,
    accounts: 1,
    messagesPerAccount: 100,
    calendarsPerAccount: 1,
    eventsPerCalendar: 20,
  });
  await world.catchUp();
  const [account] = await world.control.accounts();
  for (const action of ['delete', 'delete', 'deliver', 'trash'])
    await world.control.actAs(account!.email, { action });
  await world.control.fault({ kind: 'expire-history' });
  const counts: number[] = [];
  await world.catchUp({
    sliceMs: 0,
    onOutcome: () =>
      void world.database.pool
        .query('SELECT count(*) FROM syncline.gmail_messages')
        .then((r: { rows: { count: string }[] }) => counts.push(Number(r.rows[0]!.count))),
  });
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(99);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const generation = await world.database.pool.query(
    "SELECT generation, phase FROM syncline.collections WHERE kind = 'gmail'",
  );
  expect(generation.rows).toEqual([{ generation: 2, phase: 'incremental' }]);
});

test('an invalid sync token leads to a full sync that sweeps what was deleted meanwhile', async () => {
  world = await startWorld({
    seed: 16,
    accounts: 1,
    messagesPerAccount: 10,
    calendarsPerAccount: 2,
    eventsPerCalendar: 40,
  });
  await world.catchUp();
  const [account] = await world.control.accounts();
  for (let i = 0; i < 6; i++)
    await world.control.actAs(account!.email, {
      action: i % 2 ? 'event-delete' : 'event-cancel-instance',
    });
  await world.control.fault({ kind: 'invalid-sync-token' });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a refused grant stops the account with the reason, keeps its rows, and no call is made after it', async () => {
  world = await startWorld({
    seed: 17,
    accounts: 2,
    messagesPerAccount: 30,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
  });
  await world.catchUp();
  const [revoked] = await world.control.accounts();
  await world.control.fault({ kind: 'revoke-grant', email: revoked!.email });
  await expect(world.catchUp()).rejects.toThrow('reauth_required');
  const accounts = await world.store.accounts.list([revoked!.email]);
  expect(accounts[0]).toMatchObject({
    state: 'reauth_required',
    reason: expect.stringContaining('invalid_grant'),
  });
  const kept = await world.database.pool.query(
    'SELECT count(*) FROM syncline.gmail_messages WHERE account_id = $1',
    [accounts[0]!.id],
  );
  expect(kept.rows[0]).toEqual({ count: '30' });
  expect(await world.store.schedule.claimDue({ limit: 10, visibilityMs: 1 })).toEqual([]);
});
