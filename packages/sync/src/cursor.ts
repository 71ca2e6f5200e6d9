import { assert, unreachable } from '@syncline/runtime';
import type { Phase } from '@syncline/store';
import type { ResourceCursor } from './resources/cursors.js';

/**
 * The whole life of a collection, as data. The store keeps it as a sealed letter; only the
 * resources' `cursor.ts` open it.
 *
 * A full sync goes list → fetch (mail only) → sweep → clear; then incremental syncs start from the
 * sync position. A resync is a full sync of a mailbox whose rows are good but whose history has
 * expired: list → labels → relabel → fetch → sweep → clear, in which only unknown messages are
 * fetched and the labels of the known ones come from listing each label. History ids stand as
 * decimal text, since JSON has no 64-bit integers; they are compared as bigint.
 */
export type Cursor = PendingCursor | ResourceCursor;

/**
 * How the listing of a full sync began, and what speaks for its completeness; see
 * evidence/decide.ts.
 */
export type ListingNote = {
  /** Absent in cursors of earlier versions: as if it had just begun. */
  begunAtMs?: number;
  /** Of a mailbox: how many messages its profile counted before the listing. */
  profileTotal?: number | null;
  /** That count stands in for a second listing. */
  countConfirms?: true;
  /**
   * Of a mailbox: so many messages fewer than its profile counted were listed, where that is too
   * many to take the listing for complete.
   */
  lacking?: number;
  /**
   * Of a mailbox: labels that were in its catalogue, and that Google does not have any more; 20 at
   * most.
   */
  deletedLabels?: string[];
  /** Items without an id that its pages had. */
  nameless?: number;
  /** A label's list lacked messages that have the label: nothing is deleted by these lists. */
  isDisproved?: true;
};

/**
 * A sweep that waits while incremental syncs start from the position that its listing pinned. Pages
 * of the second listing only strike out what they name: the position stays, so that whatever is
 * deleted meanwhile is told by increments.
 */
export type Hold =
  | {
      waitsFor: 'second-listing';
      /** In milliseconds since the epoch. */
      notBeforeMs: number;
      /** Where the second listing goes on; null: it has not begun. */
      listing: { pageToken: string | null; restarts: number } | null;
    }
  /** Two listings did not name the rows that are held: they are deleted. */
  | { waitsFor: 'sweep' }
  /** The listing was discarded: a new full sync begins then. */
  | { waitsFor: 'new-listing'; notBeforeMs: number };

/**
 * The end of a full sync, when everything is listed and fetched: the rows that the listing did not
 * name, then its list.
 */
export type TidyState =
  | { step: 'sweep'; isProven?: true; hold?: Hold }
  /** Rows after this id are written down as held next. */
  | { step: 'hold'; after: string; hold: Hold }
  | { step: 'clear'; hold?: Hold };

export type PendingCursor = {
  phase: 'pending';
  /**
   * It takes the place of a listing that was discarded: it does not count as a full sync that
   * Google forced.
   */
  isRelisting?: true;
  /** Full syncs that were begun again because a page token died. */
  restarts?: number;
  /** The sync position expired: what is stored is kept and not fetched again. */
  resync?: true;
};

/**
 * The phase that the collection's row shows: a mailbox whose window is extended shows `full`, and
 * uses that lane, though its cursor is incremental.
 */
export function phaseOf(cursor: Cursor): Phase {
  return cursor.phase === 'incremental' && 'extension' in cursor && cursor.extension
    ? 'full'
    : cursor.phase;
}

/** The note as a part of a cursor. */
export function withListing(listing: ListingNote | undefined): { listing?: ListingNote } {
  return listing === undefined ? {} : { listing };
}

/** Whether the next request carries a page token. */
export function isPaged(cursor: Cursor): boolean {
  if (cursor.phase === 'incremental' && 'listing' in cursor)
    return cursor.listing?.pageToken != null;
  return 'pageToken' in cursor && cursor.pageToken !== null;
}

/**
 * The same sync position, its listing from the first page again. What the listing has already led
 * to stays done.
 */
export function listedAgain(cursor: Cursor): Cursor {
  if (cursor.phase !== 'incremental') return { phase: 'pending' };
  const hold = cursor.hold && { hold: holdAgain(cursor.hold) };
  return 'listing' in cursor
    ? { ...cursor, ...hold, listing: null }
    : { ...cursor, ...hold, pageToken: null };
}

/** Its second listing from the first page again. */
function holdAgain(hold: Hold): Hold {
  return hold.waitsFor === 'second-listing' && hold.listing !== null
    ? { ...hold, listing: { ...hold.listing, pageToken: null } }
    : hold;
}

/**
 * The cursor of a listing that is begun again after a rest: its first page, and nothing of what its
 * pages led to is undone.
 */
export function begunAgain(cursor: Cursor): Cursor {
  if (cursor.phase === 'pending') return cursor;
  if (cursor.phase === 'incremental') return listedAgain(cursor);
  switch (cursor.step) {
    case 'list':
      return 'resync' in cursor && cursor.resync
        ? { phase: 'pending', resync: true }
        : { phase: 'pending' };
    case 'labels':
      return { ...cursor, pageToken: null };
    case 'relabel':
    case 'fetch':
    case 'sweep':
    case 'hold':
    case 'clear':
      return cursor;
    default:
      return unreachable(cursor);
  }
}

/** @throws when it is no cursor */
export function assertPhase(cursor: { phase: Phase }): void {
  assert(
    cursor?.phase === 'pending' || cursor?.phase === 'full' || cursor?.phase === 'incremental',
    'a cursor has no known phase',
  );
}
