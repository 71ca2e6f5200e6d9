import { maintainWatch, removeAccount } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import {
  startNotificationWorld,
  TOPIC,
  type NotificationWorld,
} from '../support/notification-world.js';

/*
 * The whole fleet in this process, notified by the simulator. Polls are minutes apart, so that what is
 * seen within seconds was notified.
 */

const POLL = { activeMs: 600_000, idleMs: 900_000 };
let world: NotificationWorld;
beforeAll(async () => {
  world = await startNotificationWorld({
    poll: POLL,
    seed: 31,
    accounts: 2,
    messagesPerAccount: 15,
    calendarsPerAccount: 2,
    eventsPerCalendar: 5,
  });
  await world.until(async () => (await watchesIn('requested')) === 0 && (await all()) === 10);
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
const all = (): Promise<number> => count('watches');
const watchesIn = (state: string): Promise<number> => count('watches WHERE state = $1', [state]);
const emails = (): string[] => world.simulator.accounts().map(({ email }) => email);
const mailboxOf = async (email: string): Promise<string> =>
  (
    await world.database.pool.query<{ id: string }>(
      "SELECT c.id FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE a.email = $1 AND c.kind = 'gmail'",
      [email],
    )
  ).rows[0]!.id;
const stored = (messageId: string): Promise<boolean> =>
  count('gmail_messages WHERE id = $1', [messageId]).then((n) => n === 1);

/** What `accounts list` and `why` read of one collection. */
async function watchOf(email: string, kind: string, externalId?: string) {
  const [account] = await world.store.accounts.list([email]);
  return account!.collections.find(
    (c) => c.kind === kind && (externalId === undefined || c.externalId === externalId),
  )!.watch;
}

test('every mailbox, calendar list and calendar is watched, except the recorded ones that Google cannot watch', async () => {
  const { gmail, channels } = await world.watches();
  expect(gmail.map(({ email }) => email).sort()).toEqual(emails().sort());
  // Of each account: its list and two calendars; the holidays are polled.
  expect(channels).toHaveLength(6);
  expect([await watchesIn('on'), await watchesIn('unwatchable')]).toEqual([8, 2]);
  const { rows } = await world.database.pool.query<{ days: string; renews: string }>(
    "SELECT extract(epoch FROM due_at - now()) / 86400 AS days, extract(epoch FROM due_at - watched_at) / 86400 AS renews FROM syncline.watches ORDER BY state = 'on', collection_id",
  );
  expect(rows.slice(0, 2).every(({ days }) => Number(days) > 25)).toBe(true);
  expect(
    rows.slice(2).every(({ renews }) => Number(renews) >= 4.99 && Number(renews) <= 6.01),
  ).toBe(true);
});

test('a notified change is stored long before the next poll', async () => {
  const [email] = emails();
  const { messageId } = world.simulator.act(email!, { action: 'deliver' });
  const { eventId } = world.simulator.act(email!, {
    action: 'event-create',
    calendarId: email!,
  }) as { eventId?: string };
  await world.until(
    async () =>
      (await stored(messageId!)) && (await count('calendar_events WHERE id = $1', [eventId])) === 1,
    5_000,
  );
  expect(await watchOf(email!, 'gmail')).toMatchObject({
    state: 'on',
    silent: false,
    lastNotifiedAt: expect.any(Date),
  });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a notification during a run causes one more run, and its history id is not used as a cursor', async () => {
  const [email] = emails();
  for (let n = 0; n < 10; n++)
    world.simulator.act(email!, { action: n % 2 === 0 ? 'deliver' : 'label' });
  // A notification with a wrong position in the future: it only triggers a sync.
  world.simulator.pubsub.publish(
    TOPIC,
    `{"emailAddress":"${email}","historyId":99999999999999999}`,
  );
  await world.until(async () => (await world.drift()).missing.length === 0);
  await world.until(async () => JSON.stringify(await world.drift()).includes('"stale":[]'));
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a watch that Google has lost is recognised when a poll finds a change, and is replaced', async () => {
  const email = emails()[1]!;
  const collectionId = await mailboxOf(email);
  const [account] = await world.store.accounts.list([email]);
  await world.google.account(account!.id).gmail.stopWatch();
  await world.database.pool.query(
    "UPDATE syncline.collections SET notified_at = notified_at - interval '1 minute' WHERE id = $1",
    [collectionId],
  );
  await world.database.pool.query(
    "UPDATE syncline.watches SET watched_at = watched_at - interval '1 hour' WHERE collection_id = $1",
    [collectionId],
  );
  const { messageId } = world.simulator.act(email, { action: 'deliver' });
  // The next sync, which would come with time.
  await world.database.pool.query(
    'UPDATE syncline.collections SET next_sync_at = now() WHERE id = $1',
    [collectionId],
  );
  await world.until(async () => (await watchOf(email, 'gmail'))?.silent === true);
  expect(await stored(messageId!)).toBe(true);
  const { rows } = await world.database.pool.query<{ polls: string; renews: string }>(
    'SELECT extract(epoch FROM c.next_sync_at - now()) AS polls, extract(epoch FROM w.due_at - now()) AS renews FROM syncline.collections c JOIN syncline.watches w ON w.collection_id = c.id WHERE c.id = $1',
    [collectionId],
  );
  expect(Number(rows[0]!.polls)).toBeLessThanOrEqual((POLL.activeMs * 1.1) / 1_000);
  expect(Number(rows[0]!.renews)).toBeLessThanOrEqual(10);
  await world.database.pool.query(
    'UPDATE syncline.watches SET due_at = now() WHERE collection_id = $1',
    [collectionId],
  );
  await world.until(async () => (await watchOf(email, 'gmail'))?.silent === false);
  expect((await world.watches()).gmail.map((watch) => watch.email)).toContain(email);
  const { messageId: next } = world.simulator.act(email, { action: 'deliver' });
  await world.until(() => stored(next!), 5_000);
});

test('a channel is renewed by opening a second one and then stopping the first', async () => {
  const email = emails()[0]!;
  const { rows } = await world.database.pool.query<{ id: string }>(
    'SELECT c.id FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE a.email = $1 AND c.external_id = $1',
    [email],
  );
  const collectionId = rows[0]!.id;
  const ofCalendar = async (): Promise<string[]> =>
    (await world.watches()).channels
      .filter(
        ({ resourceUri }) =>
          resourceUri.includes(encodeURIComponent(email)) && resourceUri.includes('/events'),
      )
      .map(({ id }) => id);
  const [elder] = await ofCalendar();
  await world.database.pool.query(
    "UPDATE syncline.watches SET watched_at = now() - interval '6.5 days', expires_at = now() + interval '0.5 days' WHERE collection_id = $1",
    [collectionId],
  );
  const deps = {
    store: world.store,
    google: world.google,
    watchTargets: { topic: TOPIC, channelAddress: (await targetOf(collectionId))! },
  };
  const maintainOnce = () =>
    maintainWatch(world.rt, deps, collectionId, { signal: world.rt.signal, overlapMs: 3_600_000 });
  expect(await maintainOnce()).toBe('watched');
  expect(await ofCalendar()).toHaveLength(2);
  expect(
    await count(
      "watches WHERE collection_id = $1 AND due_at BETWEEN now() + interval '50 minutes' AND now() + interval '1 hour'",
      [collectionId],
    ),
  ).toBe(1);
  // Both ring now, for one sync.
  const { eventId } = world.simulator.act(email, { action: 'event-create', calendarId: email }) as {
    eventId?: string;
  };
  await world.until(
    async () => (await count('calendar_events WHERE id = $1', [eventId])) === 1,
    5_000,
  );
  expect(await maintainOnce()).toBe('waiting');
  const left = await ofCalendar();
  expect([left.length, left.includes(elder!)]).toEqual([1, false]);
  expect(await count('channels WHERE collection_id = $1', [collectionId])).toBe(1);
});

test('of two concurrent jobs for one watch, one maintains it', async () => {
  const collectionId = await mailboxOf(emails()[0]!);
  const held = await world.store.watches.hold(collectionId, 5_000);
  expect(
    await maintainWatch(world.rt, { store: world.store, google: world.google }, collectionId, {
      signal: world.rt.signal,
    }),
  ).toBe('busy');
  expect(
    await world.store.watches.finish(
      { ...held!, epoch: held!.epoch - 1n },
      { state: 'off', nextInMs: 0, error: null },
    ),
  ).toBe(false);
  expect(
    await world.store.watches.finish(held!, { state: 'on', nextInMs: 5 * 86_400_000, error: null }),
  ).toBe(true);
});

test('a pause stops the watches, a resume opens them again, and a removal stops them before the grant is revoked', async () => {
  const email = emails()[1]!;
  const [account] = await world.store.accounts.list([email]);
  const dueNow = async (): Promise<[number, number]> => {
    const { gmail, channels } = (await world.watches()) as {
      gmail: { email: string }[];
      channels: { email?: string }[];
    };
    return [
      gmail.filter((watch) => watch.email === email).length,
      channels.filter((channel) => channel.email === email).length,
    ];
  };
  expect(await dueNow()).toEqual([1, 3]);
  await world.store.accounts.pause(account!.id);
  await world.until(async () => (await dueNow()).join() === '0,0');
  await world.store.accounts.resume(account!.id);
  await world.until(async () => (await dueNow()).join() === '1,3');
  await removeAccount(world.rt, world, account!.id);
  expect(await dueNow()).toEqual([0, 0]);
  expect(await count('watches WHERE account_id = $1', [account!.id])).toBe(0);
});

async function targetOf(collectionId: string): Promise<string | null> {
  return (
    await world.database.pool.query<{ target: string | null }>(
      'SELECT target FROM syncline.watches WHERE collection_id = $1',
      [collectionId],
    )
  ).rows[0]!.target;
}
