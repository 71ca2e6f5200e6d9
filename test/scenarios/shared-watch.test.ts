import { removeAccount } from '@syncline/sync';
import { startNotificationWorld, type NotificationWorld } from '../support/notification-world.js';

/*
 * One mailbox in two tenants, with notifications. At Google the mailbox has one watch for both, so
 * `users.stop` for one tenant would end the notifications of the other. Polls are minutes apart, so
 * that what is stored within seconds was notified.
 */

let world: NotificationWorld;
let email: string;
let ids: { one: string; two: string };
beforeAll(async () => {
  world = await startNotificationWorld({
    poll: { activeMs: 600_000, idleMs: 900_000 },
    seed: 33,
    accounts: 1,
    messagesPerAccount: 6,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
  });
  const mailbox = world.simulator.accounts()[0]!;
  email = mailbox.email;
  const two = await world.store.accounts.import({
    ...mailbox,
    tenant: 'two',
    resources: ['gmail', 'calendar'],
  });
  const one = (await world.store.accounts.list()).find(({ tenant }) => tenant === 'default')!;
  ids = { one: one.id, two: two.id };
  await world.until(async () => (await watchesOn()) === 2);
});
afterAll(() => world.close());

const count = async (sql: string, values: unknown[] = []): Promise<number> =>
  Number(
    (
      await world.database.pool.query<{ n: string }>(
        `SELECT count(*) AS n FROM syncline.${sql}`,
        values,
      )
    ).rows[0]!.n,
  );
const watchesOn = (): Promise<number> =>
  count(
    "watches w JOIN syncline.collections c ON c.id = w.collection_id WHERE c.kind = 'gmail' AND w.state = 'on'",
  );
const stops = (): number => world.simulator.ledger.snapshot().methods['stop']?.calls ?? 0;
const watched = async (): Promise<string[]> =>
  (await world.watches()).gmail.map((watch) => watch.email);

/** Delivers a message and waits until these accounts have stored it. */
async function expectNotified(accountIds: readonly string[]): Promise<void> {
  const { messageId } = world.simulator.act(email, { action: 'deliver' });
  await world.until(
    async () =>
      (await count('gmail_messages WHERE id = $1 AND account_id = ANY($2::uuid[])', [
        messageId,
        accountIds,
      ])) === accountIds.length,
    5_000,
  );
}

test('a removal keeps the watch of a mailbox that another tenant has, and a push still reaches that tenant', async () => {
  await expectNotified([ids.one, ids.two]);
  await removeAccount(world.rt, world, ids.one);
  expect(stops()).toBe(0);
  expect(await watched()).toEqual([email]);
  await expectNotified([ids.two]);
  // The last account of the mailbox ends the watch.
  await removeAccount(world.rt, world, ids.two);
  expect(stops()).toBe(1);
  expect(await watched()).toEqual([]);
});
