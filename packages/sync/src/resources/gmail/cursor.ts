import { assert } from '@syncline/runtime';
import {
  assertPhase,
  type Hold,
  type ListingNote,
  type PendingCursor,
  type FullSyncEndState,
} from '../../cursor.js';
import type { IdlePages } from '../../idle-pages.js';

/* The life of a mailbox as data; see ../../cursor.ts. */

export type GmailCursor =
  | GmailListing
  | GmailRelabelling
  | {
      phase: 'full';
      step: 'fetch';
      from: string;
      listed: number;
      fetched: number;
      listing?: ListingNote;
    }
  | ({ phase: 'full'; from: string; listing?: ListingNote } & FullSyncEndState)
  | GmailIncremental;

export type GmailListing = {
  phase: 'full';
  step: 'list';
  from: string;
  pageToken: string | null;
  listed: number;
  idle?: IdlePages;
  restarts?: number;
  resync?: true;
  listing?: ListingNote;
};

/** Lists of labels that failed in this resync while other lists were answered. */
export type UnreadLists = {
  /** Number of labels that were given up; their lists count as not read. */
  labels: number;
  /** Tries of the current label, and when the next one is due, in milliseconds since the epoch. */
  tries?: number;
  nextTryAtMs?: number;
};

export type GmailRelabelling =
  /** The list of the label with this id is read next, starting at this page. */
  | {
      phase: 'full';
      step: 'labels';
      from: string;
      listed: number;
      label: string;
      pageToken: string | null;
      restarts?: number;
      listing?: ListingNote;
      unread?: UnreadLists;
    }
  /** Every label is listed; rows are compared starting after the row `after`. */
  | {
      phase: 'full';
      step: 'relabel';
      from: string;
      listed: number;
      after: string;
      /** Messages that would lose labels have been requested as evidence. */
      isProven?: true;
      listing?: ListingNote;
    };

export type GmailIncremental = {
  phase: 'incremental';
  /**
   * The sync position: history is requested after this id, which is the same for every page of a
   * listing. NO_POSITION: full syncs continue at a slow pace.
   */
  after: string;
  /**
   * A listing in progress: the token of its next page (null: none left), and the sync position
   * after it.
   */
  listing: {
    pageToken: string | null;
    until: string;
    /** Of a list that history did not name: older mail, or messages that were requested again. */
    origin?: 'full_sync' | 'repair';
  } | null;
  /**
   * Messages that history named and that are still to be fetched: the full sync's list from
   * `fetched` to `listed`.
   */
  listed: number;
  fetched: number;
  /**
   * When the catalogue of labels was last read; history has no record of renames. 0: no history was
   * read since the full sync.
   */
  labelsReadAtMs: number;
  /**
   * The fetching of older mail beside incremental syncs after the window has grown; the
   * collection's row has the bounds.
   */
  extension?: WindowExtension;
  /** Without a sync position: the earliest time of the next full sync. */
  fullSyncNotBeforeMs?: number;
  hold?: Hold;
};

export type WindowExtension = {
  /** Where the list of the older slice continues; null: at its first page. */
  pageToken: string | null;
  /** The last page is listed: the slice is complete once its messages are fetched. */
  isListed: boolean;
  /** History is read before the next page. */
  incrementalFirst: boolean;
  /** Messages listed so far. */
  listed: number;
  /** How often in a row the list was begun again without naming a new message. */
  restarts: number;
  /** How often in a row the list had no end or was not answered, and when it is read again. */
  endless?: { times: number; untilMs: number; isUnanswered?: true };
};

/** In a mailbox's cursor: Google gave no history id. Google's own ids are positive. */
export const NO_POSITION = '0';

export function parseGmailCursor(letter: unknown): PendingCursor | GmailCursor {
  const cursor = letter as PendingCursor | GmailCursor;
  assertPhase(cursor);
  assert(
    cursor.phase !== 'incremental' || /^\d+$/.test(cursor.after),
    'a mailbox is in phase incremental without a history id',
  );
  assert(
    cursor.phase !== 'full' || /^\d+$/.test(cursor.from),
    'a mailbox is in phase full without a pinned history id',
  );
  return cursor;
}
