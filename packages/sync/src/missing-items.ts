import type { FailedItem } from '@syncline/store';
import { SMALL_SWEEP } from './evidence/decide.js';
import { RETRY_DELAYS_MS, type FailingItem } from './item-failures.js';

/*
 * Decides what a 404 to the get of an item means that Google has listed, or that the mirror holds.
 * Pure. An answer may be wrong, so it deletes no item by itself: incremental syncs list what was
 * deleted. Without such a record the answer is repeated, twice while Google finds another item, a
 * minute apart. That decides about few items; about many a full listing does.
 * docs/decisions/0005-deletion-needs-evidence.md has the reasons.
 */

/** What is known of the missing items of one page. */
export interface MissingPage {
  /** During a full sync; the incremental sync after it lists what was deleted meanwhile. */
  isFullSync: boolean;
  /** Number of items of the collection that are missing now. */
  missing: number;
  /** Google has found another item at this try. Matters for retries only. */
  isWitnessed: boolean;
  /** The minimum time between the last two tries. */
  confirmAfterMs: number;
}

export type MissingOutcome =
  | { kind: 'gone' }
  | ({
      kind: 'retry';
      /** So many items are missing that a listing has to decide about them. */
      needsListing: boolean;
    } & FailingItem);

/** Number of tries that count, of which the first needs no witness. */
const TRIES = 3;

export function isRetry(known: FailedItem | undefined): known is FailedItem {
  return known !== undefined && known.missingTries > 0;
}

/** @param known what earlier tries have recorded, if any */
export function outcomeOfMissing(
  { id, isStored }: { id: string; isStored: boolean },
  known: FailedItem | undefined,
  page: MissingPage,
): MissingOutcome {
  const tries = Math.min((known?.tries ?? 0) + 1, MAX_COUNT);
  const retry = (
    missingTries: number,
    retryInMs: number,
    needsListing = false,
  ): MissingOutcome => ({
    kind: 'retry',
    id,
    reason: REASON,
    tries,
    missingTries,
    retryInMs,
    needsListing,
  });
  if (page.isFullSync || !isRetry(known))
    return retry(1, Math.min(RETRY_DELAYS_MS[0], page.confirmAfterMs));
  const earlier = known.missingTries;
  if (!page.isWitnessed) return retry(earlier, pauseMs(tries, page));
  if (earlier + 1 < TRIES) return retry(earlier + 1, page.confirmAfterMs);
  const isDecided = page.missing <= SMALL_SWEEP || (known.isUnlisted && !isStored);
  return isDecided ? { kind: 'gone' } : retry(earlier, pauseMs(tries, page), !known.isUnlisted);
}

const REASON = 'Google answers that it does not exist, and has not listed its deletion';
const MAX_COUNT = 1_000;
const LONGEST_PAUSE_MS = 6 * 3_600_000;

/** The pause while nothing can be decided, which doubles with each try. */
function pauseMs(tries: number, { confirmAfterMs }: MissingPage): number {
  return Math.min(LONGEST_PAUSE_MS, confirmAfterMs * 2 ** Math.min(10, Math.max(0, tries - 3)));
}
