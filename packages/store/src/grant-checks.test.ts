import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import type { Held } from './grant-checks.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

const UNPROVEN: Held = {
  state: 'reauth_required',
  code: 'identity-unproven',
  reason: 'the grant is not proven to belong to the same mailbox',
};

async function grantNumber(): Promise<number> {
  const { rows } = await fixture.database.pool.query<{ n: number }>(
    'SELECT grant_number AS n FROM syncline.accounts WHERE id = $1',
    [fixture.accountId],
  );
  return rows[0]!.n;
}

async function collections(): Promise<unknown[]> {
  const { rows } = await fixture.database.pool.query(
    'SELECT id, lease_epoch, lease_until, run_open, error FROM syncline.collections WHERE account_id = $1 ORDER BY id',
    [fixture.accountId],
  );
  return rows;
}

test('an earlier grant that is refused leaves the runs of the present grant undisturbed', async () => {
  await claim(fixture, fixture.accountId, 'gmail');
  const before = await collections();
  const present = await grantNumber();
  const { hold } = fixture.store.grantChecks;
  expect(await hold(fixture.accountId, present - 1, UNPROVEN)).toBe(false);
  expect(await collections()).toEqual(before);
});

test('a grant that is held already ends the runs of its account once', async () => {
  const lease = await claim(fixture, fixture.accountId, 'gmail');
  const present = await grantNumber();
  const { hold } = fixture.store.grantChecks;
  expect(await hold(fixture.accountId, present, UNPROVEN)).toBe(true);
  const held = await collections();
  expect(held).toContainEqual(
    expect.objectContaining({
      id: lease.collectionId,
      lease_epoch: String(lease.epoch + 1n),
      lease_until: null,
      run_open: false,
      error: UNPROVEN.reason,
    }),
  );
  expect(await hold(fixture.accountId, present, UNPROVEN)).toBe(false);
  expect(await collections()).toEqual(held);
});
