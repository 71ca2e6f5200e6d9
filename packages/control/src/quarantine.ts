/** Items that were set aside so that a sync could continue (`@syncline/control/quarantine`). */
import type { NamedAccount, QuarantinedItem, Store } from '@syncline/store';

type Account = Pick<NamedAccount, 'id'>;

interface Deps {
  store: { quarantine: Pick<Store['quarantine'], 'list' | 'retry' | 'drop'> };
}

/**
 * The number of items that a command changed; `unknown` counts named items that are not in
 * quarantine.
 */
export interface QuarantineChange {
  changed: number;
  unknown: number;
}

/**
 * Lists items, newest first.
 * @param accounts null means every account
 */
export function listQuarantine(
  { store }: Deps,
  accounts: readonly Account[] | null,
): Promise<QuarantinedItem[]> {
  return store.quarantine.list(accounts && accounts.map(({ id }) => id));
}

/**
 * Requests that items are read again.
 * @param ids empty means all items of the account
 */
export async function retryQuarantined(
  { store }: Deps,
  account: Account,
  ids: readonly string[],
): Promise<QuarantineChange> {
  const changed = await store.quarantine.retry(account.id, ids.length === 0 ? null : ids);
  return { changed, unknown: Math.max(0, ids.length - changed) };
}

/** Drops items from the quarantine: they stay out of the mirror. */
export async function dropQuarantined(
  { store }: Deps,
  account: Account,
  ids: readonly string[],
): Promise<QuarantineChange> {
  const changed = await store.quarantine.drop(account.id, ids);
  return { changed, unknown: Math.max(0, ids.length - changed) };
}
