import { type Runtime, runLoop } from '@syncline/runtime';
import { finishRemovals, finishResourceRemovals, type SyncDeps } from '@syncline/sync';

/**
 * A removal in progress touches its account all the time; after this time without a change its
 * command has ended.
 */
const ABANDONED_AFTER_MS = 15_000;
const CHECK_EVERY_MS = 5_000;
const BACKOFF = { firstMs: CHECK_EVERY_MS, capMs: 30_000 };

/**
 * Finishes removals whose command was killed or met a transient error of Google, until the process
 * drains. Any number of workers may do this.
 */
export async function runRemovals(
  rt: Runtime,
  deps: Pick<SyncDeps, 'store' | 'google'>,
): Promise<void> {
  const pauseMs = (): number => CHECK_EVERY_MS * (0.5 + rt.random.next());
  await runLoop(rt, {
    name: 'removals',
    backoff: BACKOFF,
    firstAfterMs: pauseMs(),
    failed: {
      event: 'removals_failed',
      text: 'unfinished removals could not be continued; trying again',
    },
    round: async () => {
      await finishRemovals(rt, deps, ABANDONED_AFTER_MS);
      await finishResourceRemovals(rt, deps, ABANDONED_AFTER_MS);
      return pauseMs();
    },
  });
}
