/**
 * Puts the feeds of all accounts into the order in which a tenant's feed is read. Every scheduler
 * runs it; a lock in Postgres makes one work at a time, so that another continues when one ends. A
 * hint of a commit begins a round; without one, a round begins every second.
 */
import type { FeedHints } from '@syncline/fleet';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Store } from '@syncline/store';

/** Moves of one round. */
const MOVES_LIMIT = 1_000;
/** Between two rounds while there are moves, so that a round takes those of several commits. */
const BUSY_MS = 50;
const IDLE_MS = 1_000;
/** Accounts whose moves are missing are found after this time. */
const SWEEP_EVERY_MS = 60_000;
const BACKOFF = { firstMs: 100, capMs: 5_000 };
const ROUND_LIMIT_MS = 30_000;

export interface DistributorDeps {
  store: Pick<Store, 'distribution'>;
  hints: Pick<FeedHints, 'distributed' | 'listen'>;
}

/** Distributes until `rt.signal` is aborted. */
export async function runFeedDistributor(
  rt: Runtime,
  { store: { distribution }, hints }: DistributorDeps,
): Promise<void> {
  const idle = idleUntilHint(rt, hints);
  let sweptAtMs = rt.clock.nowMs();
  await runLoop(rt, {
    name: 'feed-distributor',
    need: 'degraded',
    roundLimitMs: ROUND_LIMIT_MS,
    backoff: BACKOFF,
    failed: {
      event: 'feed_distribution_failed',
      text: "changes do not reach the readers of tenants' feeds; trying again",
    },
    round: async () => {
      if (rt.clock.nowMs() - sweptAtMs >= SWEEP_EVERY_MS) {
        await distribution.sweep(MOVES_LIMIT);
        sweptAtMs = rt.clock.nowMs();
      }
      const round = await distribution.round(MOVES_LIMIT);
      if (round !== null && round.ranges > 0) hints.distributed();
      if (round !== null && round.moves > 0) return round.moves < MOVES_LIMIT ? BUSY_MS : 0;
      await idle();
      return 0;
    },
  });
}

/** Returns a pause that a hint ends; a hint before the pause makes it none. */
function idleUntilHint(
  rt: Pick<Runtime, 'clock' | 'signal'>,
  hints: Pick<FeedHints, 'listen'>,
): () => Promise<void> {
  let isHinted = false;
  let end = (): void => undefined;
  rt.signal.addEventListener('abort', () => end(), { once: true });
  hints.listen({
    changed: () => {
      isHinted = true;
      end();
    },
  });
  return async () => {
    if (!isHinted) {
      const pause = new AbortController();
      end = () => pause.abort(new Error('a hint, or the drain'));
      if (!rt.signal.aborted) await rt.clock.sleep(IDLE_MS, pause.signal).catch(() => undefined);
    }
    isHinted = false;
  };
}
