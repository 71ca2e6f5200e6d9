/** Items that could not be taken, so that the rest could go on (`@syncline/control/quarantine`). */
import type { NamedAccount, QuarantinedItem, Store } from '@syncline/store';

type Account = Pick<NamedAccount, 'id'>;

interface Deps {
  store: { quarantine: Pick<Store['quarantine'], 'list' | 'retry' | 'drop'> };
}

/** How many items a command was about; `unknown` are named ones that are not in quarantine. */
export interface QuarantineChange {
  changed: number;
  unknown: number;
}

/** The newest first. @param accounts null is every account */
export function listQuarantine(
  { store }: Deps,
  accounts: readonly Account[] | null,
): Promise<QuarantinedItem[]> {
  return store.quarantine.list(accounts && accounts.map(({ id }) => id));
}

/** The items are read again. @param ids without any, all of the account */
export async function retryQuarantined(
  { store }: Deps,
  account: Account,
  ids: readonly string[],
): Promise<QuarantineChange> {
  const changed = await store.quarantine.retry(account.id, ids.length === 0 ? null : ids);
  return { changed, unknown: Math.max(0, ids.length - changed) };
}

/** The items are forgotten: they stay out of the mirror. */
export async function dropQuarantined(
  { store }: Deps,
  account: Account,
  ids: readonly string[],
): Promise<QuarantineChange> {
  const changed = await store.quarantine.drop(account.id, ids);
  return { changed, unknown: Math.max(0, ids.length - changed) };
}
