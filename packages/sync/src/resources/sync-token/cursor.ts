import { assert } from '@syncline/runtime';
import {
  assertPhase,
  type Hold,
  type ListingNote,
  type PendingCursor,
  type FullSyncEndState,
} from '../../cursor.js';
import type { IdlePages } from '../../idle-pages.js';

/* The life of a collection with sync tokens as data; see ../../cursor.ts. */

/** Google gives the sync position with the last page of a listing only. */
export type SyncTokenCursor =
  | {
      phase: 'full';
      step: 'list';
      pageToken: string | null;
      listed: number;
      idle?: IdlePages;
      /** Number of items without an id on its pages so far. */
      nameless?: number;
      begunAtMs?: number;
      restarts?: number;
      isRepair?: true;
    }
  | ({
      phase: 'full';
      syncToken: string | null;
      syncTokenAtMs?: number;
      listing?: ListingNote;
      isRepair?: true;
    } & FullSyncEndState)
  | SyncTokenWithoutPosition
  | {
      phase: 'incremental';
      syncToken: string;
      /**
       * When Google gave the sync position: an old one is not used, though Google may still accept
       * it.
       */
      syncTokenAtMs?: number;
      pageToken: string | null;
      /**
       * Of a listing in progress: events that its pages reported as deleted and did not name again,
       * since remaining events of a series may come on later pages.
       */
      gone?: string[];
      /**
       * Of a source with `nextRelistAtMs`: when it is read in full again. Absent: at the next sync.
       */
      relistAtMs?: number;
      hold?: Hold;
    };

/**
 * Google gave no sync token at the end of a full sync: full syncs continue at a slow pace until it
 * gives one.
 */
export type SyncTokenWithoutPosition = {
  phase: 'incremental';
  syncToken: null;
  pageToken: null;
  /** The earliest time of the next full sync, however often requests come. */
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
