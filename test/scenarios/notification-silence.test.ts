import { repairDrift, syncCollection } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/*
 * What counts as a notification's silence: a change in Google's log that nothing announced, and
 * nothing else. The mailbox counts as watched and notified a minute ago; no notification arrives here unless
 * a test does it.
 */

const DAY_MS = 86_400_000;
const TOPIC = 'projects/sim/topics/gmail';
let world: World;
let email: string;
let mailboxId: string;

beforeAll(async () => {
  world = await startWorld({
    seed: 47,
    accounts: 1,
    messagesPerAccount: 30,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
  });
  await world.catchUp();
  email = world.simulator.accounts()[0]!.email;
  mailboxId = await idOf("kind = 'gmail'");
  await world.database.pool.query(
    `INSERT INTO syncline.watches (collection_id, account_id, state, target, address, watched_at, expires_at, due_at)
     SELECT id, account_id, 'on', $2, $3, now() - interval '1 h', now() + interval '6 days', now() + interval '5 days' FROM syncline.collections WHERE id = $1`,
    [mailboxId, TOPIC, email],
  );
});
beforeEach(async () => {
  await world.database.pool.query(
    "UPDATE syncline.collections SET notified_at = now() - interval '2 min', caught_up_at = now() - interval '1 min', full_sync_started_at = now(), next_sync_at = now() + interval '1 h'",
  );
  await world.database.pool.query('UPDATE syncline.watches SET silent_since = NULL');
  world.rt.metrics.silentWatches.reset();
});
afterAll(() => world.close());

const idOf = async (where: string): Promise<string> =>
  (
    await world.database.pool.query<{ id: string }>(
      `SELECT id FROM syncline.collections WHERE ${where}`,
    )
  ).rows[0]!.id;

/** One run of the mailbox, as a worker that the schedule sent. @returns how it ended */
async function poll({ sliceMs = 5_000, store = world.store } = {}): Promise<string> {
  const deps = {
    store,
    google: world.google,
    policy: { activeMs: 60_000, idleMs: 900_000, auditEveryMs: DAY_MS },
    watchTargets: { topic: TOPIC, channelAddress: null },
  };
  return (
    await syncCollection(world.rt, deps, mailboxId, {
      sliceMs,
      signal: new AbortController().signal,
    })
  ).kind;
}

/** Whether a run counted a silence, and whether the notification is held to be silent now. */
async function silence(): Promise<{ counted: number; held: boolean }> {
  const counted = (await world.rt.metrics.silentWatches.get()).values.reduce(
    (sum, { value }) => sum + value,
    0,
  );
  const [account] = await world.store.accounts.list([email]);
  return {
    counted,
    held: account!.collections.find(({ id }) => id === mailboxId)!.watch!.silent,
  };
}

async function breakRows(count: number): Promise<string[]> {
  const broken = await world.database.pool.query<{ id: string }>(
    "UPDATE syncline.gmail_messages SET label_ids = '{SPAM}' WHERE id IN (SELECT id FROM syncline.gmail_messages ORDER BY id LIMIT $1) RETURNING id",
    [count],
  );
  return broken.rows.map(({ id }) => id);
}

test('a change without a notification marks the watch as silent', async () => {
  world.simulator.act(email, { action: 'deliver' });
  expect(await poll()).toBe('caught-up');
  expect(await silence()).toEqual({ counted: 1, held: true });
});

test('repaired rows do not mark the watch as silent, since Google announced the changes long ago', async () => {
  const stale = await breakRows(1);
  const account = {
    accountId: (await world.store.accounts.list([email]))[0]!.id,
    collectionIds: [mailboxId],
  };
  await repairDrift(
    world.rt,
    { ...world, policy: { activeMs: 60_000, idleMs: 900_000 } },
    account,
    { resource: 'gmail', checked: 1, missing: [], extra: [], stale, unread: [] },
  );
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await silence()).toEqual({ counted: 0, held: false });
});

test('items that one run lists and the next run repairs do not', async () => {
  const [account] = await world.store.accounts.list([email]);
  await world.store.quarantine.wantMessages(account!.id, await breakRows(3));
  expect([await poll({ sliceMs: 0 }), await poll()]).toEqual(['more', 'caught-up']);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await silence()).toEqual({ counted: 0, held: false });
});

test('items that an audit finds and the next sync repairs do not', async () => {
  await breakRows(3);
  await world.database.pool.query(
    "UPDATE syncline.collections SET full_sync_started_at = now() - interval '2 days', audited_at = NULL",
  );
  for (let polls = 0; polls < 2; polls++) expect(await poll()).not.toBe('failed');
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await silence()).toEqual({ counted: 0, held: false });
});

test('a renamed label does not, since history has no record of it', async () => {
  const rename = world.simulator.act(email, { action: 'label-rename' });
  await world.database.pool.query(
    "UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{labelsReadAtMs}', '0') WHERE id = $1",
    [mailboxId],
  );
  const events = async (): Promise<number> =>
    Number(
      (
        await world.database.pool.query<{ n: string }>(
          "SELECT count(*) AS n FROM syncline.changes WHERE entity = 'label'",
        )
      ).rows[0]!.n,
    );
  const before = await events();
  expect(await poll()).toBe('caught-up');
  expect([rename, (await events()) - before]).toEqual([expect.anything(), 1]);
  expect(await silence()).toEqual({ counted: 0, held: false });
});

test('a change that is announced during the run that finds it does not', async () => {
  world.simulator.act(email, { action: 'deliver' });
  const commitPage: World['store']['leases']['commitPage'] = async (...page) => {
    await world.store.notifications.notifyMailboxes([email]);
    return world.store.leases.commitPage(...page);
  };
  await poll({ store: { ...world.store, leases: { ...world.store.leases, commitPage } } });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await silence()).toEqual({ counted: 0, held: false });
});
