/**
 * Whether the database is still the one that it was, asked at the start of a process and by schedulers for ever (`feed-epoch.ts` has the
 * rules). Redis is a memory beside Postgres and no more: what it has lost is not asked for, and what it remembers of another deployment or database has
 * another name.
 */
import type { Runtime } from '@syncline/runtime';
import type { RememberedCounter } from './feed-epoch.js';
import { type Feed, noteEpoch } from './feed.js';

export interface FeedWatchDeps {
  feed: Feed;
  counters: {
    read(name: string): Promise<bigint | null>;
    raise(name: string, value: bigint): Promise<void>;
  };
}

/** How often a scheduler counts on: what an older state may lack without being noticed. */
const COUNT_EVERY_MS = 1_000;

/**
 * Makes the look that a process begins with. Returns a function for the next looks.
 * @throws Error of Postgres or Redis, when either is away
 */
export async function beginFeedWatch(
  rt: Runtime,
  { feed, counters }: FeedWatchDeps,
): Promise<() => Promise<void>> {
  const look = async (known: RememberedCounter | null): Promise<string> => {
    const { name, counter, epoch, begun } = await feed.advance(known);
    if (begun) noteEpoch(rt, epoch, begun);
    await counters.raise(name, counter);
    return name;
  };
  // Redis is asked first: what it remembers was in Postgres before, so an intact Postgres cannot stand below it.
  const remembered = async (name: string): Promise<RememberedCounter | null> => {
    const counter = await counters.read(name);
    return counter === null ? null : { name, counter };
  };
  let name = await feed.name();
  name = await look(await remembered(name));
  return async () => {
    name = await look(await remembered(name));
  };
}

/** Counts on until `rt.signal` is aborted. A Postgres or Redis that is away is said once, and asked again. */
export async function runFeedWatch(rt: Runtime, lookAgain: () => Promise<void>): Promise<void> {
  let isSaid = false;
  while (!rt.signal.aborted) {
    await rt.clock.sleep(COUNT_EVERY_MS, rt.signal).catch((reason: unknown) => {
      if (!rt.signal.aborted) throw reason;
    });
    if (rt.signal.aborted) return;
    try {
      await lookAgain();
      isSaid = false;
    } catch (error) {
      if (!isSaid)
        rt.log.error(
          { event: 'feed_watch_failed', err: error },
          'whether the database is an older state cannot be told; trying again until it can',
        );
      isSaid = true;
    }
  }
}
