/** Hints to the queue about collections that the schedule has just made due. */
import { type Enqueued, type Fleet, queueFor } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';
import type { RequestedCollection } from '@syncline/store';

/**
 * The number of hints per second and process that go to the head of their queue. There they precede
 * the syncs that a round of the schedule has just enqueued together; without this, one notification
 * in ten had fifty of those before it. In a burst the remaining hints go to the end, so that other
 * collections' syncs are not delayed until it is over.
 */
const PRIORITY_HINTS_PER_SECOND = 100;

/**
 * Returns a function that enqueues a job for each ready collection; the first hints of each second
 * go to the head of their queue.
 */
export function openHints(
  rt: Runtime,
  fleet: Pick<Fleet, 'enqueue'>,
  cause: 'notification' | 'request',
): (due: readonly RequestedCollection[]) => void {
  const hasPriority = openPriorityLimit(rt);
  return (due) => {
    const ready = due.filter((one) => one.ready).map((one) => jobFor(one, cause, hasPriority()));
    // The write to Redis is not awaited: the schedule has the request.
    if (ready.length > 0)
      fleet
        .enqueue(ready)
        .catch((error: unknown) =>
          rt.log.debug(
            { event: 'hint_lost', err: error },
            'a hint did not reach the queue; the scheduler enqueues the collection',
          ),
        );
  };
}

function jobFor(
  { collectionId, accountId, tenant, kind }: RequestedCollection,
  cause: 'notification' | 'request',
  first: boolean,
): Enqueued {
  return { collectionId, accountId, tenant, queue: queueFor(kind, false), cause, first };
}

/** Returns a function that is true for the first PRIORITY_HINTS_PER_SECOND calls of each second. */
function openPriorityLimit(rt: Runtime): () => boolean {
  let second = 0;
  let given = 0;
  return () => {
    const now = Math.floor(rt.clock.nowMs() / 1_000);
    if (now !== second) [second, given] = [now, 0];
    given += 1;
    return given <= PRIORITY_HINTS_PER_SECOND;
  };
}
