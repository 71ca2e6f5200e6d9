/** Reads what `why` shows of an account, as data. */
import type { Runtime } from '@syncline/runtime';
import type { AccountView, CollectionView, Store } from '@syncline/store';
import { type Found, findAccountByAddressOrId } from '../accounts/find.js';
import { etaOf } from './eta.js';
import { type Explanation, explain, explanationWords, isLeased, isRequested } from './explain.js';

type SpentUnits = Awaited<ReturnType<Store['quota']['todayOf']>>[number];

/** The state of an account at one time. */
export interface AccountStatus {
  atMs: number;
  account: AccountView;
  /** The collections in the account's order. */
  collections: { collection: CollectionView; explanation: Explanation }[];
  /** Quota spent today (Pacific time), by method. */
  spentToday: SpentUnits[];
}

interface Deps {
  store: Pick<Store, 'accounts' | 'quota'>;
}

/**
 * Reads the account and explains each of its collections.
 * @param name an address, or the id of the account or of something of it
 */
export async function accountStatus(
  rt: Pick<Runtime, 'clock'>,
  deps: Deps,
  { name, tenant }: { name: string; tenant?: string | undefined },
): Promise<Found<AccountStatus>> {
  const named = await findAccountByAddressOrId(deps, { name, tenant });
  if (named.kind !== 'found') return named;
  const view = await deps.store.accounts.view(named.found.id);
  if (view === null) return { kind: 'unknown-id', id: name };
  return { kind: 'found', found: await explainAccount(rt, deps, view) };
}

/** Explains each collection of the account. */
export async function explainAccount(
  rt: Pick<Runtime, 'clock'>,
  { store }: { store: Pick<Store, 'quota'> },
  account: AccountView,
): Promise<AccountStatus> {
  const spentToday = await store.quota.todayOf(account.id);
  const atMs = rt.clock.nowMs();
  return {
    atMs,
    account,
    collections: account.collections.map((collection) => ({
      collection,
      explanation: explain(account, collection, atMs),
    })),
    spentToday,
  };
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
