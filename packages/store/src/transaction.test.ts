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
beforeEach(() => pool.query('TRUNCATE syncline.notes'));

const insert = (id: number, word: string | null): { text: string; values: unknown[] } => ({
  text: 'INSERT INTO syncline.notes VALUES ($1, $2)',
  values: [id, word],
});
const words = async (): Promise<string[]> =>
  (await pool.query<{ word: string }>('SELECT word FROM syncline.notes ORDER BY id')).rows.map(
    ({ word }) => word,
  );

test('what is sent without waiting is done in order, and stored when the transaction is committed', async () => {
  const seen = await inTransaction(pool, async (transaction) => {
    transaction.send(insert(1, 'a'));
    transaction.send({ text: "UPDATE syncline.notes SET word = word || 'b'" });
    return (await transaction.query<{ word: string }>({ text: 'SELECT word FROM syncline.notes' }))
      .rows;
  });
  expect(seen).toEqual([{ word: 'ab' }]);
  expect(await words()).toEqual(['ab']);
});

test('a statement that was only sent fails the transaction, with its own error, and nothing is stored', async () => {
  const failing = inTransaction(pool, (transaction) => {
    transaction.send(insert(1, 'a'));
    transaction.send(insert(2, null));
    transaction.send(insert(3, 'c'));
    return Promise.resolve();
  });
  await expect(failing).rejects.toMatchObject({ code: '23502' });
  expect(await words()).toEqual([]);
});

test('a failed statement without a listener cannot pass as a commit', async () => {
  const failing = inTransaction(pool, (transaction) => {
    transaction.send(insert(1, 'a'));
    void transaction.query(insert(2, null));
    return Promise.resolve();
  });
  await expect(failing).rejects.toThrow('its error was not awaited');
  expect(await words()).toEqual([]);
});

test('a statement that is sent after the transaction has failed writes nothing', async () => {
  let late: Promise<unknown> = Promise.resolve();
  const failing = inTransaction(pool, async (transaction) => {
    const first = transaction.query(insert(1, 'a'));
    // Simulates a statement that still waits for the lock of a row while a lost lease ends the
    // transaction.
    late = first
      .then(() => new Promise((resolve) => setImmediate(resolve)))
      .then(() => transaction.query(insert(2, 'b')));
    late.catch(() => undefined);
    await first;
    throw new Error('the lease is lost');
  });
  await expect(failing).rejects.toThrow('the lease is lost');
  await expect(late).rejects.toThrow('has ended');
  expect(await words()).toEqual([]);
});

test('a session whose transaction failed is as good as new, for statements too that were first named in it', async () => {
  const named = { name: 'note-insert', ...insert(2, 'b') };
  const failing = inTransaction(pool, async (transaction) => {
    transaction.send(insert(1, null));
    await transaction.query(named);
  });
  await expect(failing).rejects.toThrow();
  await inTransaction(pool, (transaction) => Promise.resolve(transaction.send(named)));
  expect(await words()).toEqual(['b']);
});
