/**
 * Redis knows who is next and nothing else does; when it has forgotten, what was handed out would rest until its visibility time is over. So each round
 * looks whether it is still the memory of the round before, and brings forward what that one was told. Several schedulers may each do it.
 */
import type { Fleet, QueueMemory } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';

/** How long a claimed collection has to be picked up before it is enqueued again, which deduplication makes harmless. */
export const VISIBILITY_MS = 30_000;

export interface ReminderDeps {
  store: { collections: Pick<Store['collections'], 'bringForward'> };
  fleet: Pick<Fleet, 'memory'>;
}

/** To be called once a round, before anything is handed out. */
export function reminder(rt: Runtime, { store, fleet }: ReminderDeps): () => Promise<void> {
  let known: string | null = null;
  // Redis says only once that it has forgotten, and Postgres may be away just then.
  let isDue = false;
  return async () => {
    const memory = await fleet.memory();
    isDue ||= hasForgotten(known, memory);
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

/** `known` is null for a scheduler that has just begun: it believes what it finds, unless it finds nothing. */
export function hasForgotten(known: string | null, now: QueueMemory): boolean {
  return now.isNew || (known !== null && known !== now.id);
}
