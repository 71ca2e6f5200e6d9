/** From the address on the command line to the account that is meant. */
import { OperatorError } from '@syncline/runtime';
import type { AccountView, NamedAccount, Store } from '@syncline/store';
import { UsageError } from './mistakes.js';

/**
 * The account of `email`.
 * @throws OperatorError when there is none; UsageError when several tenants have it and none is named
 */
export async function findAccount(
  store: Store,
  email: string,
  tenant?: string,
): Promise<NamedAccount> {
  return pickAccount(await store.accounts.named([email]), email, tenant);
}

/** The same with its collections and how they fare. */
export async function findAccountView(
  store: Store,
  email: string,
  tenant?: string,
): Promise<AccountView> {
  return pickAccount(await store.accounts.list([email]), email, tenant);
}

/** The accounts of `emails`, each as `findAccount` would find it; null for none named, which means all. */
export async function findAccounts(
  store: Store,
  emails: readonly string[],
  tenant?: string,
): Promise<NamedAccount[] | null> {
  if (emails.length === 0 && tenant === undefined) return null;
  if (emails.length === 0 && tenant !== undefined) return ofTenant(store, tenant);
  const known = await store.accounts.named(emails);
  const picked = emails.map((email) => pickAccount(known, email, tenant));
  return [...new Map(picked.map((account) => [account.id, account])).values()];
}

/** The choice itself: the same address may be connected by several tenants. */
export function pickAccount<A extends NamedAccount>(
  known: readonly A[],
  email: string,
  tenant?: string,
): A {
  const named = namedBy(known, email);
  const [first, ...others] = named.filter(
    (account) => tenant === undefined || account.tenant === tenant,
  );
  if (first === undefined) throw new OperatorError(unknown(email, tenant, named));
  if (others.length === 0) return first;
  const tenants = named.map((account) => account.tenant).join(', ');
  throw new UsageError(
    `${email} is connected by several tenants (${tenants}): name one with --tenant`,
  );
}

/**
 * Without case. The address itself comes before one that an account had earlier: that may be
 * somebody else's by now.
 */
function namedBy<A extends NamedAccount>(known: readonly A[], email: string): A[] {
  const address = email.toLowerCase();
  const having = known.filter((account) => account.email.toLowerCase() === address);
  const tenants = new Set(having.map((account) => account.tenant));
  const hadBefore = known.filter(
    (account) => account.aliases.includes(address) && !tenants.has(account.tenant),
  );
  return [...having, ...hadBefore];
}

async function ofTenant(store: Store, tenant: string): Promise<AccountView[]> {
  const accounts: AccountView[] = [];
  for await (const page of store.accounts.pages({ tenant })) accounts.push(...page);
  if (accounts.length === 0)
    throw new OperatorError(`tenant ${tenant} has no accounts. See: syncline accounts list`);
  return accounts;
}

function unknown(
  email: string,
  tenant: string | undefined,
  named: readonly NamedAccount[],
): string {
  if (named.length === 0) return `No account has the address ${email}. See: syncline accounts list`;
  return `The tenant ${tenant} has no account ${email}; ${named.map((account) => account.tenant).join(', ')} has.`;
}
