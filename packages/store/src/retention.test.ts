import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { FeedPruned, type ChangeEvent } from './index.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

const DAY_MS = 86_400_000;
const sql = <Row extends object = Record<string, unknown>>(
  text: string,
  values: unknown[] = [],
): Promise<Row[]> => fixture.database.pool.query<Row>(text, values).then(({ rows }) => rows);
const feedSeqs = async (): Promise<number[]> =>
  (await sql<{ seq: string }>('SELECT seq FROM syncline.changes ORDER BY seq')).map(({ seq }) =>
    Number(seq),
  );
const prune = (o: { keptMs?: number; limit?: number } = {}): Promise<number> =>
  fixture.store.retention.pruneChanges(fixture.accountId, {
    keptMs: o.keptMs ?? 90 * DAY_MS,
    limit: o.limit ?? 1_000,
  });
const oldestSeq = async (): Promise<bigint> =>
  (await fixture.store.feed.position(fixture.accountId)).oldestSeq;

/** Events whose ages are given in days, numbered from 1. */
async function plantFeed(agesInDays: readonly number[]): Promise<void> {
  await sql(
    `INSERT INTO syncline.changes (account_id, seq, entity, entity_id, op, at)
     SELECT $1, u.n, 'message', 'm' || u.n, 'created', now() - u.age * interval '1 day'
       FROM unnest($2::float8[]) WITH ORDINALITY AS u(age, n)`,
    [fixture.accountId, agesInDays],
  );
  await sql('UPDATE syncline.accounts SET feed_seq = $1', [agesInDays.length]);
}

test('old events go in order of seq, a batch at a time, and the oldest seq is stored', async () => {
  await plantFeed([200, 150, 100, 91, 89, 1]);
  expect([await prune({ limit: 3 }), await oldestSeq(), await feedSeqs()]).toEqual([
    3,
    4n,
    [4, 5, 6],
  ]);
  expect([await prune({ limit: 3 }), await oldestSeq(), await feedSeqs()]).toEqual([1, 5n, [5, 6]]);
  expect([await prune(), await oldestSeq()]).toEqual([0, 5n]);
});

test('an old event behind a young one stays, so that the feed keeps a suffix', async () => {
  await plantFeed([200, 10, 200, 200]);
  await prune();
  expect(await feedSeqs()).toEqual([2, 3, 4]);
});

test('reading below the oldest seq is refused with the oldest seq and what to do', async () => {
  await plantFeed([200, 200, 200, 1]);
  await prune();
  const { store, accountId } = fixture;
  await expect(store.feed.changes(accountId, 0n, 10)).rejects.toThrow(
    'the events after 0 are not kept any more, the oldest is 4: list the mirror again and follow the feed from there',
  );
  await expect(store.feed.changes(accountId, 2n, 10)).rejects.toBeInstanceOf(FeedPruned);
  expect((await store.feed.changes(accountId, 3n, 10)).map(({ seq }) => seq)).toEqual([4n]);
});

test('a reader that has read everything continues when the whole feed is deleted', async () => {
  await plantFeed([200, 200, 200]);
  await prune();
  expect(await feedSeqs()).toEqual([]);
  expect(await fixture.store.feed.changes(fixture.accountId, 3n, 10)).toEqual([]);
  await commitLabels(['L1']);
  expect(await fixture.store.feed.changes(fixture.accountId, 3n, 10)).toMatchObject([
    { seq: 4n, id: 'L1' },
    { seq: 5n, entity: 'collection' },
  ]);
});

test('the feed of an account that is being removed is left to the removal', async () => {
  await plantFeed([200]);
  await sql("UPDATE syncline.accounts SET state = 'removing'");
  expect([await prune(), await feedSeqs()]).toEqual([0, [1, 2]]);
  expect(await pageOfAccounts()).toEqual([]);
});

test('accounts with old events are found page by page, and none when events are kept for ever', async () => {
  await plantFeed([91]);
  const second = await fixture.store.accounts.import({
    email: 'grace@example.com',
    refreshToken: '1//other',
    tenant: 'default',
  });
  const ids = [fixture.accountId, second.id].sort();
  const first = await pageOfAccounts({ limit: 1 });
  expect(first.map(({ id }) => id)).toEqual([ids[0]]);
  const rest = await pageOfAccounts({ after: ids[0]! });
  expect(Object.fromEntries([...first, ...rest].map((row) => [row.id, row.hasOldChanges]))).toEqual(
    { [fixture.accountId]: true, [second.id]: false },
  );
  const kept = await pageOfAccounts({ changesKeptMs: null });
  expect(kept.map(({ hasOldChanges }) => hasOldChanges)).toEqual([false, false]);
});

const pageOfAccounts = (
  o: { after?: string; limit?: number; changesKeptMs?: null } = {},
): Promise<{ id: string; hasOldChanges: boolean }[]> =>
  fixture.store.retention.accounts({ after: null, limit: 10, changesKeptMs: 90 * DAY_MS, ...o });

/** The catalogue of labels becomes exactly these, with the events that say so. */
async function commitLabels(ids: readonly string[]): Promise<void> {
  await sql('UPDATE syncline.collections SET lease_until = NULL, open_runs = 0');
  const lease = await claim(fixture, fixture.accountId, 'gmail');
  await fixture.store.leases.commitPage(lease, {
    cursor: { phase: 'incremental' },
    phase: 'incremental',
    generation: 1,
    delta: {
      kind: 'gmail',
      messages: [],
      labelChanges: [],
      deleted: [],
      labels: ids.map((id) => ({ id, name: id, type: 'user', resource: '{}' })),
    },
  });
}

/** A list of the mirror's rows that follows the feed from the seq at which it was read. */
interface Follower {
  seq: bigint;
  live: Set<string>;
}

type Action =
  | { kind: 'commit'; ids: string[] }
  | { kind: 'list' }
  | { kind: 'read'; which: number; limit: number }
  | { kind: 'age'; days: number }
  | { kind: 'prune'; limit: number };

const label = fc.integer({ min: 0, max: 9 }).map((n) => `L${n}`);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('commit'), ids: fc.uniqueArray(label) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('list') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('read'),
      which: fc.nat(9),
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('age'), days: fc.nat(60) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('prune'), limit: fc.integer({ min: 1, max: 7 }) }),
  },
) as fc.Arbitrary<Action>;

test('while retention deletes, a list folded with the events after its seq gives the live rows, or the read is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 8, maxLength: 40 }), async (actions) => {
      await sql('DELETE FROM syncline.changes');
      await sql('DELETE FROM syncline.gmail_labels');
      await sql('UPDATE syncline.accounts SET feed_seq = 0, feed_oldest_seq = 1');
      const followers: Follower[] = [{ seq: 0n, live: new Set() }];
      for (const step of actions) await act(step, followers);
      for (const follower of followers) await check(follower);
      // Whoever has read everything is never refused.
      const upToDate = await list();
      await sql("UPDATE syncline.changes SET at = at - interval '1 year'");
      await Promise.all([prune({ limit: 3 }), readOn(upToDate, 5), prune({ limit: 1_000 })]);
      await check(upToDate);
    }),
    { numRuns: 25 },
  );
}, 120_000);

async function act(step: Action, followers: Follower[]): Promise<void> {
  switch (step.kind) {
    case 'commit':
      return commitLabels(step.ids);
    case 'list':
      return void followers.push(await list());
    case 'read': {
      const follower = followers[step.which % followers.length]!;
      // Reading and deleting at one moment: each page is whole, or refused.
      await Promise.all([
        readOn(follower, step.limit).catch(unlessPruned),
        prune({ limit: step.limit }),
      ]);
      return;
    }
    case 'age':
      return void (await sql(
        "UPDATE syncline.changes SET at = at - $1::float8 * interval '1 day'",
        [step.days],
      ));
    case 'prune':
      return void (await prune({ limit: step.limit }));
  }
}

async function list(): Promise<Follower> {
  const { seq } = await fixture.store.feed.position(fixture.accountId);
  return { seq, live: await liveRows() };
}

const liveRows = async (): Promise<Set<string>> =>
  new Set((await sql<{ id: string }>('SELECT id FROM syncline.gmail_labels')).map(({ id }) => id));

/** Reads one page, which must continue where the last one ended. */
async function readOn(follower: Follower, limit: number): Promise<void> {
  const events = await fixture.store.feed.changes(fixture.accountId, follower.seq, limit);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => follower.seq + BigInt(i + 1)));
  for (const event of events) fold(follower, event);
}

function fold(follower: Follower, { seq, op, id, entity }: ChangeEvent): void {
  follower.seq = seq;
  if (entity !== 'label') return;
  if (op === 'deleted') follower.live.delete(id);
  else follower.live.add(id);
}

function unlessPruned(error: unknown): void {
  if (!(error instanceof FeedPruned)) throw error;
}

/** The reader is refused exactly when it has missed events; otherwise its fold is the live rows. */
async function check(follower: Follower): Promise<void> {
  const hasMissed = follower.seq + 1n < (await oldestSeq());
  const { seq } = await fixture.store.feed.position(fixture.accountId);
  const refused = await readOn(follower, Number(seq - follower.seq) + 1).then(
    () => false,
    (error: unknown) => {
      unlessPruned(error);
      return true;
    },
  );
  expect(refused).toBe(hasMissed);
  expect(refused || [...follower.live].sort()).toEqual(hasMissed || [...(await liveRows())].sort());
}

describe('rows of the engine that are kept for a time', () => {
  const pruneAccounts = (
    table: Parameters<StoreFixture['store']['retention']['pruneAccounts']>[0],
    limit = 1_000,
  ): Promise<number> => fixture.store.retention.pruneAccounts(table, [fixture.accountId], limit);
  const collectionId = async (kind: string): Promise<string> =>
    (await sql<{ id: string }>('SELECT id FROM syncline.collections WHERE kind = $1', [kind]))[0]!
      .id;

  test('the quota ledger keeps 90 days', async () => {
    await sql(
      `INSERT INTO syncline.quota_ledger (account_id, day, method, calls, units)
       SELECT $1, (now() AT TIME ZONE 'America/Los_Angeles')::date - age, 'messages.get', 1, 20
         FROM unnest(ARRAY[0, 90, 91, 92, 400]) AS age`,
      [fixture.accountId],
    );
    expect([
      await pruneAccounts('quota_ledger', 2),
      await pruneAccounts('quota_ledger', 2),
    ]).toEqual([2, 1]);
    expect(
      await sql(
        `SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date - day AS age FROM syncline.quota_ledger ORDER BY 1`,
      ),
    ).toEqual([{ age: 0 }, { age: 90 }]);
  });

  test('channels stay until a week after they have expired', async () => {
    await sql(
      `INSERT INTO syncline.channels (id, account_id, collection_id, expires_at)
       SELECT 'c' || age, $1, $2, now() - age * interval '1 day' FROM unnest(ARRAY[-1, 6, 8]) AS age`,
      [fixture.accountId, await collectionId('calendar-list')],
    );
    expect(await pruneAccounts('channels')).toBe(1);
    expect(await sql('SELECT id FROM syncline.channels ORDER BY id')).toEqual([
      { id: 'c-1' },
      { id: 'c6' },
    ]);
  });

  test('the collection of a calendar that left the list stays for 90 days, then goes with what it has left', async () => {
    await sql(
      `INSERT INTO syncline.collections (id, account_id, tenant, kind, external_id, state, gone_at)
       SELECT gen_random_uuid(), $1, 'default', 'calendar-events', u.name, u.state, now() - u.age * interval '1 day'
         FROM (VALUES ('left', 'gone', 91), ('left lately', 'gone', 89), ('refused', 'gone', 91), ('synced', 'active', NULL)) AS u(name, state, age)`,
      [fixture.accountId],
    );
    await sql(
      "INSERT INTO syncline.calendars (account_id, id, is_primary, resource) SELECT account_id, external_id, false, '{}' FROM syncline.collections WHERE external_id IN ('refused', 'synced')",
    );
    for (const table of ['held_items', 'full_sync_items'])
      await sql(
        `INSERT INTO syncline.${table} (account_id, collection_id, generation, item_id ${table === 'full_sync_items' ? ', ordinal, pending' : ''})
         SELECT account_id, id, 1, 'e' || n ${table === 'full_sync_items' ? ', n, true' : ''} FROM syncline.collections, generate_series(1, 3) AS n WHERE kind = 'calendar-events'`,
      );
    for (let rows = 2; rows >= 2;) rows = await pruneAccounts('collections', 2);
    expect(
      await sql(
        `SELECT c.external_id AS name, (SELECT count(*)::int FROM syncline.held_items h WHERE h.collection_id = c.id) AS held
           FROM syncline.collections c WHERE kind = 'calendar-events' ORDER BY 1`,
      ),
    ).toEqual([
      { name: 'left lately', held: 3 },
      { name: 'refused', held: 3 },
      { name: 'synced', held: 3 },
    ]);
    expect(await sql('SELECT count(*)::int AS n FROM syncline.full_sync_items')).toEqual([
      { n: 9 },
    ]);
  });

  test('nothing is deleted of a calendar that comes back at the same moment', async () => {
    await sql(
      `INSERT INTO syncline.collections (id, account_id, tenant, kind, external_id, state, gone_at)
       VALUES (gen_random_uuid(), $1, 'default', 'calendar-events', 'left', 'gone', now() - interval '91 days')`,
      [fixture.accountId],
    );
    await sql(
      "INSERT INTO syncline.held_items (account_id, collection_id, generation, item_id) SELECT account_id, id, 1, 'e1' FROM syncline.collections WHERE external_id = 'left'",
    );
    const other = await fixture.database.pool.connect();
    try {
      await other.query('BEGIN');
      await other.query(
        "UPDATE syncline.collections SET state = 'active', gone_at = NULL WHERE external_id = 'left'",
      );
      const pruned = pruneAccounts('collections');
      await Promise.race([pruned, aSessionWaitsForALock()]);
      await other.query('COMMIT');
      await pruned;
    } finally {
      other.release();
    }
    expect(await sql('SELECT count(*)::int AS n FROM syncline.held_items')).toEqual([{ n: 1 }]);
  });

  test('a lease that its process has left behind stays for a day', async () => {
    await sql(
      `INSERT INTO syncline.named_leases (name, token, host, pid, expires_at)
       SELECT 'verify ' || age, gen_random_uuid(), 'h', 1, now() - age * interval '1 hour' FROM unnest(ARRAY[23, 25]) AS age`,
    );
    expect(await fixture.store.retention.pruneFleet('named_leases', 10)).toBe(1);
    expect(await sql('SELECT name FROM syncline.named_leases')).toEqual([{ name: 'verify 23' }]);
  });

  test('a failure of a project stays for 30 days, and for as long as the project has accounts', async () => {
    await sql(
      `INSERT INTO syncline.project_failures (project, scope, code, refused_at)
       SELECT p, 'client', 'invalid_client', now() - age * interval '1 day' FROM (VALUES ('default', 31), ('former', 31), ('lately', 29)) AS u(p, age)`,
    );
    expect(await fixture.store.retention.pruneFleet('project_failures', 10)).toBe(1);
    expect(await sql('SELECT project FROM syncline.project_failures ORDER BY project')).toEqual([
      { project: 'default' },
      { project: 'lately' },
    ]);
  });
});

async function aSessionWaitsForALock(): Promise<void> {
  const text =
    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS waits";
  while (!(await sql<{ waits: boolean }>(text))[0]!.waits)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('lists of full syncs', () => {
  /** 40,000 rows and their indexes: more than 8 MB. */
  const plantList = (): Promise<unknown> =>
    sql(
      `INSERT INTO syncline.full_sync_items (account_id, collection_id, generation, item_id, ordinal, pending)
       SELECT $1, $2, 1, 'item ' || n, n, true FROM generate_series(1, 40000) AS n`,
      [fixture.accountId, randomUUID()],
    );
  const bytesOfList = async (): Promise<number> => {
    const [row] = await sql<{ bytes: number }>(
      "SELECT pg_total_relation_size('syncline.full_sync_items')::float8 AS bytes",
    );
    return row?.bytes ?? 0;
  };

  test('give their disk back when no sync has one', async () => {
    await plantList();
    expect(await fixture.store.retention.truncateEmptyLists()).toBe(0);
    expect(await sql('SELECT count(*)::int AS n FROM syncline.full_sync_items')).toEqual([
      { n: 40_000 },
    ]);
    await sql('DELETE FROM syncline.full_sync_items');
    const before = await bytesOfList();
    expect(await fixture.store.retention.truncateEmptyLists()).toBe(before);
    expect(await bytesOfList()).toBeLessThan(100_000);
  });

  test('are left alone while a transaction uses them, without waiting for it', async () => {
    await plantList();
    await sql('DELETE FROM syncline.full_sync_items');
    const before = await bytesOfList();
    const user = await fixture.database.pool.connect();
    try {
      await user.query('BEGIN; SELECT FROM syncline.full_sync_items LIMIT 1');
      expect(await fixture.store.retention.truncateEmptyLists()).toBe(0);
    } finally {
      await user.query('ROLLBACK');
      user.release();
    }
    expect(await bytesOfList()).toBe(before);
  });
});
