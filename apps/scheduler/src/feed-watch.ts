import { runLoop, type Runtime } from '@syncline/runtime';

/**
 * How often a scheduler increases the counter of the feed. A state of the database that is older by
 * less than this is not detected.
 */
const COUNT_EVERY_MS = 1_000;
const BACKOFF = { firstMs: COUNT_EVERY_MS, capMs: 5_000 };
const ROUND_LIMIT_MS = 30_000;

/**
 * Repeats the check of the database until `rt.signal` is aborted. An unavailable Postgres or Redis
 * is logged, and the check is tried again.
 * @param check as `Feed.watch` returns it
 */
export async function runFeedWatch(rt: Runtime, check: () => Promise<void>): Promise<void> {
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
      await check();
      return COUNT_EVERY_MS;
    },
  });
}
