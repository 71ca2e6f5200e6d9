import { storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { findAccount } from './accounts/find.js';
import { requestRemoval } from './operations.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
});
afterAll(() => fixture.close());

async function removalWith(store: object): Promise<unknown> {
  const named = await findAccount(fixture, { email: 'ada@example.com' });
  if (named.kind !== 'found') throw new Error(named.kind);
  const deps = { store: { operations: fixture.store.operations, ...store } };
  return requestRemoval(
    { clock: { now: () => new Date(), nowMs: () => Date.now(), sleep: async () => undefined } },
    deps as Parameters<typeof requestRemoval>[1],
    named.found,
    { keepGrant: true },
  );
}

test('a removal that could not begin leaves no operation, and one that has begun can be requested again', async () => {
  const begin = () => Promise.reject(new Error('Postgres is away'));
  await expect(removalWith({ removal: { begin } })).rejects.toThrow('Postgres is away');
  const { rows } = await fixture.database.pool.query('SELECT id FROM syncline.operations');
  expect(rows).toEqual([]);
  const { removal } = fixture.store;
  const create = () => Promise.reject(new Error('the process was killed'));
  await expect(removalWith({ removal, operations: { create } })).rejects.toThrow('killed');
  expect(await removalWith({ removal })).toMatchObject({ kind: 'removal', state: 'running' });
});
