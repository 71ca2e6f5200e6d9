import { NO_DRIFT } from '../support/drift.js';
import {
  startNotificationWorld,
  SUBSCRIPTION,
  type NotificationWorld,
} from '../support/notification-world.js';

/*
 * Notifications that are dropped, doubled and reordered. Polling is the net: with
 * POLL_INTERVAL_ACTIVE_SECONDS at 3 a lost notification is made good within 3 s and a tick, as it
 * is within a minute by default.
 */

const ACTIVE_MS = 3_000;
/** The scheduler's tick, and the run on a busy machine. */
const SLACK_MS = 4_000;
/** What history names and Google no longer has is asked for a second time, a little later. */
const SECOND_CHECK_MS = 5_000;
let world: NotificationWorld;
beforeAll(async () => {
  world = await startNotificationWorld({
    poll: { activeMs: ACTIVE_MS, idleMs: 60_000 },
    seed: 32,
    accounts: 2,
    messagesPerAccount: 8,
    calendarsPerAccount: 1,
    eventsPerCalendar: 4,
  });
  await world.until(
    async () =>
      (await world.watches()).gmail.length === 2 && (await world.watches()).channels.length === 4,
  );
});
afterAll(() => world.close());

const email = (): string => world.simulator.accounts()[0]!.email;
const stored = async (messageId: string): Promise<boolean> =>
  (
    await world.database.pool.query('SELECT 1 FROM syncline.gmail_messages WHERE id = $1', [
      messageId,
    ])
  ).rowCount === 1;
const isCaughtUp = async (): Promise<boolean> => {
  const { missing, extra, stale } = await world.drift();
  return missing.length + extra.length + stale.length === 0;
};

test('30 % dropped, doubled and reordered: the mirror is caught up within the active interval', async () => {
  world.simulator.delivery.set({
    dropPercent: 30,
    duplicatePercent: 30,
    reorderPercent: 30,
    delayMs: [0, 100],
  });
  for (let n = 0; n < 25; n++) {
    world.simulator.actAtRandom(5);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const quietMs = performance.now();
  await world.until(isCaughtUp);
  expect(performance.now() - quietMs).toBeLessThan(ACTIVE_MS + SECOND_CHECK_MS + SLACK_MS);
  const { pubsub, channel } = world.simulator.ledger.snapshot().notifications;
  expect(
    Math.min(
      pubsub.dropped,
      pubsub.duplicated,
      pubsub.reordered,
      pubsub.delivered,
      channel.dropped + channel.duplicated,
      channel.delivered,
    ),
  ).toBeGreaterThan(0);
});

test('a change whose notification was lost is found by the next poll', async () => {
  world.simulator.delivery.set({
    dropPercent: 100,
    duplicatePercent: 0,
    reorderPercent: 0,
    delayMs: [0, 0],
  });
  const { messageId } = world.simulator.act(email(), { action: 'deliver' });
  const lostMs = performance.now();
  await world.until(() => stored(messageId!));
  expect(performance.now() - lostMs).toBeLessThan(ACTIVE_MS + SLACK_MS);
});

test('a pulled notification is stored and acknowledged, and other messages do not stop it', async () => {
  world.simulator.delivery.set({ dropPercent: 0 });
  world.pullInstead();
  world.simulator.pubsub.publish('projects/sim/topics/gmail', 'not JSON');
  world.simulator.pubsub.publish(
    'projects/sim/topics/gmail',
    '{"emailAddress":"nobody@demo.example","historyId":1}',
  );
  const { messageId } = world.simulator.act(email(), { action: 'deliver' });
  await world.until(() => stored(messageId!));
  await world.until(
    async () =>
      world.simulator.pubsub.describe().subscriptions.find(({ name }) => name === SUBSCRIPTION)
        ?.waiting === 0,
  );
  const pulled = (await world.rt.metrics.notifications.get()).values
    .filter(({ labels }) => labels.via === 'gmail-pull')
    .map(({ labels }) => labels.outcome);
  expect(pulled).toEqual(expect.arrayContaining(['notified', 'unknown', 'malformed']));
  await world.until(isCaughtUp);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
