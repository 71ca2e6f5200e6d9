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
    'SELECT id, lease_epoch, lease_until, open_runs, error FROM syncline.collections WHERE account_id = $1 ORDER BY id',
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
      open_runs: 0,
      error: UNPROVEN.reason,
    }),
  );
  expect(await hold(fixture.accountId, present, UNPROVEN)).toBe(false);
  expect(await collections()).toEqual(held);
});

describe('an account whose stored grant Google refuses, and for which another person’s was offered since', () => {
  const OFFERED: Held = {
    state: 'reauth_required',
    code: 'identity-refused',
    reason: 'this grant belongs to another Google account',
  };

  test('is resumed with the stored grant, also when Google is not asked again by itself', async () => {
    const { store, accountId } = fixture;
    const number = await grantNumber();
    await store.identities.bind(accountId, number, { sub: '7', address: null });
    const refused: Held = { state: 'reauth_required', code: 'grant-refused', reason: 'refused' };
    expect(await store.grantChecks.hold(accountId, number, refused)).toBe(true);
    expect(await store.grantChecks.note(accountId, OFFERED)).toBe(true);
    expect(await store.accounts.resume(accountId)).toBe(true);
    expect(await store.grantChecks.known(accountId)).toMatchObject({ verified: true });
  });

  test('is not resumed when it is the stored grant that belongs to another account', async () => {
    const { store, accountId } = fixture;
    expect(await store.grantChecks.hold(accountId, await grantNumber(), OFFERED)).toBe(true);
    expect(await store.accounts.resume(accountId)).toBe(false);
  });
});
