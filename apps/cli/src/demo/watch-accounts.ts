/**
 * Observes the demo's accounts while the fleet works, only by their rows in Postgres and their
 * change feeds.
 */
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

/** Events per read. */
const PAGE = 2_000;

/** Updates `watch` (by account id); an account is added when it is first found. */
export async function refreshWatched(store: Store, watch: Watch, nowMs: number): Promise<void> {
  for (const account of await store.accounts.list()) {
    const watched: Watched = watch.get(account.id) ?? {
      account,
      fold: emptyFold(),
      mirroredAtMs: null,
      applied: 0,
      last: null,
    };
    watch.set(account.id, watched);
    watched.account = account;
    const read = await readFeed(store, account.id, watched);
    if (watched.mirroredAtMs !== null) watched.applied += read;
    // After the read: changes up to this time belong to the full sync.
    else if (isMirrored(account)) watched.mirroredAtMs = nowMs;
  }
}

/** Whether every collection has completed a full sync. */
function isMirrored(account: AccountView): boolean {
  const active = account.collections.filter((collection) => collection.state === 'active');
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

async function readFeed(store: Store, accountId: string, watched: Watched): Promise<number> {
  for (let read = 0; ;) {
    const events = await store.changes(accountId, watched.fold.seq, PAGE);
    foldInto(watched.fold, events);
    watched.last = events.at(-1) ?? watched.last;
    read += events.length;
    if (events.length < PAGE) return read;
  }
}
