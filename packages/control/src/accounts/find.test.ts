import type { NamedAccount } from '@syncline/store';
import { storeFixture, type StoreFixture } from '../../../../test/support/database.js';
import { findAccount, findAccountView, findAccounts, pickAccount } from './find.js';

function account(tenant: string, email = 'a@example.com', aliases: string[] = []): NamedAccount {
  return {
    id: `${tenant}/${email}`,
    email,
    tenant,
    state: 'active',
    reason: null,
    resources: ['gmail'],
    aliases,
  };
}

describe('the account that is meant', () => {
  it('is the only one with the address', () => {
    const one = account('one');
    expect(pickAccount([one], 'a@example.com')).toEqual({ kind: 'found', found: one });
  });

  it("is the named tenant's", () => {
    const [one, two] = [account('one'), account('two')];
    expect(pickAccount([one, two], 'a@example.com', 'two')).toEqual({ kind: 'found', found: two });
  });

  it('is ambiguous when several tenants have connected the address and none is named', () => {
    expect(pickAccount([account('one'), account('two')], 'a@example.com')).toEqual({
      kind: 'ambiguous',
      email: 'a@example.com',
      tenants: ['one', 'two'],
    });
  });

  it('is not found, with the tenants that have connected the address', () => {
    const refusal = { kind: 'not-found', email: 'a@example.com' };
    expect(pickAccount([], 'a@example.com')).toEqual({
      ...refusal,
      tenant: null,
      otherTenants: [],
    });
    expect(pickAccount([account('one')], 'a@example.com', 'three')).toEqual({
      ...refusal,
      tenant: 'three',
      otherTenants: ['one'],
    });
  });

  it('compares addresses without case and finds the account by an earlier address', () => {
    const [renamed, other] = [account('one', 'New@example.com', ['a@example.com']), account('two')];
    expect(pickAccount([renamed], 'NEW@example.com')).toMatchObject({ found: renamed });
    expect(pickAccount([renamed, other], 'A@Example.com', 'one')).toMatchObject({ found: renamed });
    expect(pickAccount([renamed, other], 'a@example.com')).toMatchObject({ kind: 'ambiguous' });
  });

  it('prefers the account that has the address to one that had it earlier', () => {
    const [renamed, has] = [account('one', 'new@example.com', ['a@example.com']), account('one')];
    expect(pickAccount([renamed, has], 'A@example.com')).toMatchObject({ found: has });
  });
});

describe('accounts in the database', () => {
  let fixture: StoreFixture;
  beforeAll(async () => {
    fixture = await storeFixture();
    for (const [tenant, email] of [
      ['one', 'eve@example.com'],
      ['two', 'eve@example.com'],
      ['two', 'ben@example.com'],
    ] as const)
      await fixture.store.accounts.import({ email, tenant, refreshToken: `1//${tenant}${email}` });
  });
  afterAll(() => fixture.close());

  const emails = async (named: string[], tenant?: string): Promise<unknown> => {
    const result = await findAccounts(fixture, { emails: named, tenant });
    if (result.kind !== 'found') return result;
    return result.found && result.found.map((one) => `${one.tenant}/${one.email}`);
  };

  it('are found by address and tenant, with and without their collections', async () => {
    const ref = { email: 'EVE@example.com', tenant: 'two' };
    expect(await findAccount(fixture, ref)).toMatchObject({
      found: { email: 'eve@example.com', tenant: 'two' },
    });
    expect(await findAccountView(fixture, ref)).toMatchObject({
      found: { tenant: 'two', collections: [{ kind: 'gmail' }, { kind: 'calendar-list' }] },
    });
    expect(await findAccount(fixture, { email: 'nobody@example.com' })).toMatchObject({
      kind: 'not-found',
    });
  });

  it('are all of them, given as null, when neither an address nor a tenant is named', async () => {
    expect(await emails([])).toBeNull();
  });

  it('are listed once when an address is named twice', async () => {
    expect(await emails(['ben@example.com', 'BEN@example.com'])).toEqual(['two/ben@example.com']);
  });

  it('are those of a tenant when only the tenant is named', async () => {
    expect(await emails([], 'two')).toEqual(['two/ben@example.com', 'two/eve@example.com']);
    expect(await emails([], 'three')).toEqual({ kind: 'tenant-without-accounts', tenant: 'three' });
  });

  it('are refused as a whole when one address is refused', async () => {
    expect(await emails(['ben@example.com', 'eve@example.com'])).toMatchObject({
      kind: 'ambiguous',
      tenants: ['one', 'two'],
    });
  });
});
