import type { Runtime } from '@syncline/runtime';

/** Events after a reader's place in a feed. */
export interface FeedPage<Event, Place> {
  kind: 'page';
  events: readonly Event[];
  /** The place after the events. */
  next: Place;
  /** Whether the page reaches the feed's end. */
  isEnd: boolean;
}

/** Why a reader cannot continue from its place. */
export type FeedRefusal =
  /** The place belongs to another epoch. */
  | { kind: 'epoch-changed' }
  /** Events after the place are no longer kept. */
  | { kind: 'pruned' }
  /** The account is gone. */
  | { kind: 'gone' };

/** A feed that can be read and waited for: that of an account, or of a tenant. */
export interface FeedSource<Page extends FeedPage<unknown, Place>, Place> {
  read(from: Place, limit: number): Promise<Page | FeedRefusal>;
  /**
   * Resolves when the feed has moved beyond a place, when it may have, when the time is over, or
   * when the signal is aborted.
   * @returns whether there may be something to read, and where the reader is then
   */
  moved(
    from: Place,
    o: { withinMs: number; signal: AbortSignal },
  ): Promise<{ isMoved: boolean; place: Place }>;
}

/**
 * Reads up to `limit` events. Without any it waits for one until the time is over or the process
 * drains.
 */
export async function awaitFeedPage<Page extends FeedPage<unknown, Place>, Place>(
  rt: Pick<Runtime, 'clock' | 'signal'>,
  source: FeedSource<Page, Place>,
  from: Place,
  { limit, waitMs }: { limit: number; waitMs: number },
): Promise<Page | FeedRefusal> {
  const deadlineMs = rt.clock.nowMs() + waitMs;
  for (let place = from; ;) {
    const read = await source.read(place, limit);
    if (read.kind !== 'page' || read.events.length > 0) return read;
    const withinMs = deadlineMs - rt.clock.nowMs();
    if (withinMs <= 0 || rt.signal.aborted) return read;
    place = read.next;
    if (!read.isEnd) continue;
    const { isMoved } = await source.moved(place, { withinMs, signal: rt.signal });
    if (!isMoved) return read;
  }
}

/** A part of a stream; without events it says that the reader is at the feed's end. */
export interface FeedPart<Event, Place> {
  events: readonly Event[];
  /** The place after this part. */
  place: Place;
}

/** Events per read. */
const PAGE = 500;

/**
 * Streams a feed from a page on, in bounded memory: the next page is read when the one before has
 * been taken. Ends when the signal is aborted, and where the reader cannot continue from its place.
 * @param first the page at the reader's place
 * @param o `idleMs`: a part without events comes after this time without any
 */
export async function* streamFeed<Event, Place>(
  source: FeedSource<FeedPage<Event, Place>, Place>,
  first: FeedPage<Event, Place>,
  { idleMs, signal }: { idleMs: number; signal: AbortSignal },
): AsyncGenerator<FeedPart<Event, Place>> {
  let read: FeedPage<Event, Place> | FeedRefusal = first;
  while (read.kind === 'page' && !signal.aborted) {
    let place: Place = read.next;
    if (read.events.length > 0) yield { events: read.events, place };
    // Idle until the feed moves.
    for (let isIdle: boolean = read.isEnd; isIdle && !signal.aborted;) {
      const { isMoved, place: now } = await source.moved(place, { withinMs: idleMs, signal });
      place = now;
      isIdle = !isMoved;
      if (isIdle) yield { events: [], place };
    }
    if (signal.aborted) return;
    read = await source.read(place, PAGE);
  }
}
