import type { AccountView } from '@syncline/store';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/* What went wrong with grants elsewhere (docs/explanation/lessons.md), each as a test in its name. */

const DAY_MS = 86_400_000;
let world: World;
beforeAll(async () => {
  world = await startWorld({
    seed: 143,
    accounts: 2,
    messagesPerAccount: 12,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
    refreshTokenTtlMs: 7 * DAY_MS,
  });
  await world.catchUp();
});
afterAll(() => world.close());

const account = async (email: string): Promise<AccountView> =>
  (await world.store.accounts.list([email]))[0]!;
const messages = async (): Promise<number> =>
  Number(
    (
      await world.database.pool.query<{ count: string }>(
        'SELECT count(*) FROM syncline.gmail_messages',
      )
    ).rows[0]!.count,
  );

async function connect(email: string, refreshToken: string): Promise<string> {
  return (
    await world.store.accounts.import({
      email,
      refreshToken,
      tenant: 'default',
      resources: ['gmail', 'calendar'],
    })
  ).id;
}

test('a busy or failing token endpoint is retried and does not count as a refused grant', async () => {
  world.simulator.clock.advance(2 * 3_600_000);
  await world.control.fault({ kind: 'token-503', count: 1 });
  await world.control.fault({ kind: 'token-429', count: 1 });
  world.simulator.actAtRandom(10);
  await world.catchUp();
  expect(
    (await world.store.accounts.list()).map(({ state, reason }) => ({ state, reason })),
  ).toEqual(Array.from({ length: 2 }, () => ({ state: 'active', reason: null })));
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('connecting an account again keeps its id, cursors and rows, and changes no other account', async () => {
  const [first, second] = (await world.store.accounts.list()).map(({ email }) => email) as [
    string,
    string,
  ];
  const cursors = async (): Promise<unknown[]> =>
    (
      await world.database.pool.query(
        'SELECT id, account_id, cursor, generation FROM syncline.collections ORDER BY id',
      )
    ).rows;
  const [before, ids, kept] = [
    await cursors(),
    [(await account(first)).id, (await account(second)).id],
    await messages(),
  ];
  const known = await world.control.accounts();
  for (let n = 0; n < 3; n++)
    expect(await connect(first, known.find(({ email }) => email === first)!.refreshToken)).toBe(
      ids[0],
    );
  expect(await cursors()).toEqual(before);
  expect([(await account(first)).id, (await account(second)).id]).toEqual(ids);
  expect(await messages()).toBe(kept);
});

test('a consent to an app in testing ends after seven days with that reason, and nothing is deleted', async () => {
  const before = await messages();
  world.simulator.clock.advance(8 * DAY_MS);
  await expect(world.catchUp()).rejects.toThrow('reauth_required');
  const accounts = await world.store.accounts.list();
  expect(accounts.map(({ state }) => state)).toEqual(['reauth_required', 'reauth_required']);
  expect(accounts[0]!.reason).toContain('seven days while the OAuth app is in testing');
  expect(await messages()).toBe(before);
});
