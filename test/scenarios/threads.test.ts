import { NO_DRIFT } from '../support/drift.js';
import { mailboxSteps } from '../support/mailbox-steps.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/* A backfill fetches a thread at once where that is cheaper; whatever goes wrong with it, every message ends in one way. */

let world: World;
afterEach(() => world.close());

const start = async (
  seed: number,
  options: Parameters<typeof startWorld>[0] = {},
): Promise<void> => {
  world = await startWorld({
    seed,
    accounts: 1,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
    threadLength: 8,
    ...options,
  });
};

const gmailUnits = async (): Promise<number> =>
  Object.entries((await world.control.ledger()).methods).reduce(
    (sum, [name, method]) => sum + (/messages\.get|threads\.get/.test(name) ? method.units : 0),
    0,
  );

test('a mailbox of long threads costs a third of the price by message, and nothing is fetched twice', async () => {
  await start(61, { messagesPerAccount: 300 });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const sizes = new Map<unknown, number>();
  for (const message of await world.control.truth('user1@demo.example', 'gmail'))
    sizes.set(message['threadId'], (sizes.get(message['threadId']) ?? 0) + 1);
  expect(await gmailUnits()).toBe(
    [...sizes.values()].reduce((sum, size) => sum + Math.min(40, 20 * size), 0),
  );
});

test('messages and threads deleted between the list and their fetch leave no rows', async () => {
  await start(62, { messagesPerAccount: 150 });
  const mailbox = await mailboxSteps(world);
  await mailbox.stepUntil((cursor) => cursor['step'] === 'fetch');
  const truth = await world.control.truth(mailbox.email, 'gmail');
  const sizes = new Map<unknown, number>();
  for (const message of truth)
    sizes.set(message['threadId'], (sizes.get(message['threadId']) ?? 0) + 1);
  const [whole, part] = [...sizes].filter(([, size]) => size >= 4).map(([id]) => id);
  const deleted = [
    ...truth.filter((message) => message['threadId'] === whole),
    truth.find((message) => message['threadId'] === part)!,
  ];
  expect(deleted.length).toBeGreaterThanOrEqual(5);
  for (const message of deleted) await mailbox.act({ action: 'delete', messageId: message['id'] });
  await mailbox.act({ action: 'deliver', threadId: part });
  await world.catchUp({ sliceMs: 0 });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const feed = await rowChanges(world.store, mailbox.accountId, 0n, 10_000);
  expect(feed.filter((event) => event.entity === 'message' && event.op === 'deleted')).toEqual([]);
});

test('refusals, outages and cut connections among threads lose and quarantine nothing', async () => {
  await start(63, { messagesPerAccount: 250 });
  for (const method of ['threads.get', 'messages.get']) {
    await world.control.fault({ kind: '429-concurrent', method, count: 10, probability: 0.2 });
    await world.control.fault({ kind: '500', method, count: 30, probability: 0.3 });
  }
  // It closes the mailbox's window for a quarter of a minute: once is enough to see what is kept.
  await world.control.fault({
    kind: '403-user-rate',
    method: 'threads.get',
    count: 1,
    probability: 0.1,
  });
  await world.control.fault({ kind: 'reset', method: 'batch', count: 3, probability: 0.3 });
  const due = world.rt.clock.sleep.bind(world.rt.clock);
  world.rt.clock.sleep = (ms, signal) => due(Math.min(ms, 400), signal);
  await world.catchUp({ sliceMs: 0 });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(
    (
      await world.database.pool.query(
        'SELECT count(*)::int AS set_aside FROM syncline.quarantined_items',
      )
    ).rows,
  ).toEqual([{ set_aside: 0 }]);
});
