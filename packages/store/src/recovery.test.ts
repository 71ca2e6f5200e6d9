import { randomUUID } from 'node:crypto';
import { openStore, type Store } from '@syncline/store';
import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { preparedName } from '../../../test/support/prepared-name.js';
import { openPool } from './pool.js';
import { bringForward, releaseDeadWorkers } from './recovery.js';

let fixture: StoreFixture;
/** The store of a worker with a name. */
let worker: Store;
const HOLDER = '77-aaaaaaaa';
const WITHIN_MS = 30_000;

beforeAll(async () => {
  fixture = await storeFixture();
  // The feed is not read here, and thousands of calendars would be events of one account.
  await fixture.database.pool.query('ALTER TABLE syncline.collections DISABLE TRIGGER USER');
  worker = await openStore(fixture.rt, {
    databaseUrl: fixture.database.url,
    masterKey: fixture.masterKey,
    poolSize: 2,
    holder: HOLDER,
  });
});
afterAll(async () => {
  await worker.close();
  await fixture.close();
});
beforeEach(() =>
  fixture.database.pool.query(
    "UPDATE syncline.collections SET next_sync_at = '9999-01-01', lease_until = NULL, open_runs = 0; DELETE FROM syncline.collection_crashes",
  ),
);

/** Calendars of one more account whose dates are so many seconds from now, one second apart. */
async function calendars(count: number, fromSeconds: number): Promise<string[]> {
  const added = await fixture.database.pool.query<{ id: string }>({
    text: `WITH account AS (INSERT INTO syncline.accounts (id, tenant, email, address) SELECT gen_random_uuid(), 'default', u.email, u.email FROM (SELECT gen_random_uuid() || '@example.com' AS email) u RETURNING id)
           INSERT INTO syncline.collections (id, account_id, tenant, kind, external_id, next_sync_at)
           SELECT gen_random_uuid(), account.id, 'default', 'calendar-events', 'c' || n, now() + ($2 + n) * interval '1 s' FROM account, generate_series(0, $1 - 1) AS n RETURNING id`,
    values: [count, fromSeconds],
  });
  return added.rows.map(({ id }) => id);
}

const claimDue = async (limit: number): Promise<string[]> =>
  (
    await fixture.store.schedule.claimDue({
      limit,
      visibilityMs: WITHIN_MS,
      queue: { resource: 'calendar' as const, full: true },
    })
  ).map(({ id }) => id);
const dead = (silentMs: number) => [{ holder: HOLDER, silentMs }];

async function dueInMs(id: string): Promise<number> {
  const row = await fixture.database.pool.query<{ ms: string }>(
    'SELECT extract(epoch FROM next_sync_at - now()) * 1000 AS ms FROM syncline.collections WHERE id = $1',
    [id],
  );
  return Number(row.rows[0]?.ms);
}

describe('what Redis has forgotten', () => {
  test('enqueued collections are due again in their old order, and what is due much later is left alone', async () => {
    const [due, later] = [await calendars(3, -100), (await calendars(1, 60))[0]!];
    expect(await claimDue(10)).toHaveLength(3);
    expect(await claimDue(10)).toEqual([]);
    expect(await fixture.store.schedule.bringForward(WITHIN_MS)).toBe(3);
    // One that was waiting in Postgres meanwhile has its turn after those whose turn had come.
    const [waited] = await calendars(1, 0);
    expect(await claimDue(3)).toEqual(expect.arrayContaining(due));
    expect(await claimDue(10)).toEqual([waited]);
    expect(await dueInMs(later)).toBeGreaterThan(50_000);
  });

  test('what a worker is at comes due when its lease ends, once, and the end of the run has the last word', async () => {
    const [id] = await calendars(1, 20);
    const held = await worker.leases.claim(id!);
    if (held.kind !== 'claimed') throw new Error(held.kind);
    expect(await fixture.store.schedule.bringForward(WITHIN_MS)).toBe(1);
    expect(await dueInMs(id!)).toBeGreaterThan(4_000);
    expect(await dueInMs(id!)).toBeLessThanOrEqual(6_000);
    expect(await fixture.store.schedule.bringForward(WITHIN_MS)).toBe(0);
    await worker.leases.finish(held.lease, { result: 'caught-up', nextInMs: 50_000, error: null });
    expect(await dueInMs(id!)).toBeGreaterThan(45_000);
  });

  test('an interrupted run continues before the collection that waits longest', async () => {
    const [cutOff] = await calendars(1, 20);
    await calendars(50, -600);
    const held = await worker.leases.claim(cutOff!);
    if (held.kind !== 'claimed') throw new Error(held.kind);
    await fixture.database.pool.query(
      "UPDATE syncline.collections SET lease_until = now() - interval '1 ms' WHERE id = $1",
      [cutOff],
    );
    expect(await fixture.store.schedule.bringForward(WITHIN_MS)).toBe(1);
    expect(
      await fixture.store.schedule.claimDue({
        limit: 1,
        visibilityMs: WITHIN_MS,
        queue: { resource: 'calendar' as const, full: true },
      }),
    ).toMatchObject([{ id: cutOff, interrupted: true }]);
  });

  test('more than a batch comes forward as a whole', async () => {
    await calendars(2_500, 0);
    await fixture.database.pool.query(
      "UPDATE syncline.collections SET next_sync_at = now() + interval '10 s' WHERE next_sync_at < '9999-01-01'",
    );
    expect(await fixture.store.schedule.bringForward(WITHIN_MS)).toBe(2_500);
    expect(await fixture.store.schedule.bringForward(WITHIN_MS)).toBe(0);
  });
});

describe('a worker that is gone', () => {
  test('its leases are free at once, the next claim counts the crash, and what no job names is due before whoever waits', async () => {
    // One of them was due already, as the next turn of a run that went on by itself is.
    const [[unnamed, others], [named]] = [
      (await calendars(2, 20)) as [string, string],
      (await calendars(1, -5)) as [string],
    ];
    await calendars(5, -600);
    for (const id of [named, unnamed]) await worker.leases.claim(id);
    await fixture.store.leases.claim(others);
    expect(await fixture.store.leases.claim(named)).toMatchObject({ kind: 'busy' });
    await fixture.database.pool.query(
      "UPDATE syncline.collections SET lease_until = lease_until - interval '1500 ms' WHERE lease_holder = $1",
      [HOLDER],
    );
    expect(
      await fixture.store.schedule.releaseDeadWorkers(dead(1_000), {
        jobs: [named],
        withinMs: WITHIN_MS,
      }),
    ).toEqual([{ holder: HOLDER, released: 2, alive: false }]);
    expect(await claimDue(1)).toEqual([unnamed]);
    // The other's job is given back. When Redis forgets it before anybody takes it, its turn is not lost either.
    expect(await dueInMs(named)).toBeGreaterThan(25_000);
    await fixture.store.schedule.bringForward(WITHIN_MS);
    expect((await claimDue(2)).toSorted()).toEqual([named, unnamed].toSorted());
    for (const id of [named, unnamed])
      expect(await fixture.store.leases.claim(id)).toMatchObject({
        kind: 'claimed',
        lease: { crashes: 1 },
      });
    expect(await fixture.store.leases.claim(others)).toMatchObject({ kind: 'busy' });
  });

  test('who has touched a lease since keeps all of them: it has lost Redis, not its life', async () => {
    const [busy, quiet] = (await calendars(2, 20)) as [string, string];
    for (const id of [busy, quiet]) await worker.leases.claim(id);
    await fixture.database.pool.query(
      "UPDATE syncline.collections SET lease_until = lease_until - interval '3 s' WHERE id = $1",
      [quiet],
    );
    expect(
      await fixture.store.schedule.releaseDeadWorkers(dead(2_000), {
        jobs: [busy, quiet],
        withinMs: WITHIN_MS,
      }),
    ).toEqual([{ holder: HOLDER, released: 0, alive: true }]);
    for (const id of [busy, quiet])
      expect(await fixture.store.leases.claim(id)).toMatchObject({ kind: 'busy' });
  });

  test('a live worker that was released continues until another worker claims its collection, and is fenced out then', async () => {
    const lease = await claim(
      { store: worker, database: fixture.database },
      fixture.accountId,
      'gmail',
    );
    await fixture.database.pool.query(
      "UPDATE syncline.collections SET lease_until = lease_until - interval '2 s' WHERE id = $1",
      [lease.collectionId],
    );
    expect(
      await fixture.store.schedule.releaseDeadWorkers(dead(1_500), {
        jobs: [lease.collectionId],
        withinMs: WITHIN_MS,
      }),
    ).toMatchObject([{ released: 1 }]);
    await worker.leases.renew(lease);
    expect(await fixture.store.leases.claim(lease.collectionId)).toMatchObject({ kind: 'busy' });
    await worker.leases.finish(lease, { result: 'caught-up', nextInMs: 60_000, error: null });

    const again = await claim(
      { store: worker, database: fixture.database },
      fixture.accountId,
      'gmail',
    );
    expect(again.crashes).toBe(0);
    await fixture.database.pool.query(
      "UPDATE syncline.collections SET lease_until = lease_until - interval '2 s' WHERE id = $1",
      [lease.collectionId],
    );
    await fixture.store.schedule.releaseDeadWorkers(dead(1_500), {
      jobs: [lease.collectionId],
      withinMs: WITHIN_MS,
    });
    await claim(fixture, fixture.accountId, 'gmail');
    await expect(worker.leases.renew(again)).rejects.toThrow('taken over');
  });

  test('a holder without a lease, and a job without a collection, are nothing', async () => {
    expect(
      await fixture.store.schedule.releaseDeadWorkers(dead(1_000), {
        jobs: [randomUUID(), '42'],
        withinMs: WITHIN_MS,
      }),
    ).toEqual([{ holder: HOLDER, released: 0, alive: false }]);
  });
});

test('both read one range of the index a queue, however many collections there are', async () => {
  await calendars(20_000, 3_600);
  const pool = openPool(fixture.database.url, 1);
  const session = await pool.connect();
  try {
    await session.query('ANALYZE syncline.collections');
    await bringForward(session, WITHIN_MS);
    await releaseDeadWorkers(session, dead(1_000), {
      jobs: [randomUUID()],
      withinMs: WITHIN_MS,
      ttlMs: 6_000,
    });
    for (const [label, values] of [
      [`bring-forward`, '30000, NULL'],
      [`release-dead-workers`, `'{a}', '{1000}', '{${randomUUID()}}', 30000, 6000`],
    ] as const) {
      const { rows } = await session.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN EXECUTE "${await preparedName(session, label)}"(${values})`,
      );
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toMatch(
        /Index Scan using collections_due_by_queue_idx[^\n]*\n\s*Index Cond: \(\(split_part\(kind, '-'::text, 1\) = "\*VALUES\*"\.column1\) AND \(\(\(phase <> 'incremental'::text\) OR full_sync_requested\) = "\*VALUES\*"\.column2\) AND \(next_sync_at > /,
      );
      expect(plan).not.toContain('Seq Scan');
    }
  } finally {
    session.release();
    await pool.end();
  }
});
