/**
 * Watches that are to be looked after are claimed and put into their queue, as collections are by the tick: by any number of schedulers, with
 * nothing remembered here. A loop of its own, since a watch may wait a few seconds and must never hold up a mailbox.
 */
import { type Fleet, resourceNamedBy } from '@syncline/fleet';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import { CLAIM_BACKOFF, CLAIM_ROUND_LIMIT_MS } from './tick.js';

const CLAIM_LIMIT = 200;
/** Longer than the hold on a watch lasts: what a killed worker held is free when it comes round. */
const VISIBILITY_MS = 60_000;
const TICK_MS = 2_000;
/** Jobs that may wait: some minutes' work. More would only age in the queue. */
const WAITING_LIMIT = 1_000;

export interface WatchTickDeps {
  store: { watches: Pick<Store['watches'], 'claimDue'> };
  fleet: Pick<Fleet, 'enqueue' | 'counts'>;
}

/**
 * Ticks until `rt.signal` is aborted. Transient errors in Postgres or Redis is logged when it
 * begins and waited for.
 */
export async function runWatchTicks(rt: Runtime, deps: WatchTickDeps): Promise<void> {
  await runLoop(rt, {
    name: 'due-watches',
    roundLimitMs: CLAIM_ROUND_LIMIT_MS,
    backoff: CLAIM_BACKOFF,
    failed: {
      event: 'watch_ticks_failed',
      text: 'watches cannot be claimed or enqueued; trying again until they can',
    },
    round: async () => {
      await watchTick(deps);
      return TICK_MS;
    },
  });
}

/** One round. Redis is asked first: while it is away nothing is claimed. */
export async function watchTick({ store, fleet }: WatchTickDeps): Promise<void> {
  const waiting = (await fleet.counts()).watch['waiting'] ?? 0;
  const limit = Math.min(CLAIM_LIMIT, WAITING_LIMIT - waiting);
  if (limit <= 0) return;
  const due = await store.watches.claimDue({ limit, visibilityMs: VISIBILITY_MS });
  if (due.length > 0)
    await fleet.enqueue(
      due.map(({ kind, ...watch }) => ({
        ...watch,
        resource: resourceNamedBy(kind),
        queue: 'watch' as const,
      })),
    );
}
