import type { ChangeEvent, Store } from '@syncline/store';

/** Returns up to `limit` events after a number that are about mirrored rows. */
export async function rowChanges(
  store: Pick<Store, 'feed'>,
  accountId: string,
  after: bigint,
  limit: number,
): Promise<ChangeEvent[]> {
  return (await store.feed.changes(accountId, after, limit)).filter(isOfRow);
}

/** Whether an event is about a mirrored row, not about the account or a collection. */
export function isOfRow({ entity }: Pick<ChangeEvent, 'entity'>): boolean {
  return entity !== 'account' && entity !== 'collection';
}

/** SQL: the same condition on `changes`. */
export const OF_ROWS = "entity NOT IN ('account', 'collection')";
