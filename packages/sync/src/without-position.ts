import type { CollectionKind } from '@syncline/store';
import type { PositionlessCursor } from './resources/cursors.js';
import { COLLECTION_FACTS } from './resources/facts.js';
import type { Step, StepContext } from './step.js';

/*
 * A collection for which Google gave no sync position (google-api-php-client #1141: the last page
 * of events without nextSyncToken). Its pages are stored and swept like any others. Since no
 * incremental sync can begin, full syncs continue at a slow pace. They do not recover from an error
 * and do not count towards the day's limit of such full syncs. Once one of them ends with a
 * position, incremental syncs start from it.
 */

const MINUTE_MS = 60_000;

/**
 * A sync request (a notification, `syncline sync`, `syncline wait`) starts a full sync, but not
 * more often than this.
 */
export const REQUESTED_FULL_SYNC_GAP_MS = 10_000;

/**
 * Returns the step of a collection without a sync position: caught up if a full sync has just
 * ended; otherwise snoozed until the next full sync may begin, or the beginning of that full sync.
 * @param begin the first page of a full sync
 */
export async function withoutPosition(
  context: StepContext,
  cursor: PositionlessCursor,
  begin: () => Promise<Step>,
): Promise<Step> {
  const { rt, lease } = context;
  const why = reasonFor(lease.kind);
  if (context.fullSyncCompleted)
    return {
      commit: {
        cursor,
        phase: 'incremental',
        generation: context.generation,
        delta: { kind: 'none' },
        origin: 'live',
      },
      next: () => cursor,
      end: {
        kind: 'caught-up',
        withoutPosition: {
          why,
          fullSyncInMs:
            COLLECTION_FACTS[lease.kind].fullSyncPaceMs * (0.9 + 0.2 * rt.random.next()),
        },
      },
    };
  const waitMs = (cursor.fullSyncNotBeforeMs ?? 0) - rt.clock.nowMs();
  if (waitMs > 0)
    return {
      commit: null,
      next: () => cursor,
      end: {
        kind: 'snoozed',
        delayMs: waitMs,
        reason: why,
        code: 'no-sync-position',
        counts: false,
      },
    };
  return begin();
}

function reasonFor(kind: CollectionKind): string {
  const { fullSyncPaceMs: everyMs, noPosition } = COLLECTION_FACTS[kind];
  const pace =
    everyMs >= 60 * MINUTE_MS
      ? `${everyMs / (60 * MINUTE_MS)} hours`
      : `${everyMs / MINUTE_MS} minutes`;
  return `${noPosition}; it is synced in full about every ${pace}`;
}
