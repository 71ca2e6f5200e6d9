import type { Google } from '@syncline/google';
import { syncCollection, type Outcome } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

const CAUGHT_UP = { kind: 'caught-up', changes: expect.any(Number) };

/*
 * Items that cannot be stored are quarantined with their reason, and the rest is synced; one that ends the worker is found by the marks that
 * outlive it. A death is simulated by a store that can no longer settle, and by the end of the lease.
 */

const POLICY = { activeMs: 600_000, idleMs: 900_000 };
let world: World;
let accountId: string;
let mailbox: string;
beforeEach(async () => {
  world = await startWorld({
    seed: 81,
    threadLength: 1,
    accounts: 1,
    messagesPerAccount: 60,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
  });
  accountId = (await world.store.accounts.list())[0]!.id;
  mailbox = (
    await world.database.pool.query<{ id: string }>(
      "SELECT id FROM syncline.collections WHERE kind = 'gmail'",
    )
  ).rows[0]!.id;
});
afterEach(() => world.close());

/** Google, except that asking for this message ends the process. */
function deadly(poison: string, deaths: string[][]): Google {
  return {
    ...world.google,
    account: (id, call) => {
      const account = world.google.account(id, call);
      const getMessages = async (ids: string[]): ReturnType<typeof account.gmail.getMessages> => {
        if (!ids.includes(poison)) return account.gmail.getMessages(ids);
        deaths.push(ids);
        throw new Error('killed');
      };
      return { ...account, gmail: { ...account.gmail, getMessages } };
    },
  };
}

/** One run; whatever it dies of is not written down, as after a kill. */
async function run(
  google: Google,
  signal = new AbortController().signal,
  sliceMs = 60_000,
): Promise<Outcome> {
  const finish = (): Promise<never> => Promise.reject(new Error('killed'));
  const store =
    google === world.google
      ? world.store
      : {
          ...world.store,
          leases: {
            ...world.store.leases,
            finish: (...args: Parameters<typeof world.store.leases.finish>) =>
              args[1].result === 'failed' ? finish() : world.store.leases.finish(...args),
          },
        };
  try {
    return await syncCollection(world.rt, { store, google, policy: POLICY }, mailbox, {
      sliceMs,
      signal,
    });
  } finally {
    await world.database.pool.query(
      'UPDATE syncline.collections SET lease_until = NULL WHERE id = $1',
      [mailbox],
    );
  }
}

async function someMessage(): Promise<string> {
  const [known] = await world.control.accounts();
  return String((await world.control.truth(known!.email, 'gmail'))[20]!['id']);
}

test('a message that crashes the worker three times alone is quarantined, and everything else is mirrored', async () => {
  const poison = await someMessage();
  const deaths: string[][] = [];
  const google = deadly(poison, deaths);
  for (let n = 0; n < 5; n++) await expect(run(google)).rejects.toThrow('killed');
  expect(await run(google)).toEqual(CAUGHT_UP);
  expect(deaths.map((ids) => ids.length)).toEqual([
    expect.any(Number),
    expect.any(Number),
    1,
    1,
    1,
  ]);
  expect(deaths[1]!.length).toBeGreaterThan(1);
  expect(await world.store.quarantine.list([accountId])).toMatchObject([
    { itemId: poison, reason: 'it ended the worker 3 times', kind: 'gmail', attempts: 1 },
  ]);
  expect(
    (await world.database.pool.query('SELECT count(*) FROM syncline.gmail_messages')).rows,
  ).toEqual([{ count: '59' }]);
  expect(
    (await world.store.accounts.list())[0]!.collections.find(({ kind }) => kind === 'gmail'),
  ).toMatchObject({ quarantined: 1, phase: 'incremental' });
  expect(
    (
      await world.database.pool.query(
        'SELECT k.crashes, open_runs FROM syncline.collections c JOIN syncline.collection_crashes k ON k.collection_id = c.id WHERE c.id = $1',
        [mailbox],
      )
    ).rows,
  ).toEqual([{ crashes: 0, open_runs: 0 }]);
});

test('after two crashed runs items are committed one by one, without the write throttle', async () => {
  const google = deadly(await someMessage(), []);
  for (let n = 0; n < 2; n++) await expect(run(google)).rejects.toThrow('killed');
  const commits: { crashIsolation: boolean | undefined; messages: number }[] = [];
  const commitPage: typeof world.store.leases.commitPage = (lease, commit) => {
    commits.push({
      crashIsolation: commit.crashIsolation,
      messages: commit.delta.kind === 'gmail' ? commit.delta.messages.length : 0,
    });
    return world.store.leases.commitPage(lease, commit);
  };
  await syncCollection(
    world.rt,
    {
      store: { ...world.store, leases: { ...world.store.leases, commitPage } },
      google: world.google,
      policy: POLICY,
    },
    mailbox,
    { sliceMs: 60_000, signal: new AbortController().signal },
  );
  expect(commits.length).toBeGreaterThan(10);
  expect(new Set(commits.map(({ crashIsolation }) => crashIsolation))).toEqual(new Set([true]));
  expect(Math.max(...commits.map(({ messages }) => messages))).toBe(1);
});

test('a retried item that can be read is stored and leaves the quarantine', async () => {
  const poison = await someMessage();
  const google = deadly(poison, []);
  for (let n = 0; n < 5; n++) await expect(run(google)).rejects.toThrow('killed');
  await run(google);
  expect(await world.store.quarantine.retry(accountId, ['unknown'])).toBe(0);
  expect(await world.store.quarantine.retry(accountId, null)).toBe(1);
  await world.catchUp();
  expect(await world.store.quarantine.list(null)).toEqual([]);
  expect((await world.database.pool.query('SELECT 1 FROM syncline.refetch_items')).rowCount).toBe(
    0,
  );
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('an item that was processed during unrelated crashes is read again after a minute and leaves the quarantine', async () => {
  const google = deadly(await someMessage(), []);
  for (let n = 0; n < 5; n++) await expect(run(google)).rejects.toThrow('killed');
  await run(google);
  expect(await chance()).toEqual({ inSeconds: 60, compared: true });
  await world.database.pool.query(
    "UPDATE syncline.quarantined_items SET retry_at = now() - interval '1 ms'",
  );
  expect(await run(world.google)).toEqual(CAUGHT_UP);
  expect(await world.store.quarantine.list(null)).toEqual([]);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a message that keeps crashing the worker is tried once more after an hour, and not again', async () => {
  const deaths: string[][] = [];
  const google = deadly(await someMessage(), deaths);
  for (const [attempts, seconds] of [
    [1, 60],
    [2, 3_600],
    [3, null],
  ] as const) {
    for (let n = 0; n < 5; n++) await expect(run(google)).rejects.toThrow('killed');
    expect(await run(google)).toEqual(CAUGHT_UP);
    expect(await world.store.quarantine.list(null)).toMatchObject([
      { attempts, reason: 'it ended the worker 3 times' },
    ]);
    expect(await chance()).toMatchObject({ inSeconds: seconds });
    await world.database.pool.query(
      "UPDATE syncline.quarantined_items SET retry_at = now() - interval '1 ms' WHERE retry_at IS NOT NULL",
    );
  }
  expect(await run(google)).toEqual(CAUGHT_UP);
  expect(deaths).toHaveLength(15);
});

/** When the item is tried again, from when it was set aside; and whether the mailbox comes due at that moment. */
async function chance(): Promise<object> {
  const { rows } = await world.database.pool
    .query(`SELECT extract(epoch FROM q.retry_at - q.last_at)::int AS "inSeconds", c.next_sync_at = q.retry_at AS compared
                                                      FROM syncline.quarantined_items q JOIN syncline.collections c ON c.id = q.collection_id`);
  return rows[0] as object;
}

test('a deleted item leaves the quarantine, and drop removes one', async () => {
  await world.catchUp();
  await world.database.pool.query(
    `INSERT INTO syncline.quarantined_items (account_id, collection_id, item_id, reason) SELECT $1, $2, u, 'it cannot be read' FROM unnest(ARRAY['18ffffffffffff01', '18ffffffffffff02']) u`,
    [accountId, mailbox],
  );
  expect(await world.store.quarantine.drop(accountId, ['18ffffffffffff02', 'unknown'])).toBe(1);
  expect(await world.store.quarantine.retry(accountId, null)).toBe(1);
  await world.catchUp();
  expect(await world.store.quarantine.list(null)).toEqual([]);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('throttling, transient errors and drains do not count as crashes', async () => {
  await world.control.fault({ kind: '403-user-rate', method: 'messages.get', count: 6 });
  await world.control.fault({ kind: '500', method: 'messages.get', count: 6 });
  const draining = new AbortController();
  draining.abort();
  await run(world.google, undefined, 0);
  await run(world.google, draining.signal);
  await world.catchUp();
  expect(
    (
      await world.database.pool.query(
        'SELECT coalesce(max(k.crashes), 0) AS crashes, bool_or(open_runs > 0) AS open FROM syncline.collections c LEFT JOIN syncline.collection_crashes k ON k.collection_id = c.id',
      )
    ).rows,
  ).toEqual([{ crashes: 0, open: false }]);
  expect(await world.store.quarantine.list(null)).toEqual([]);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('requests over several pages are all processed, and the sync position does not change', async () => {
  await world.catchUp();
  const ids = (
    await world.database.pool.query<{ id: string }>('SELECT id FROM syncline.gmail_messages')
  ).rows.map((row) => row.id);
  await world.database.pool.query("UPDATE syncline.gmail_messages SET subject = 'broken'");
  await world.database.pool.query('DELETE FROM syncline.gmail_messages WHERE id = $1', [ids[0]]);
  expect(await world.store.quarantine.wantMessages(accountId, ids)).toBe(60);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
