/** What the demo sees of its accounts while the fleet works: their rows in Postgres and their change feeds, nothing else. */
import type { AccountView, ChangeEvent, Store } from '@syncline/store';
import { type FeedFold, emptyFold, foldInto } from './fold-feed.js';

export interface Watched {
  account: AccountView;
  fold: FeedFold;
  /** When its first full syncs were seen complete; null while they run. */
  mirroredAtMs: number | null;
  /** Change events since then. */
  applied: number;
  last: ChangeEvent | null;
}

export type Watch = Map<string, Watched>;

/** Events read at a time. */
const PAGE = 2_000;

/** Brings `watch` (by account id) up to date; an account is in it from the first time it is met. */
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
    // After the reading: what came up to this look belongs to the full sync.
    else if (isMirrored(account)) watched.mirroredAtMs = nowMs;
  }
}

/** Whether every collection has been synced in full once to its end. */
function isMirrored(account: AccountView): boolean {
  const active = account.collections.filter((collection) => collection.state === 'active');
  return (
    active.length > 0 &&
    active.every(
      (collection) => collection.phase === 'incremental' && collection.caughtUpAt !== null,
    )
  );
}

/** By address, `user2` before `user10`. */
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
