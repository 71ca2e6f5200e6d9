import type { PageCommit, FailedItem } from '@syncline/store';

type Items = NonNullable<PageCommit['items']>;
/** An item that could not be read while others could, and is tried again. */
export type FailingItem = NonNullable<Items['failing']>[number];
/** An item that is quarantined. */
export type SetAside = NonNullable<Items['quarantined']>[number];

/*
 * Decides whether a failure counts against an item or against its collection. Pure.
 *
 * A failed try counts against the item only if the same method answered for another item of the
 * collection at that try (it has a witness); otherwise it is a transient error of the collection.
 * The method has therefore worked at each try that counts, and an outage, in which nothing works,
 * quarantines nothing, however long it lasts. docs/decisions/0003-item-failures.md has the reasons.
 */

/** Delays between the tries that count, in milliseconds; two minutes in total. */
export const RETRY_DELAYS_MS = [5_000, 10_000, 20_000, 35_000, 50_000] as const;

/** Number of tries that count after which the item is quarantined. */
export const MAX_TRIES = RETRY_DELAYS_MS.length + 1;

/** One item that could not be read. */
export interface ItemFailure {
  id: string;
  reason: string;
  cause: 'not-read' | 'not-understood';
  /** Whether the same method has answered for another item at this try. */
  isWitnessed: boolean;
}

export type FailureOutcome =
  /** A transient error of the collection: the item stays where it is. */
  | { kind: 'collection' }
  /** The cursor passes the item, and it is tried again later. */
  | ({ kind: 'retry' } & FailingItem)
  | ({ kind: 'quarantine' } & SetAside);

/** @param known what earlier tries that count have recorded, if any */
export function outcomeOfFailure(
  failure: ItemFailure,
  known: FailedItem | undefined,
): FailureOutcome {
  const { id, reason, cause, isWitnessed } = failure;
  if (!isWitnessed) return { kind: 'collection' };
  const tries = known?.isQuarantined ? MAX_TRIES : (known?.tries ?? 0) + 1;
  const delayMs = RETRY_DELAYS_MS[tries - 1];
  return tries >= MAX_TRIES || delayMs === undefined
    ? { kind: 'quarantine', id, reason, cause }
    : { kind: 'retry', id, reason, tries, retryInMs: delayMs };
}

/**
 * The delay before the next try of items that were not quarantined because they would have been too
 * many.
 */
export const HELD_RETRY_MS = 60_000;

const HOUR_MS = 3_600_000;
/**
 * The number of items that a collection may quarantine within an hour in any case, and the share of
 * the tried items that it may.
 */
const LEAST_ALLOWED = 20;
const SHARE_ALLOWED = 0.01;

/**
 * Returns how many items a collection may quarantine within an hour before the failure counts as
 * its own.
 */
export function quarantineAllowance({
  progressDone,
  fullSyncAgeMs,
}: {
  progressDone: number;
  fullSyncAgeMs: number | null;
}): number {
  if (fullSyncAgeMs === null) return LEAST_ALLOWED;
  // The number of items that the full sync has tried within the last hour, at an even pace.
  const tried = progressDone * Math.min(1, HOUR_MS / Math.max(1, fullSyncAgeMs));
  return Math.max(LEAST_ALLOWED, Math.floor(SHARE_ALLOWED * tried));
}
