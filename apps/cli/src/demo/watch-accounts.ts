/**
 * Observes the demo's accounts while the fleet works, only by their rows in Postgres and their
 * change feeds.
 */
import { accountPages, activeCollections } from '@syncline/control/accounts';
import { readFeed } from '@syncline/control/feed';
import { OperatorError } from '@syncline/runtime';
import type { AccountView, ChangeEvent, Store } from '@syncline/store';
import { type FeedFold, emptyFold, foldInto } from './fold-feed.js';

export interface Watched {
  account: AccountView;
  fold: FeedFold;
  /** When its first full syncs were found complete; null while they run. */
  mirroredAtMs: number | null;
  /** Number of change events since then. */
  applied: number;
  last: ChangeEvent | null;
}

export type Watch = Map<string, Watched>;

/** Updates `watch` (by account id); an account is added when it is first found. */
export async function refreshWatched(store: Store, watch: Watch, nowMs: number): Promise<void> {
  for await (const page of accountPages({ store }))
    for (const account of page) await refreshAccount(store, watch, account, nowMs);
}

async function refreshAccount(
  store: Store,
  watch: Watch,
  account: AccountView,
  nowMs: number,
): Promise<void> {
  const watched: Watched = watch.get(account.id) ?? {
    account,
    fold: emptyFold(),
    mirroredAtMs: null,
    applied: 0,
    last: null,
  };
  watch.set(account.id, watched);
  watched.account = account;
  const read = await foldNewEvents(store, watched);
  if (watched.mirroredAtMs !== null) watched.applied += read;
  // After the read: changes up to this time belong to the full sync.
  else if (isMirrored(account)) watched.mirroredAtMs = nowMs;
}

/** Whether every collection has completed a full sync. */
function isMirrored(account: AccountView): boolean {
  const active = activeCollections(account);
  return (
    active.length > 0 &&
    active.every(
      (collection) => collection.phase === 'incremental' && collection.caughtUpAt !== null,
    )
  );
}

/** Sorts by address, with `user2` before `user10`. */
export function inOrder(watch: Watch): Watched[] {
  const collator = new Intl.Collator('en', { numeric: true });
  return [...watch.values()].sort((a, b) => collator.compare(a.account.email, b.account.email));
}

export function messagesOf({ fold }: Watched): number {
  let count = 0;
  for (const key of fold.live) if (key.startsWith('message ')) count++;
  return count;
}

/** @returns the number of events that were read */
async function foldNewEvents(store: Store, watched: Watched): Promise<number> {
  const { account, fold } = watched;
  const position = { epoch: account.feed.epoch, after: fold.seq, limit: Number.MAX_SAFE_INTEGER };
  let read = 0;
  for await (const item of readFeed({ store }, account, position)) {
    if (item.kind !== 'event')
      throw new OperatorError(
        `The change feed of ${account.email} cannot be read on: ${item.kind}.`,
      );
    foldInto(fold, [item.event]);
    watched.last = item.event;
    read += 1;
  }
  return read;
}
