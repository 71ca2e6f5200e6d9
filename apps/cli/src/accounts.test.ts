import { OperatorError } from '@syncline/runtime';
import type { AccountFilter, AccountView, Store } from '@syncline/store';
import { findAccounts, pickAccount } from './accounts.js';
import { UsageError } from './mistakes.js';

function account(tenant: string, email = 'a@example.com', aliases: string[] = []): AccountView {
  return {
    id: `${tenant}/${email}`,
    email,
    tenant,
    project: 'default',
    state: 'active',
    reason: null,
    reasonCode: null,
    aliases,
    identityId: null,
    feed: { epoch: 1, seq: 0 },
    resources: ['gmail'],
    grant: { number: 0, version: 0, verified: true, identityId: null, shared: false },
    collections: [],
  };
}

describe('the account that is meant', () => {
  it('is the only one with the address', () => {
    expect(pickAccount([account('one')], 'a@example.com').tenant).toBe('one');
  });

  it("is the named tenant's", () => {
    expect(pickAccount([account('one'), account('two')], 'a@example.com', 'two').tenant).toBe(
      'two',
    );
  });

  it('cannot be told when several tenants have it: a usage error that names them', () => {
    const pick = (): AccountView => pickAccount([account('one'), account('two')], 'a@example.com');
    expect(pick).toThrow(UsageError);
    expect(pick).toThrow(
      'a@example.com is connected by several tenants (one, two): name one with --tenant',
    );
  });

  it('does not exist: an error that a person can mend', () => {
    expect(() => pickAccount([], 'a@example.com')).toThrow(OperatorError);
    expect(() => pickAccount([account('one')], 'a@example.com', 'three')).toThrow(
      'The tenant three has no account a@example.com; one has.',
    );
  });

  it('compares addresses without case and finds the account by an earlier address', () => {
    const [renamed, other] = [account('one', 'New@example.com', ['a@example.com']), account('two')];
    expect(pickAccount([renamed], 'NEW@example.com')).toBe(renamed);
    expect(pickAccount([renamed, other], 'A@Example.com', 'one')).toBe(renamed);
    expect(() => pickAccount([renamed, other], 'a@example.com')).toThrow('several tenants');
  });

  it('prefers the account that has the address to one that had it earlier', () => {
    const [renamed, has] = [account('one', 'new@example.com', ['a@example.com']), account('one')];
    expect(pickAccount([renamed, has], 'A@example.com')).toBe(has);
  });

  it('is all of them when none is named', async () => {
    const store = { accounts: { named: async () => [account('one')] } } as unknown as Store;
    expect(await findAccounts(store, [])).toBeNull();
  });

  it('is asked for once when it is named twice', async () => {
    const store = { accounts: { named: async () => [account('one')] } } as unknown as Store;
    expect(await findAccounts(store, ['a@example.com', 'A@example.com'])).toHaveLength(1);
  });

  it('is every account of a tenant that alone is named', async () => {
    const store = {
      accounts: {
        async *pages({ tenant }: AccountFilter) {
          if (tenant === 'two') yield [account('two'), account('two', 'b@example.com')];
        },
      },
    } as unknown as Store;
    expect((await findAccounts(store, [], 'two'))?.map(({ email }) => email)).toEqual([
      'a@example.com',
      'b@example.com',
    ]);
    await expect(findAccounts(store, [], 'three')).rejects.toThrow('tenant three has no accounts');
  });
});
