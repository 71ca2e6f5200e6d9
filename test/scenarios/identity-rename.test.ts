import { NO_DRIFT } from '../support/drift.js';
import { startNotificationWorld, type NotificationWorld } from '../support/notification-world.js';

/*
 * A person gets another primary address while notifications are on. Polls are minutes apart: what
 * is seen within seconds was notified.
 */

let world: NotificationWorld;
beforeEach(async () => {
  world = await startNotificationWorld({
    poll: { activeMs: 600_000, idleMs: 900_000 },
    seed: 53,
    accounts: 1,
    messagesPerAccount: 15,
    calendarsPerAccount: 1,
    eventsPerCalendar: 4,
  });
  await world.until(async () => (await count("watches WHERE state <> 'requested'")) === 4);
});
afterEach(() => world.close());

const count = async (sql: string, values: unknown[] = []): Promise<number> =>
  Number(
    (
      await world.database.pool.query<{ n: string }>(
        `SELECT count(*) AS n FROM syncline.${sql}`,
        values,
      )
    ).rows[0]!.n,
  );

test('pushes under a new primary address notify the mailbox, whose account and watch have taken it over', async () => {
  const before = world.simulator.accounts()[0]!.email;
  await fetch(`${world.simulator.url}/sim/accounts/${before}/rename`, {
    method: 'POST',
    body: JSON.stringify({ email: 'new.name@demo.example' }),
  });
  await world.until(
    async () => (await count("watches WHERE address = 'new.name@demo.example'")) === 1,
  );
  expect((await world.store.accounts.list([before]))[0]).toMatchObject({
    email: 'new.name@demo.example',
    aliases: [before],
    state: 'active',
  });
  const { messageId } = world.simulator.act('new.name@demo.example', { action: 'deliver' });
  await world.until(async () => (await count('gmail_messages WHERE id = $1', [messageId])) === 1);
  await world.until(async () => {
    const { missing, extra, stale } = await world.drift();
    return missing.length + extra.length + stale.length === 0;
  });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
}, 120_000);
