/**
 * Claims watches that are due for maintenance and enqueues them, like the tick does for
 * collections: any number of schedulers may run, and no state is kept. It is a loop of its own,
 * since a watch may wait a few seconds and must never delay a mailbox.
 */
import { type Fleet, resourceNamedBy } from '@syncline/fleet';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Schedule } from '@syncline/store';
import { CLAIM_BACKOFF, CLAIM_ROUND_LIMIT_MS } from './tick.js';

const CLAIM_LIMIT = 200;
/**
 * Longer than the hold on a watch lasts: a killed worker's hold has expired when the watch is due
 * again.
 */
const VISIBILITY_MS = 60_000;
const TICK_MS = 2_000;
/** The maximum number of waiting jobs: some minutes' work. More jobs would only become outdated. */
const WAITING_LIMIT = 1_000;

export interface WatchTickDeps {
  store: { schedule: Pick<Schedule, 'claimDueWatches'> };
  fleet: Pick<Fleet, 'enqueue' | 'counts'>;
}

/**
 * Ticks until `rt.signal` is aborted. Transient errors of Postgres or Redis are logged when they
 * begin, and retried.
 */
export async function runWatchTicks(rt: Runtime, deps: WatchTickDeps): Promise<void> {
  await runLoop(rt, {
    name: 'due-watches',
    roundLimitMs: CLAIM_ROUND_LIMIT_MS,
    backoff: CLAIM_BACKOFF,
    failed: {
      event: 'watch_ticks_failed',
      text: 'watches cannot be claimed or enqueued; trying again',
    },
    round: async () => {
      await watchTick(deps);
      return TICK_MS;
    },
  });
}

/** Runs one round. Redis is queried first: while it is unavailable nothing is claimed. */
export async function watchTick({ store, fleet }: WatchTickDeps): Promise<void> {
  const waiting = (await fleet.counts()).watch['waiting'] ?? 0;
  const limit = Math.min(CLAIM_LIMIT, WAITING_LIMIT - waiting);
  if (limit <= 0) return;
  const due = await store.schedule.claimDueWatches({ limit, visibilityMs: VISIBILITY_MS });
  if (due.length > 0)
    await fleet.enqueue(
      due.map(({ kind, ...watch }) => ({
        ...watch,
        resource: resourceNamedBy(kind),
        queue: 'watch' as const,
      })),
    );
}
