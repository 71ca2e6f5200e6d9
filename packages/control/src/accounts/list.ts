import type { AccountView, NamedAccount, AccountReads } from '@syncline/store';

/** Selects the listed accounts. An omitted field does not restrict the list. */
export type AccountFilter = NonNullable<Parameters<AccountReads['pages']>[0]>;

interface Deps {
  store: { accounts: Pick<AccountReads, 'pages'> };
}

/** Returns the accounts in pages by tenant and address, in bounded memory. */
export function accountPages(
  { store }: Deps,
  filter?: AccountFilter,
): AsyncGenerator<AccountView[]> {
  return store.accounts.pages(filter);
}

/** @param accounts the result of `findAccounts`; null means every account */
export async function* eachAccount(
  deps: Deps,
  accounts: readonly NamedAccount[] | null,
): AsyncGenerator<NamedAccount> {
  if (accounts !== null) yield* accounts;
  else for await (const page of accountPages(deps)) yield* page;
}
