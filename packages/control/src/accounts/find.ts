/** Finds the account that an address and a tenant denote. */
import { comparableAddress } from '@syncline/runtime';
import type { AccountLookup, AccountReads, AccountView, NamedAccount } from '@syncline/store';

/** An account as a person names it. */
export interface AccountRef {
  /** Compared without case; earlier addresses of the account count as well. */
  email: string;
  /** Required when several tenants have connected the address. */
  tenant?: string | undefined;
}

/** Why no account was found. */
export type AccountRefusal =
  /**
   * @property otherTenants the tenants that have connected the address, when the named tenant has
   * not
   */
  | { kind: 'not-found'; email: string; tenant: string | null; otherTenants: string[] }
  /** Several tenants have connected the address, and no tenant was named. */
  | { kind: 'ambiguous'; email: string; tenants: string[] }
  | { kind: 'tenant-without-accounts'; tenant: string }
  /** Neither an account nor anything of one has the id. */
  | { kind: 'unknown-id'; id: string };

export type Found<T> = { kind: 'found'; found: T } | AccountRefusal;

interface Deps {
  store: { accounts: Pick<AccountReads, 'named' | 'list' | 'pages'> };
}

type ById = Pick<AccountLookup, 'find' | 'ownerOf'>;

/** Finds the account without its collections: faster than `findAccountView`. */
export async function findAccount(
  { store }: Deps,
  { email, tenant }: AccountRef,
): Promise<Found<NamedAccount>> {
  return pickAccount(await store.accounts.named([email]), email, tenant);
}

/**
 * Finds the account by an address, or by the id of the account, of a collection, of an operation or
 * of a connect session. Addresses have an @, ids have none.
 */
export async function findAccountByAddressOrId(
  { store }: { store: { accounts: Deps['store']['accounts'] & ById } },
  { name, tenant }: { name: string; tenant?: string | undefined },
): Promise<Found<NamedAccount>> {
  if (name.includes('@')) return findAccount({ store }, { email: name, tenant });
  const id = await store.accounts.ownerOf(name);
  const account = id === null ? null : await store.accounts.find(id);
  if (account === null || (tenant !== undefined && account.tenant !== tenant))
    return { kind: 'unknown-id', id: name };
  return { kind: 'found', found: account };
}

/** Finds the account with its collections. */
export async function findAccountView(
  { store }: Deps,
  { email, tenant }: AccountRef,
): Promise<Found<AccountView>> {
  return pickAccount(await store.accounts.list([email]), email, tenant);
}

/**
 * Finds the accounts of `emails`, each once; without an address all accounts of the tenant. Returns
 * null when neither is given, which means every account.
 */
export async function findAccounts(
  deps: Deps,
  { emails, tenant }: { emails: readonly string[]; tenant?: string | undefined },
): Promise<Found<NamedAccount[] | null>> {
  if (emails.length === 0)
    return tenant === undefined ? { kind: 'found', found: null } : ofTenant(deps, tenant);
  const known = await deps.store.accounts.named(emails);
  const found = new Map<string, NamedAccount>();
  for (const email of emails) {
    const picked = pickAccount(known, email, tenant);
    if (picked.kind !== 'found') return picked;
    found.set(picked.found.id, picked.found);
  }
  return { kind: 'found', found: [...found.values()] };
}

/** Selects the account; several tenants may have connected the same address. Pure. */
export function pickAccount<A extends NamedAccount>(
  known: readonly A[],
  email: string,
  tenant?: string,
): Found<A> {
  const named = namedBy(known, email);
  const tenants = named.map((account) => account.tenant);
  const [first, ...others] = named.filter(
    (account) => tenant === undefined || account.tenant === tenant,
  );
  if (first === undefined)
    return { kind: 'not-found', email, tenant: tenant ?? null, otherTenants: tenants };
  return others.length === 0
    ? { kind: 'found', found: first }
    : { kind: 'ambiguous', email, tenants };
}

/**
 * Returns the accounts with this address, compared without case. A current address takes precedence
 * over an earlier one, which may belong to another person by now.
 */
function namedBy<A extends NamedAccount>(known: readonly A[], email: string): A[] {
  const address = comparableAddress(email);
  const having = known.filter((account) => comparableAddress(account.email) === address);
  const tenants = new Set(having.map((account) => account.tenant));
  const hadBefore = known.filter(
    (account) => account.aliases.includes(address) && !tenants.has(account.tenant),
  );
  return [...having, ...hadBefore];
}

async function ofTenant({ store }: Deps, tenant: string): Promise<Found<NamedAccount[]>> {
  const found: NamedAccount[] = [];
  for await (const page of store.accounts.pages({ tenant })) found.push(...page);
  return found.length === 0
    ? { kind: 'tenant-without-accounts', tenant }
    : { kind: 'found', found };
}
