import type { Listener } from '@syncline/runtime';
import { maintainWatch, removeAccount, type WatchOutcome } from '@syncline/sync';
import { listenForTest } from '../support/listener.js';
import { TOPIC } from '../support/notification-world.js';
import { startWorld, type World } from '../support/world.js';

/*
 * Watches of an account whose grant is not known to be its own: `accounts import --no-verify` has
 * stored another person's. A call with that grant would watch the other person's mailbox, or stop
 * its watch.
 */

const ANN = 'user1@demo.example';
const BEN = 'user2@demo.example';
const WATCH_CALLS = ['watch', 'stop', 'calendarList.watch', 'events.watch', 'channels.stop'];

let world: World;
let receiver: Listener;
let annId: string;
beforeEach(async () => {
  receiver = await listenForTest((_, answer) => void answer.writeHead(204).end());
  world = await startWorld({
    seed: 39,
    accounts: 2,
    messagesPerAccount: 6,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
  });
  world.simulator.pubsub.addTopic(TOPIC);
  await world.catchUp();
  annId = (await world.store.accounts.list([ANN]))[0]!.id;
  await requestWatches();
});
afterEach(async () => {
  await world.close();
  await receiver.close(world.rt);
});

/** Requests a watch of each of the account's collections, as their syncs do. */
async function requestWatches(): Promise<void> {
  for (const id of await collectionsOf(annId)) {
    const claim = await world.store.leases.claim(id);
    if (claim.kind !== 'claimed') throw new Error(`the lease is not free: ${claim.kind}`);
    await world.store.watches.request(claim.lease);
    await world.store.leases.finish(claim.lease, { result: 'caught-up', nextInMs: 0, error: null });
  }
}

async function collectionsOf(accountId: string): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE account_id = $1 AND external_id NOT LIKE '%holiday%'",
    [accountId],
  );
  return rows.map(({ id }) => id);
}

/** Maintains every watch of the account once, and returns the distinct outcomes. */
async function maintain({ notified = true } = {}): Promise<WatchOutcome[]> {
  const targets = { topic: TOPIC, channelAddress: `${receiver.origin}/push/calendar` };
  const deps = { ...world, ...(notified ? { watchTargets: targets } : {}) };
  const outcomes = new Set<WatchOutcome>();
  for (const id of await world.store.watches.ofAccount(annId))
    outcomes.add(await maintainWatch(world.rt, deps, id, { signal: world.rt.signal }));
  return [...outcomes];
}

function watchCalls(): Record<string, number> {
  const { methods } = world.simulator.ledger.snapshot();
  return Object.fromEntries(
    WATCH_CALLS.flatMap((name) => (methods[name] ? [[name, methods[name].calls]] : [])),
  );
}

/** What `accounts import --no-verify` stores, before any sync. */
async function importGrantOf(email: string): Promise<void> {
  await world.store.accounts.import({
    email: ANN,
    refreshToken: await world.control.consent(email),
    tenant: 'default',
  });
}

test("no watch is requested with a grant that may be another person's", async () => {
  await importGrantOf(BEN);
  expect(await maintain()).toEqual(['waiting']);
  expect(watchCalls()).toEqual({});
});

test("a watch is neither renewed nor stopped with a grant that may be another person's", async () => {
  expect(await maintain()).toEqual(['watched']);
  const before = watchCalls();
  expect(before).toEqual({ watch: 1, 'calendarList.watch': 1, 'events.watch': 1 });
  await importGrantOf(BEN);
  await world.database.pool.query(
    "UPDATE syncline.watches SET watched_at = now() - interval '7 days', expires_at = now() - interval '1 s'",
  );
  expect(await maintain()).toEqual(['waiting']);
  expect(await maintain({ notified: false })).toEqual(['waiting']);
  await world.store.accounts.pause(annId);
  expect(await maintain()).toEqual(['waiting']);
  await removeAccount(world.rt, world, annId);
  expect(watchCalls()).toEqual(before);
});
