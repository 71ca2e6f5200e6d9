/**
 * Checks at the start of a process, and continuously in schedulers, that the database is the
 * recorded one (`feed-epoch.ts` has the rules). Redis only holds a second copy of the counter: a
 * lost value is ignored, and values of another deployment or database have other keys.
 */
import { type Runtime, runLoop } from '@syncline/runtime';
import type { RememberedCounter } from './feed-epoch.js';
import { type Feed, noteEpoch } from './feed.js';

export interface FeedWatchDeps {
  feed: Feed;
  counters: {
    read(name: string): Promise<bigint | null>;
    raise(name: string, value: bigint): Promise<void>;
  };
}

/**
 * How often a scheduler advances the counter. A state that is older by less than this is not
 * detected.
 */
const COUNT_EVERY_MS = 1_000;
const BACKOFF = { firstMs: COUNT_EVERY_MS, capMs: 5_000 };
const ROUND_LIMIT_MS = 30_000;

/**
 * Makes the check at the start of a process. Returns a function for later checks.
 * @throws Error of Postgres or Redis, when either is away
 */
export async function beginFeedWatch(
  rt: Runtime,
  { feed, counters }: FeedWatchDeps,
): Promise<() => Promise<void>> {
  const check = async (known: RememberedCounter | null): Promise<string> => {
    const { name, counter, epoch, begun } = await feed.advance(known);
    if (begun) noteEpoch(rt, epoch, begun);
    await counters.raise(name, counter);
    return name;
  };
  // Redis is asked first: what it remembers was in Postgres before, so an intact Postgres cannot
  // stand below it.
  const remembered = async (name: string): Promise<RememberedCounter | null> => {
    const counter = await counters.read(name);
    return counter === null ? null : { name, counter };
  };
  let name = await feed.name();
  name = await check(await remembered(name));
  return async () => {
    name = await check(await remembered(name));
  };
}

/**
 * Counts on until `rt.signal` is aborted. A Postgres or Redis that is away is logged, and asked
 * again.
 */
export async function runFeedWatch(rt: Runtime, checkAgain: () => Promise<void>): Promise<void> {
  await runLoop(rt, {
    name: 'feed-watch',
    roundLimitMs: ROUND_LIMIT_MS,
    backoff: BACKOFF,
    firstAfterMs: COUNT_EVERY_MS,
    failed: {
      event: 'feed_watch_failed',
      text: 'whether the database is an older state is not known; trying again until it is',
      level: 'error',
    },
    round: async () => {
      await checkAgain();
      return COUNT_EVERY_MS;
    },
  });
}
