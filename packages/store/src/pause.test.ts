import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

async function leases(): Promise<unknown[]> {
  const { rows } = await fixture.database.pool.query(
    'SELECT id, lease_epoch, lease_until, open_runs FROM syncline.collections WHERE account_id = $1 ORDER BY id',
    [fixture.accountId],
  );
  return rows;
}

test.each(['reauth_required', 'removing'])(
  'a pause that the state %s does not allow leaves leases as they are',
  async (state) => {
    await claim(fixture, fixture.accountId, 'gmail');
    await fixture.database.pool.query('UPDATE syncline.accounts SET state = $2 WHERE id = $1', [
      fixture.accountId,
      state,
    ]);
    const before = await leases();
    expect(await fixture.store.accounts.pause(fixture.accountId)).toBe(false);
    expect(await leases()).toEqual(before);
  },
);

test('a pause ends the lease of a run', async () => {
  const lease = await claim(fixture, fixture.accountId, 'gmail');
  expect(await fixture.store.accounts.pause(fixture.accountId)).toBe(true);
  expect(await leases()).toContainEqual({
    id: lease.collectionId,
    lease_epoch: String(lease.epoch + 1n),
    lease_until: null,
    open_runs: 0,
  });
});
