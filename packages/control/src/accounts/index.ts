/** Which accounts there are, and what people do with them. */
import type { AccountFilter, AccountView, NamedAccount, Store } from '@syncline/store';
import { type AccountRef, type Found, findAccount, findAccountView, findAccounts } from './find.js';

export interface Accounts {
  find(ref: AccountRef): Promise<Found<NamedAccount>>;
  /** With its collections. */
  findView(ref: AccountRef): Promise<Found<AccountView>>;
  /**
   * Each once; without an address all of the tenant; null, for every account, when neither is
   * given.
   */
  findAll(emails: readonly string[], tenant?: string): Promise<Found<NamedAccount[] | null>>;
  /** In pages by tenant and address, in bounded memory. */
  pages(filter?: AccountFilter): AsyncGenerator<AccountView[]>;
}

export function accountsOver({ store }: { store: Store }): Accounts {
  return {
    find: (ref) => findAccount(store.accounts, ref),
    findView: (ref) => findAccountView(store.accounts, ref),
    findAll: (emails, tenant) => findAccounts(store.accounts, emails, tenant),
    pages: (filter) => store.accounts.pages(filter),
  };
}
