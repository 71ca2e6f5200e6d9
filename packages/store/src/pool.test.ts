import type pg from 'pg';
import { testDatabase, type TestDatabase } from '../../../test/support/database.js';
import { openHalfOpenProxy, type HalfOpenProxy } from '../../../test/support/half-open-proxy.js';
import { openPool } from './pool.js';
import { inTransaction, type Transaction } from './transaction.js';

let database: TestDatabase;
let proxy: HalfOpenProxy;
beforeAll(async () => {
  database = await testDatabase();
  proxy = await openHalfOpenProxy(database.url);
});
afterAll(async () => {
  proxy.close();
  await database.drop();
});

test('a session that no longer answers is closed with its pending statements, and replaced', async () => {
  const pool = openPool(proxy.url, 1, { answerLimitMs: 300 });
  try {
    await pool.query('SELECT 1');
    expect(proxy.silence('user')).toBe(1);
    const transaction = inTransaction(pool, async (session) => {
      session.send({ text: 'SELECT 1' });
      return session.query('SELECT 2');
    });
    await expect(transaction).rejects.toThrow();
    expect((await pool.query('SELECT 3 AS three')).rows).toEqual([{ three: 3 }]);
  } finally {
    await pool.end();
  }
});

const CLOSED = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1';

test.each([
  [
    'while nothing is asked',
    (pool: pg.Pool, session: Transaction) =>
      pool.query(CLOSED, ['held']).then(() => session.query('SELECT 1')),
  ],
  [
    'while an answer is waited for',
    (_pool: pg.Pool, session: Transaction) => session.query(CLOSED, ['held']),
  ],
])(
  'a session that ends in the middle of a transaction, %s, ends the transaction and not the process',
  async (_when, end) => {
    const pool = openPool(database.url, 2);
    try {
      const transaction = inTransaction(pool, async (session) => {
        await session.query("SET LOCAL application_name = 'held'");
        return end(pool, session);
      });
      await expect(transaction).rejects.toThrow();
      expect((await pool.query('SELECT 3 AS three')).rows).toEqual([{ three: 3 }]);
    } finally {
      await pool.end();
    }
  },
);

test('the statements of a transaction are sent in one write', async () => {
  const pool = openPool(database.url, 1);
  try {
    await pool.query('SELECT 1');
    const session = await pool.connect();
    const stream = session.connection.stream as unknown as Record<
      '_write' | '_writev',
      (...given: unknown[]) => void
    >;
    let writes = 0;
    for (const name of ['_write', '_writev'] as const) {
      const write = stream[name].bind(stream);
      stream[name] = (...given) => {
        writes += 1;
        write(...given);
      };
    }
    session.release();
    await inTransaction(pool, async (transaction) => {
      transaction.send({ name: 'counted-writes', text: 'SELECT $1::int', values: [1] });
      await transaction.commit();
    });
    expect(writes).toBe(1);
  } finally {
    await pool.end();
  }
});
