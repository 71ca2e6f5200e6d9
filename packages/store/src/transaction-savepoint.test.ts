import { storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { openPool } from './pool.js';
import { inTransaction } from './transaction.js';

let fixture: StoreFixture;
let pool: ReturnType<typeof openPool>;
beforeAll(async () => {
  fixture = await storeFixture();
  pool = openPool(fixture.database.url, 1);
  await pool.query('CREATE TABLE syncline.notes (id int PRIMARY KEY, word text NOT NULL)');
});
afterAll(async () => {
  await pool.end();
  await fixture.close();
});

const insert = (id: number, word: string | null): { text: string; values: unknown[] } => ({
  text: 'INSERT INTO syncline.notes VALUES ($1, $2)',
  values: [id, word],
});

test('a failure inside a savepoint undoes its own statements, and the transaction continues', async () => {
  const failures: unknown[] = [];
  await inTransaction(pool, async (transaction) => {
    transaction.send(insert(1, 'before'));
    for (const word of [null, 'kept'])
      await transaction
        .withSavepoint(async () => {
          transaction.send(insert(2, word));
          transaction.send(insert(3, 'after'));
        })
        .catch((error: { code: unknown }) => failures.push(error.code));
    transaction.send(insert(4, 'end'));
  });
  expect(failures).toEqual(['23502']);
  expect((await pool.query('SELECT word FROM syncline.notes ORDER BY id')).rows).toEqual(
    ['before', 'kept', 'after', 'end'].map((word) => ({ word })),
  );
});

test('a transaction reports its first error, even when a later statement is awaited', async () => {
  const failing = inTransaction(pool, async (transaction) => {
    transaction.send(insert(9, null));
    await transaction.query('SELECT 1');
  });
  await expect(failing).rejects.toMatchObject({ code: '23502' });
});
