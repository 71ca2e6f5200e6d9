/**
 * Detects that Redis has lost its jobs. Redis alone holds the queue; when its data is lost,
 * enqueued collections would wait until their visibility time is over. So each round checks whether
 * Redis still has the data of the previous round, and otherwise makes the enqueued collections due
 * again. Several schedulers may each do it.
 */
import type { Fleet, QueueDataId } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';
import type { Schedule } from '@syncline/store';

/**
 * How long a claimed collection may wait for a worker before it is enqueued again; deduplication
 * makes that harmless.
 */
export const VISIBILITY_MS = 30_000;

export interface LostQueueDeps {
  store: { schedule: Pick<Schedule, 'bringForward'> };
  fleet: Pick<Fleet, 'dataId'>;
}

/** To be called once per round, before anything is enqueued. */
export function lostQueueCheck(rt: Runtime, { store, fleet }: LostQueueDeps): () => Promise<void> {
  let known: string | null = null;
  // Redis reports a loss only once, and Postgres may be unavailable at that time.
  let isDue = false;
  return async () => {
    const current = await fleet.dataId();
    isDue ||= isQueueLost(known, current);
    known = current.id;
    if (!isDue) return;
    const collections = await store.schedule.bringForward(VISIBILITY_MS);
    isDue = false;
    if (collections > 0)
      rt.log.warn(
        { event: 'jobs_lost', collections },
        'Redis has lost jobs, or was started again: the enqueued collections are due again',
      );
  };
}

/**
 * `known` is null for a scheduler that has just started: it accepts the current data, unless Redis
 * is new.
 */
export function isQueueLost(known: string | null, now: QueueDataId): boolean {
  return now.isNew || (known !== null && known !== now.id);
}
