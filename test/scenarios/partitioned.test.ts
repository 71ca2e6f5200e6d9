import { ACCOUNT_TABLES } from '../../packages/store/src/account-tables.js';
import { removeAccount, syncCollection } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { partitionedTables, partitionMirror, triggersOf } from '../support/partitioned.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

const TABLE_NAMES = ACCOUNT_TABLES.map(({ name }) => name);

/* Every table of the mirror is hash-partitioned by account, with the SQL of docs/how-to/scaling.md. Three accounts, so that two of them are hardly ever in one partition. */

const NOT_PARTITIONED = [
  'account_aliases',
  'account_events',
  'channels',
  'collection_audits',
  'collection_crashes',
  'collections',
  'credentials',
  'feed_heads',
  'watches',
];

let world: World;
beforeEach(async () => {
  world = await startWorld({
    seed: 606,
    accounts: 3,
    messagesPerAccount: 60,
    calendarsPerAccount: 2,
    eventsPerCalendar: 12,
  });
  await partitionMirror(world.database.pool);
});
afterEach(() => world.close());

async function accountIds(): Promise<string[]> {
  return (await world.store.accounts.list()).map(({ id }) => id);
}

/** Every row of an account, by table. */
async function rowsOf(accountId: string): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const table of TABLE_NAMES) {
    const { rows } = await world.database.pool.query<{ row: string }>(
      `SELECT t::text AS row FROM syncline.${table} t WHERE account_id = $1 ORDER BY 1`,
      [accountId],
    );
    found[table] = rows.map(({ row }) => row);
  }
  return found;
}

/** The account's change events of messages and events after `seq`: `op id`, sorted. */
async function feed(accountId: string, seq = 0n): Promise<string[]> {
  return (await rowChanges(world.store, accountId, seq, 10_000)).map(({ op, id }) => `${op} ${id}`);
}

test('mirrors, applies changes, lists again after an expired history and audits with every mirror table partitioned', async () => {
  const { pool } = world.database;
  expect(await partitionedTables(pool)).toEqual(
    TABLE_NAMES.filter((table) => !NOT_PARTITIONED.includes(table)).sort(),
  );
  expect(await triggersOf(pool, 'quarantined_items')).toEqual(['quarantined_items_event']);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const [first] = (await accountIds()) as [string];
  const seen = await feed(first);
  expect(seen.length).toBeGreaterThan(60);
  expect(seen.filter((event) => !event.startsWith('created'))).toEqual([]);

  await world.control.act(120);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const { rows } = await pool.query<{ op: string }>('SELECT DISTINCT op FROM syncline.changes');
  expect(rows.map(({ op }) => op).sort()).toEqual(['created', 'deleted', 'updated']);

  await world.control.act(60);
  await world.control.fault({ kind: 'expire-history' });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  for (const table of ['full_sync_items', 'full_sync_labels'])
    expect((await pool.query(`SELECT 1 FROM syncline.${table}`)).rowCount).toBe(0);

  await audit();
  const audits = await pool.query<{ drift: number }>(
    'SELECT drift FROM syncline.collection_audits WHERE checked IS NOT NULL',
  );
  expect(audits.rows.length).toBeGreaterThanOrEqual(3);
  expect(audits.rows.filter(({ drift }) => drift !== 0)).toEqual([]);
}, 180_000);

test('distinguishes created from updated rows', async () => {
  await world.catchUp();
  const [account] = await world.control.accounts();
  const stored = (await world.store.accounts.list()).find(({ email }) => email === account!.email)!;
  const before = BigInt((await feed(stored.id)).length);
  const { rows } = await world.database.pool.query<{ id: string }>(
    "UPDATE syncline.gmail_messages SET snippet = 'stale' WHERE account_id = $1 RETURNING id",
    [stored.id],
  );
  await world.store.schedule.requestSync([stored.id], { full: true });
  await world.catchUp();
  const ops = (await feed(stored.id, before)).filter((event) =>
    rows.some(({ id }) => event.endsWith(` ${id}`)),
  );
  expect(ops.sort()).toEqual(rows.map(({ id }) => `updated ${id}`).sort());
}, 180_000);

test('removing an account keeps every row of the others', async () => {
  await world.catchUp();
  const [gone, ...others] = (await accountIds()) as [string, ...string[]];
  const before = await Promise.all(others.map(rowsOf));
  await removeAccount(world.rt, world, gone);
  expect(await Promise.all(others.map(rowsOf))).toEqual(before);
  expect(Object.values(await rowsOf(gone)).flat()).toEqual([]);
}, 180_000);

test("erasing one account's rows keeps those of others at the same physical places in other partitions", async () => {
  const ids = (await accountIds()) as [string, ...string[]];
  for (const id of ids)
    await world.database.pool.query(
      "INSERT INTO syncline.gmail_bodies SELECT $1, 'm' || n, 'text' FROM generate_series(1, 50) AS n",
      [id],
    );
  await world.store.removal.begin(ids[0]);
  for (let done = false; !done;) ({ done } = await world.store.removal.eraseSome(ids[0]));
  const { rows } = await world.database.pool.query<{ account: string; bodies: number }>(
    'SELECT account_id AS account, count(*)::int AS bodies FROM syncline.gmail_bodies GROUP BY 1 ORDER BY 1',
  );
  expect(rows).toEqual(
    ids
      .slice(1)
      .sort()
      .map((account) => ({ account, bodies: 50 })),
  );
});

/** Runs everything once, as workers that audit. */
async function audit(): Promise<void> {
  const policy = { activeMs: 60_000, idleMs: 900_000, auditEveryMs: 3_600_000 };
  await world.database.pool.query(
    "UPDATE syncline.collections SET full_sync_started_at = now() - interval '2 h', next_sync_at = now()",
  );
  for (;;) {
    const due = await world.store.schedule.claimDue({ limit: 20, visibilityMs: 60_000 });
    if (due.length === 0) return;
    for (const { id } of due) {
      const run = { sliceMs: 5_000, signal: new AbortController().signal };
      for (let kind = 'more'; kind === 'more';)
        ({ kind } = await syncCollection(world.rt, { ...world, policy }, id, run));
    }
  }
}
