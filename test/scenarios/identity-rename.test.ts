import { NO_DRIFT } from '../support/drift.js';
import { startNotificationWorld, type NotificationWorld } from '../support/notification-world.js';

/*
 * A person gets another primary address while notifications are on.
 */

let world: NotificationWorld;
async function start(
  pollMs: { activeMs: number; idleMs: number },
  resources: ('gmail' | 'calendar')[],
): Promise<void> {
  world = await startNotificationWorld({
    poll: pollMs,
    resources,
    seed: 53,
    accounts: 1,
    messagesPerAccount: 15,
    calendarsPerAccount: 1,
    eventsPerCalendar: 4,
  });
}
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

/** @returns the address before */
async function rename(): Promise<string> {
  const before = world.simulator.accounts()[0]!.email;
  await fetch(`${world.simulator.url}/sim/accounts/${before}/rename`, {
    method: 'POST',
    body: JSON.stringify({ email: 'new.name@demo.example' }),
  });
  return before;
}

async function deliveredIsMirrored(): Promise<void> {
  const { messageId } = world.simulator.act('new.name@demo.example', { action: 'deliver' });
  await world.until(async () => (await count('gmail_messages WHERE id = $1', [messageId])) === 1);
}

const isNewAddressWatched = async (): Promise<boolean> =>
  (await count("watches WHERE address = 'new.name@demo.example'")) === 1;

test('pushes under a new primary address notify the mailbox, whose account and watch have adopted it', async () => {
  // Polls are minutes apart: what is seen within seconds was notified.
  await start({ activeMs: 600_000, idleMs: 900_000 }, ['gmail', 'calendar']);
  await world.until(async () => (await count("watches WHERE state <> 'requested'")) === 4);
  const before = await rename();
  await world.until(isNewAddressWatched);
  expect((await world.store.accounts.list([before]))[0]).toMatchObject({
    email: 'new.name@demo.example',
    aliases: [before],
    state: 'active',
  });
  await deliveredIsMirrored();
  await world.until(async () => {
    const { missing, extra, stale } = await world.drift();
    return missing.length + extra.length + stale.length === 0;
  });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
}, 120_000);

test('without calendars, a new primary address is known within ten seconds of the first poll that finds a change without a notification', async () => {
  const POLL_MS = 3_000;
  await start({ activeMs: POLL_MS, idleMs: POLL_MS }, ['gmail']);
  await world.until(async () => (await count("watches WHERE state = 'on'")) === 1);
  const before = await rename();
  // Before the notification: a run between the two would find silence on a watch that is too new.
  await world.database.pool.query(
    "UPDATE syncline.watches SET watched_at = now() - interval '1 hour'",
  );
  // What comes within seconds of a notification counts as announced by it. A run reads that time
  // when it claims the mailbox, so no run may be under way.
  await world.until(async () => {
    const aged = await world.database.pool.query(
      `UPDATE syncline.collections SET notified_at = now() - interval '1 minute'
        WHERE notified_at IS NOT NULL AND lease_until IS NULL`,
    );
    return aged.rowCount === 1;
  });
  await deliveredIsMirrored();
  const foundAtMs = performance.now();
  await world.until(isNewAddressWatched);
  expect(performance.now() - foundAtMs).toBeLessThan(10_000 + POLL_MS);
  expect((await world.store.accounts.list([before]))[0]).toMatchObject({
    email: 'new.name@demo.example',
    aliases: [before],
    state: 'active',
  });
  const [{ now }] = (await world.database.pool.query<{ now: string }>('SELECT now()::text AS now'))
    .rows as [{ now: string }];
  await deliveredIsMirrored();
  await world.until(async () => (await count('collections WHERE notified_at > $1', [now])) === 1);
}, 120_000);
