/** Reads what `why` shows of an account, as data. */
import type { Runtime } from '@syncline/runtime';
import type { AccountView, CollectionView, SpentToday, Store } from '@syncline/store';
import { type AccountRef, type Found, findAccountView } from '../accounts/find.js';
import { etaOf } from './eta.js';
import { type Explanation, explain, explanationWords, isLeased, isRequested } from './explain.js';

/** The state of an account at one time. */
export interface AccountStatus {
  atMs: number;
  account: AccountView;
  /** The collections in the account's order. */
  collections: { collection: CollectionView; explanation: Explanation }[];
  /** Quota spent today (Pacific time), by method. */
  spentToday: Pick<SpentToday, 'method' | 'calls' | 'units'>[];
}

/** Reads the account and explains each of its collections. */
export async function accountStatus(
  rt: Pick<Runtime, 'clock'>,
  { store }: { store: Pick<Store, 'accounts' | 'quota'> },
  ref: AccountRef,
): Promise<Found<AccountStatus>> {
  const named = await findAccountView({ store }, ref);
  if (named.kind !== 'found') return named;
  const account = named.found;
  const spent = await store.quota.today();
  const atMs = rt.clock.nowMs();
  const found: AccountStatus = {
    atMs,
    account,
    collections: account.collections.map((collection) => ({
      collection,
      explanation: explain(account, collection, atMs),
    })),
    spentToday: spent
      .filter(({ accountId }) => accountId === account.id)
      .map(({ method, calls, units }) => ({ method, calls, units })),
  };
  return { kind: 'found', found };
}

/** The status as `why --json` and the API show it; the field names are public. */
export type StatusDocument = Omit<AccountView, 'collections'> & {
  collections: (CollectionView & {
    progress: CollectionView['progress'] & { etaSeconds: number | null };
    requested: boolean;
    held: boolean;
    why: string;
  })[];
  spentToday: AccountStatus['spentToday'];
};

/** Pure. */
export function statusDocument(status: AccountStatus): StatusDocument {
  const { atMs, account, collections, spentToday } = status;
  return {
    ...account,
    collections: collections.map(({ collection: c, explanation }) => ({
      ...c,
      progress: { ...c.progress, etaSeconds: etaOf(c, atMs) },
      requested: isRequested(c),
      held: isLeased(c, atMs),
      why: explanationWords(explanation, atMs),
    })),
    spentToday,
  };
}
