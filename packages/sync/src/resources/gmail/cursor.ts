import { assert } from '@syncline/runtime';
import {
  assertPhase,
  type Hold,
  type ListingNote,
  type PendingCursor,
  type TidyState,
} from '../../cursor.js';

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
  | ({ phase: 'full'; from: string; listing?: ListingNote } & TidyState)
  | GmailIncremental;

export type GmailListing = {
  phase: 'full';
  step: 'list';
  from: string;
  pageToken: string | null;
  listed: number;
  restarts?: number;
  resync?: true;
  listing?: ListingNote;
};

/** Lists of labels that failed in this resync while other lists answered. */
export type UnreadLists = {
  /** Labels that were given up: no list counts as read for them. */
  labels: number;
  /** Tries of the label in hand, and when the next one is due, in milliseconds since the epoch. */
  tries?: number;
  nextTryAtMs?: number;
};

export type GmailRelabelling =
  /** The list of the label with this id is read next, from this page on. */
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
  /** Every label is listed; rows are compared from the one after `after` on. */
  | {
      phase: 'full';
      step: 'relabel';
      from: string;
      listed: number;
      after: string;
      /** Messages that would lose labels were asked for. */
      isProven?: true;
      listing?: ListingNote;
    };

export type GmailIncremental = {
  phase: 'incremental';
  /**
   * The sync position: history is asked for after this id, the same one for every page of a
   * listing. NO_POSITION: full syncs go on at a slow pace.
   */
  after: string;
  /**
   * A listing that is under way: where its next page is (null: none left), and the sync position
   * that it will leave.
   */
  listing: { pageToken: string | null; until: string } | null;
  /**
   * Messages that history named and that are still to be fetched: the full sync's list from
   * `fetched` to `listed`.
   */
  listed: number;
  fetched: number;
  /** When the catalogue of labels was read last; renames leave no trace in history. */
  labelsReadAtMs: number;
  /**
   * Older mail that is being fetched beside incremental syncs, since the window has grown; the
   * collection's row says from where to where.
   */
  extension?: WindowExtension;
  /** Without a position: the next full sync does not begin before this. */
  fullSyncNotBeforeMs?: number;
  hold?: Hold;
};

export type WindowExtension = {
  /** Where the list of the older slice goes on; null: at its first page. */
  pageToken: string | null;
  /** Its last page is listed: when what that named is fetched, the slice is done. */
  isListed: boolean;
  /** History is looked at before the next page. */
  incrementalFirst: boolean;
  /** Messages listed so far. */
  listed: number;
  /** Times in a row that its list was begun again and brought nothing new. */
  restarts: number;
  /**
   * How often in a row its list had no end or did not answer, and when it is read again after the
   * last time.
   */
  endless?: { times: number; untilMs: number; isUnanswered?: true };
};

/** In a mailbox's cursor: Google gave no history id. Its own are positive. */
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
