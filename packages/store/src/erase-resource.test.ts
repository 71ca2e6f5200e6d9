import { storeFixture, type StoreFixture } from '../../../test/support/database.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

const collections = async (): Promise<unknown[]> =>
  (await fixture.database.pool.query('SELECT kind, state FROM syncline.collections ORDER BY kind'))
    .rows;

test('a resource that is being erased is not claimed, and its collections are deleted last', async () => {
  const { resourceErasure } = fixture.store;
  expect(await resourceErasure.begin(fixture.accountId, 'calendar')).toBe(true);
  expect(await collections()).toEqual([
    { kind: 'calendar-list', state: 'removing' },
    { kind: 'gmail', state: 'active' },
  ]);
  const due = await fixture.store.schedule.claimDue({ limit: 10, visibilityMs: 1_000 });
  expect(due.map(({ kind }) => kind)).toEqual(['gmail']);
  expect(await resourceErasure.abandoned(0, 10)).toEqual([
    { accountId: fixture.accountId, resource: 'calendar' },
  ]);
  // A later call starts the erasure again.
  expect(await resourceErasure.begin(fixture.accountId, 'calendar')).toBe(true);
  expect(await resourceErasure.eraseSome(fixture.accountId, 'calendar')).toEqual({
    erased: 1,
    done: true,
  });
  expect(await collections()).toEqual([{ kind: 'gmail', state: 'active' }]);
  expect(await resourceErasure.abandoned(0, 10)).toEqual([]);
});

test('the last resource of an account, and one that it does not have, are not erased', async () => {
  const { resourceErasure } = fixture.store;
  await resourceErasure.begin(fixture.accountId, 'calendar');
  expect(await resourceErasure.begin(fixture.accountId, 'gmail')).toBe(false);
  await resourceErasure.eraseSome(fixture.accountId, 'calendar');
  expect(await resourceErasure.begin(fixture.accountId, 'calendar')).toBe(false);
});
