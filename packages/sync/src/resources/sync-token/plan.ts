import type { PendingCursor, FullSyncEndState } from '../../cursor.js';
import type { SyncTokenCursor, SyncTokenWithoutPosition } from './cursor.js';

/* What a collection with sync tokens requests from Google next. Pure. */

type ListCursor = Extract<SyncTokenCursor, { step: 'list' }>;
export type FullSyncEndCursor = Extract<SyncTokenCursor, { phase: 'full' } & FullSyncEndState>;
export type IncrementalCursor = Extract<
  SyncTokenCursor,
  { phase: 'incremental'; syncToken: string }
>;

/** A page of a full listing. */
export interface ListPlan {
  kind: 'list';
  cursor: ListCursor;
  generation: number;
  /**
   * The full sync is begun because Google no longer accepts the sync position or the page token.
   */
  isForced: boolean;
}

export type Plan =
  | ListPlan
  /** The listing is complete; see evidence/full-sync-end.ts. */
  | { kind: 'tidy'; cursor: FullSyncEndCursor }
  | { kind: 'increment'; cursor: IncrementalCursor }
  | { kind: 'without-position'; cursor: SyncTokenWithoutPosition };

/** The state beside the cursor that a plan depends on. */
export interface Known {
  generation: number;
  nowMs: number;
  /** Items are to be read again. */
  hasRefetch: boolean;
  /** Whether the collection is read in full from time to time. */
  isRelisted: boolean;
}

/**
 * The maximum age of a sync token. Google forgets deletions after some time ("such tombstones
 * eventually disappear", without a number; about four weeks as observed) and may answer an older
 * sync position without them and without an error. A collection with an older token is synced in
 * full again.
 */
const SYNC_TOKEN_MAX_AGE_MS = 20 * 24 * 60 * 60_000;

export function planNext(cursor: PendingCursor | SyncTokenCursor, known: Known): Plan {
  if (cursor.phase === 'pending')
    return {
      ...newListing(known),
      cursor: listCursor(cursor.restarts ?? 0, cursor),
      isForced: cursor.resync === true && cursor.isRelisting !== true,
    };
  if (cursor.phase === 'full')
    return cursor.step === 'list' ? planList(cursor, known) : { kind: 'tidy', cursor };
  if (cursor.syncToken === null) return { kind: 'without-position', cursor };
  if (!relistDue(cursor, known)) return { kind: 'increment', cursor };
  return newListing(known, known.hasRefetch ? { isRepair: true } : {});
}

/** Returns the first page of a new full listing. */
export function newListing(
  { generation }: Pick<Known, 'generation'>,
  purpose: Purpose = {},
): ListPlan {
  return {
    kind: 'list',
    cursor: listCursor(0, purpose),
    generation: generation + 1,
    isForced: false,
  };
}

type Purpose = Pick<ListCursor, 'isRepair'>;

/**
 * Returns the plan after Google has rejected the page token: the full sync begins again, under a
 * new generation.
 */
export function listedFromStart({ cursor, generation }: ListPlan): ListPlan {
  return {
    kind: 'list',
    cursor: listCursor((cursor.restarts ?? 0) + 1, cursor),
    generation: generation + 1,
    isForced: true,
  };
}

function listCursor(restarts: number, { isRepair }: Purpose): ListCursor {
  return {
    phase: 'full',
    step: 'list',
    pageToken: null,
    listed: 0,
    nameless: 0,
    restarts,
    ...(isRepair ? { isRepair } : {}),
  };
}

function planList(cursor: ListCursor, known: Known): ListPlan {
  const { generation } = known;
  return cursor.pageToken !== null && isTooOld(cursor.begunAtMs, known)
    ? {
        kind: 'list',
        cursor: listCursor(cursor.restarts ?? 0, cursor),
        generation: generation + 1,
        isForced: false,
      }
    : { kind: 'list', cursor, generation, isForced: false };
}

/**
 * Whether the collection is due to be read in full. A listing in progress is finished first, unless
 * its sync position is too old. Quarantined items are read again by a full sync, which costs a
 * request for every page.
 */
function relistDue(cursor: IncrementalCursor, known: Known): boolean {
  if (isTooOld(cursor.syncTokenAtMs, known)) return true;
  if (cursor.pageToken !== null) return false;
  return known.hasRefetch || (known.isRelisted && known.nowMs >= (cursor.relistAtMs ?? 0));
}

function isTooOld(sinceMs: number | undefined, { nowMs }: Known): boolean {
  return nowMs - (sinceMs ?? nowMs) > SYNC_TOKEN_MAX_AGE_MS;
}
