/** The change feeds of accounts (`@syncline/control/feed`). */
import type { ChangeEvent, FeedPosition, NamedAccount, Store } from '@syncline/store';

interface Deps {
  store: Pick<Store, 'changes'> & { feed: Pick<Store['feed'], 'position'> };
}

/** Where a reader of a feed is. */
export interface FeedReader {
  /** It has read up to this number; 0 begins. */
  after: bigint;
  /** The epoch that `after` is of; undefined where the reader does not say. */
  epoch?: number | undefined;
}

/** Whether a reader's position can be followed. `feed` is where the feed is now. */
export type FeedCheck =
  | { kind: 'applied'; feed: FeedPosition }
  /** It can be followed, and what came between it and the epoch's start is not told. */
  | { kind: 'earlier-epoch'; feed: FeedPosition }
  /** The reader's epoch is over. */
  | { kind: 'other-epoch'; feed: FeedPosition }
  /** The feed ends before the position, which is of another epoch therefore. */
  | { kind: 'beyond-end'; feed: FeedPosition };

/** What reading returns, one after the other. An event of another epoch is the end. */
export type FeedItem =
  | { kind: 'event'; event: ChangeEvent }
  /** @property after the last number that was read before it began */
  | { kind: 'epoch-began'; epoch: number; after: bigint };

/** Events read at a time. */
const PAGE = 1_000;

export async function checkFeedPosition(
  { store }: Deps,
  account: Pick<NamedAccount, 'id'>,
  reader: FeedReader,
): Promise<FeedCheck> {
  return checkPosition(reader, await store.feed.position(account.id));
}

/** Pure. */
export function checkPosition({ after, epoch }: FeedReader, feed: FeedPosition): FeedCheck {
  if (epoch !== undefined && epoch !== feed.epoch) return { kind: 'other-epoch', feed };
  if (after > feed.seq) return { kind: 'beyond-end', feed };
  return after > 0n && after < feed.startSeq
    ? { kind: 'earlier-epoch', feed }
    : { kind: 'applied', feed };
}

/** From a position to the present end of the feed, in bounded memory. */
export async function* readFeed(
  { store }: Deps,
  account: Pick<NamedAccount, 'id'>,
  { epoch, after, limit }: { epoch: number; after: bigint; limit: number },
): AsyncGenerator<FeedItem> {
  for (let left = limit, last = after; left > 0;) {
    const events = await store.changes(account.id, last, Math.min(PAGE, left));
    for (const event of events) {
      if (event.epoch !== epoch) {
        yield { kind: 'epoch-began', epoch: event.epoch, after: last };
        return;
      }
      yield { kind: 'event', event };
    }
    const end = events.at(-1);
    if (!end || events.length < PAGE) return;
    last = end.seq;
    left -= events.length;
  }
}

/** A change event as `changes` and the API show it; the names are public. */
export type ChangeDocument = Omit<ChangeEvent, 'seq'> & { seq: number | string };

/** `seq` is a number while JavaScript's readers can hold it, then a string. */
export function changeDocument({
  epoch,
  seq,
  entity,
  id,
  calendarId,
  op,
  at,
}: ChangeEvent): ChangeDocument {
  return {
    epoch,
    seq: seq <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seq) : String(seq),
    entity,
    id,
    calendarId,
    op,
    at,
  };
}

/**
 * Begins a new epoch of every feed, after a restore of the database that the fleet cannot see by
 * itself. @returns its number
 */
export function beginFeedEpoch({
  store,
}: {
  store: { feed: Pick<Store['feed'], 'newEpoch'> };
}): Promise<number> {
  return store.feed.newEpoch();
}
