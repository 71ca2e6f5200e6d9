/**
 * Detects that Redis has lost its jobs. Redis alone holds the queue; when its data is lost,
 * enqueued collections would wait until their visibility time is over. So each round checks whether
 * Redis still has the data of the previous round, and otherwise makes the enqueued collections due
 * again. Several schedulers may each do it.
 */
import type { Fleet, QueueMemory } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';

/**
 * How long a claimed collection may wait for a worker before it is enqueued again; deduplication
 * makes that harmless.
 */
export const VISIBILITY_MS = 30_000;

export interface ReminderDeps {
  store: { collections: Pick<Store['collections'], 'bringForward'> };
  fleet: Pick<Fleet, 'memory'>;
}

/** To be called once per round, before anything is enqueued. */
export function reminder(rt: Runtime, { store, fleet }: ReminderDeps): () => Promise<void> {
  let known: string | null = null;
  // Redis reports a loss only once, and Postgres may be unavailable at that time.
  let isDue = false;
  return async () => {
    const memory = await fleet.memory();
    isDue ||= isQueueLost(known, memory);
    known = memory.id;
    if (!isDue) return;
    const collections = await store.collections.bringForward(VISIBILITY_MS);
    isDue = false;
    if (collections > 0)
      rt.log.warn(
        { event: 'jobs_forgotten', collections },
        'Redis has forgotten jobs, or was started again: what had been handed out is due again',
      );
  };
}

/**
 * `known` is null for a scheduler that has just started: it accepts the current data, unless Redis
 * is new.
 */
export function isQueueLost(known: string | null, now: QueueMemory): boolean {
  return now.isNew || (known !== null && known !== now.id);
}
