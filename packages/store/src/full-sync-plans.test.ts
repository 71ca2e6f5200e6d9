import { preparedName } from '../../../test/support/prepared-name.js';
import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { openPool } from './pool.js';
import { Transaction } from './transaction.js';
import { applyItems, nextPending } from './full-sync-items.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
});
afterAll(() => fixture.close());

/** Number of executions after which Postgres may keep a generic plan. */
const TIMES = 6;

test.each([
  [true, 'Index'],
  [false, 'Seq Scan'],
])(
  "the plan of a worker's session that was made while the list of full syncs was small finds its rows by index (%s: %s)",
  async (byIndex, found) => {
    const lease = await claim(fixture, fixture.accountId, 'gmail');
    const pool = openPool(fixture.database.url, 1, { byIndex });
    const session = await pool.connect();
    try {
      await session.query('ANALYZE syncline.full_sync_items');
      const transaction = new Transaction(session);
      for (let i = 0; i < TIMES; i++)
        await applyItems(transaction, lease, 1, {
          listed: [{ id: `m${i}`, ordinal: BigInt(i), pending: false }],
          clearLimit: 10,
        });
      const { rows } = await transaction.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN EXECUTE "${await preparedName(session, 'full-sync-clear')}"('${lease.accountId}', '${lease.collectionId}', 10)`,
      );
      await transaction.commit();
      expect(
        rows.map((row) => row['QUERY PLAN']).find((line) => / on full_sync_items p/.test(line)),
      ).toContain(found);
    } finally {
      session.release();
      await pool.end();
      await fixture.database.pool.query('UPDATE syncline.collections SET lease_until = NULL');
    }
  },
);

test("a worker's session reads the next pending items in their order, and clears a range of the primary key, by index", async () => {
  const lease = await claim(fixture, fixture.accountId, 'gmail');
  const pool = openPool(fixture.database.url, 1, { byIndex: true });
  // The pool has one session.
  await nextPending(pool, lease, 1, { afterOrdinal: 0n, limit: 10, except: [] });
  const session = await pool.connect();
  try {
    const transaction = new Transaction(session);
    await applyItems(transaction, lease, 1, { clearLimit: 10 });
    const place = `'${lease.accountId}', '${lease.collectionId}'`;
    expect(await planOf(transaction, 'full-sync-next', `${place}, 1, 0, 10, '{}'`)).toContain(
      'full_sync_items_next_idx',
    );
    for (const [label, table] of [
      ['full-sync-clear', 'full_sync_items'],
      ['full-sync-labels-clear', 'full_sync_labels'],
    ] as const)
      expect(await planOf(transaction, label, `${place}, 10`)).toMatch(
        new RegExp(
          `Index Scan using ${table}_pkey on ${table} t[^]*Index Cond: [^\\n]*ROW\\(generation, item_id`,
        ),
      );
    await transaction.commit();
  } finally {
    session.release();
    await pool.end();
  }
});

async function planOf(transaction: Transaction, label: string, values: string): Promise<string> {
  const { rows } = await transaction.query<{ 'QUERY PLAN': string }>(
    `EXPLAIN EXECUTE "${await preparedName(transaction, label)}"(${values})`,
  );
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}
