import { assert } from '@syncline/runtime';
import {
  assertPhase,
  type Hold,
  type ListingNote,
  type PendingCursor,
  type TidyState,
} from '../../cursor.js';

/* The life of a collection with sync tokens as data; see ../../cursor.ts. */

/** Google gives the sync position with the last page of a listing only. */
export type SyncTokenCursor =
  | {
      phase: 'full';
      step: 'list';
      pageToken: string | null;
      listed: number;
      /** Items without an id that its pages had so far. */
      nameless?: number;
      begunAtMs?: number;
      restarts?: number;
    }
  | ({
      phase: 'full';
      syncToken: string | null;
      syncTokenAtMs?: number;
      listing?: ListingNote;
    } & TidyState)
  | SyncTokenWithoutPosition
  | {
      phase: 'incremental';
      syncToken: string;
      /**
       * When Google gave the sync position: one that is old is worth no more, though Google may
       * still take it.
       */
      syncTokenAtMs?: number;
      pageToken: string | null;
      /** Of a listing under way: events that its earlier pages told to be deleted, since what is left of a series may come after it. */
      gone?: string[];
      /**
       * Of calendar lists: when it is read in full again, since its deltas hide changes of access.
       * Absent: with the next sync.
       */
      relistAtMs?: number;
      hold?: Hold;
    };

/**
 * Google gave no sync token at the end of a full sync: full syncs go on at a slow pace until it
 * gives one.
 */
export type SyncTokenWithoutPosition = {
  phase: 'incremental';
  syncToken: null;
  pageToken: null;
  /** Requests come as often as they like; the next full sync does not begin before this. */
  fullSyncNotBeforeMs: number;
  hold?: Hold;
};

export function parseSyncTokenCursor(letter: unknown): PendingCursor | SyncTokenCursor {
  const cursor = letter as PendingCursor | SyncTokenCursor;
  assertPhase(cursor);
  assert(
    cursor.phase !== 'incremental' || (cursor.syncToken !== undefined && cursor.syncToken !== ''),
    'a collection follows without a sync token',
  );
  return cursor;
}
