import { assert } from '@syncline/runtime';
import {
  assertPhase,
  type Hold,
  type ListingNote,
  type NewCursor,
  type TidyState,
} from '../../cursor.js';

/* The life of a collection with sync tokens as data; see ../../cursor.ts. */

/** Google gives the bookmark with the last page of a listing only. */
export type SyncTokenCursor =
  | {
      phase: 'backfill';
      step: 'list';
      pageToken: string | null;
      listed: number;
      /** Items without an id that its pages had so far. */
      nameless?: number;
      begunAtMs?: number;
      restarts?: number;
    }
  | ({
      phase: 'backfill';
      bookmark: string | null;
      bookmarkAtMs?: number;
      listing?: ListingNote;
    } & TidyState)
  | SyncTokenWithoutPosition
  | {
      phase: 'follow';
      bookmark: string;
      /** When Google gave the bookmark: one that is old is worth no more, though Google may still take it. */
      bookmarkAtMs?: number;
      pageToken: string | null;
      /** Of a listing under way: events that its earlier pages told to be deleted, since what is left of a series may come after it. */
      gone?: string[];
      /** Of calendar lists: when it is read in full again, since its deltas hide changes of access. Absent: with the next look. */
      relistAtMs?: number;
      hold?: Hold;
    };

/**
 * Google gave no sync token at the end of a full sync: full syncs go on at a slow pace until it
 * gives one.
 */
export type SyncTokenWithoutPosition = {
  phase: 'follow';
  bookmark: null;
  pageToken: null;
  /** Requests come as often as they like; the next full sync does not begin before this. */
  fullSyncNotBeforeMs: number;
  hold?: Hold;
};

export function parseSyncTokenCursor(letter: unknown): NewCursor | SyncTokenCursor {
  const cursor = letter as NewCursor | SyncTokenCursor;
  assertPhase(cursor);
  assert(
    cursor.phase !== 'follow' || (cursor.bookmark !== undefined && cursor.bookmark !== ''),
    'a collection follows without a sync token',
  );
  return cursor;
}
