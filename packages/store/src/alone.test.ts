import { storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { alone } from './alone.js';
import { openPool } from './pool.js';
import { inTransaction } from './transaction.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
});
afterAll(() => fixture.close());

const LEASES = 'SELECT name FROM syncline.named_leases';
const sql = (text: string): Promise<{ rows: unknown[] }> => fixture.database.pool.query(text);

test('does the work once at a time by name, reports the holder, and leaves no lease behind', async () => {
  const { store } = fixture;
  const done = await store.alone('compare', async () => {
    const second = await store.alone('compare', () => Promise.resolve('also'));
    expect(second).toMatchObject({
      kind: 'held',
      by: { pid: process.pid, host: expect.any(String), since: expect.any(Date) },
    });
    expect(await store.alone('other', () => Promise.resolve(1))).toEqual({
      kind: 'done',
      result: 1,
    });
    return 'first';
  });
  expect(done).toEqual({ kind: 'done', result: 'first' });
  await expect(
    store.alone('compare', () => Promise.reject(new Error('it failed'))),
  ).rejects.toThrow('it failed');
  expect((await sql(LEASES)).rows).toEqual([]);
});

test('a lease expires when its holder is dead, and the late holder cannot write', async () => {
  const pool = openPool(fixture.database.url, 1);
  try {
    await alone(fixture.rt, pool, 'compare', async (lease) => {
      await sql(`UPDATE syncline.named_leases SET expires_at = now() - interval '1 second'`);
      const next = await fixture.store.alone('compare', () =>
        inTransaction(pool, (transaction) => lease.fence(transaction)).catch(String),
      );
      expect(next).toMatchObject({ result: expect.stringContaining('NamedLeaseLost') });
    });
  } finally {
    await pool.end();
  }
});

test('stops the work when another process has taken over its lease', async () => {
  let seenReason: unknown;
  const lost = fixture.store.alone('compare', async (lease) => {
    const aborted = new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
    await sql(`UPDATE syncline.named_leases SET token = gen_random_uuid()`);
    await aborted;
    seenReason = lease.signal.reason;
  });
  await expect(lost).rejects.toThrow('could not be renewed in time');
  expect(String(seenReason)).toContain('compare');
  expect((await sql(LEASES)).rows).toEqual([{ name: 'compare' }]);
}, 30_000);
