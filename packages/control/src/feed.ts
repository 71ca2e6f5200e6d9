/** The change feeds of accounts (`@syncline/control/feed`). */
import { FeedPruned, type ChangeEvent, type NamedAccount, type Feed } from '@syncline/store';

export type FeedPosition = Awaited<ReturnType<Feed['position']>>;

interface Deps {
  store: { feed: Pick<Feed, 'position' | 'changes'> };
}

/** The position of a feed's reader. */
export interface FeedReader {
  /** The last number that the reader has read; 0 is the beginning. */
  after: bigint;
  /** The epoch of `after`; undefined if the reader does not state it. */
  epoch?: number | undefined;
}

/** Whether a reader may continue from its position. `feed` is the feed's current position. */
export type FeedCheck =
  | { kind: 'applied'; feed: FeedPosition }
  /**
   * The reader may continue; changes between the position and the epoch's start are not reported.
   */
  | { kind: 'earlier-epoch'; feed: FeedPosition }
  /** The reader's epoch has ended. */
  | { kind: 'other-epoch'; feed: FeedPosition }
  /** The feed ends before the position, which therefore belongs to another epoch. */
  | { kind: 'beyond-end'; feed: FeedPosition }
  /** Events after the position are no longer kept. */
  | { kind: 'pruned'; feed: FeedPosition };

/** The items that reading returns in order. Reading ends at an item that is not an event. */
export type FeedItem =
  | { kind: 'event'; event: ChangeEvent }
  /** Retention has deleted the events that the reader needs next. */
  | { kind: 'pruned'; oldestSeq: bigint; after: bigint }
  /** @property after the last number that was read before the epoch began */
  | { kind: 'epoch-began'; epoch: number; after: bigint };

/** Events per read. */
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
  const lastRead = after > feed.startSeq ? after : feed.startSeq;
  if (lastRead + 1n < feed.oldestSeq) return { kind: 'pruned', feed };
  return after > 0n && after < feed.startSeq
    ? { kind: 'earlier-epoch', feed }
    : { kind: 'applied', feed };
}

/** Reads from a position to the current end of the feed, in bounded memory. */
export async function* readFeed(
  { store }: Deps,
  account: Pick<NamedAccount, 'id'>,
  { epoch, after, limit }: { epoch: number; after: bigint; limit: number },
): AsyncGenerator<FeedItem> {
  for (let left = limit, last = after; left > 0;) {
    const events = await readPage(store, account.id, last, Math.min(PAGE, left));
    if (events instanceof FeedPruned) {
      yield { kind: 'pruned', oldestSeq: events.oldestSeq, after: last };
      return;
    }
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

async function readPage(
  store: Deps['store'],
  accountId: string,
  after: bigint,
  limit: number,
): Promise<ChangeEvent[] | FeedPruned> {
  try {
    return await store.feed.changes(accountId, after, limit);
  } catch (error) {
    if (error instanceof FeedPruned) return error;
    throw error;
  }
}

/** A change event as `changes` and the API show it; the field names are public. */
export type ChangeDocument = Omit<ChangeEvent, 'seq'> & { seq: number | string };

/**
 * Returns the event's document. `seq` is a number up to JavaScript's largest safe integer, then a
 * string.
 */
export function changeDocument({
  epoch,
  seq,
  entity,
  id,
  calendarId,
  op,
  origin,
  at,
}: ChangeEvent): ChangeDocument {
  return {
    epoch,
    seq: seq <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seq) : String(seq),
    entity,
    id,
    calendarId,
    op,
    origin,
    at,
  };
}

/**
 * Begins a new epoch of every feed, after a restore of the database that the fleet cannot detect by
 * itself.
 * @returns the number of the epoch
 */
export function beginFeedEpoch({
  store,
}: {
  store: { feed: Pick<Feed, 'newEpoch'> };
}): Promise<number> {
  return store.feed.newEpoch();
}
