import { assert, unreachable } from '@syncline/runtime';
import type { Lease, PageCommit } from '@syncline/store';
import type { ResourceCursor } from './resources/cursors.js';

/**
 * The whole life of a collection, as data. The store treats it as opaque; only the `cursor.ts` of
 * each resource parses it.
 *
 * A full sync goes list → fetch (mail only) → sweep → clear; then incremental syncs start from the
 * sync position. A resync is a full sync of a mailbox whose rows are valid but whose history has
 * expired: list → labels → relabel → fetch → sweep → clear. It fetches only unknown messages and
 * takes the labels of known ones from the list of each label. History ids are stored as decimal
 * text, since JSON has no 64-bit integers; they are compared as bigint.
 */
export type Cursor = PendingCursor | ResourceCursor;

/**
 * When the listing of a full sync began, and the evidence that it is complete; see
 * evidence/decide.ts.
 */
export type ListingNote = {
  /** Absent in cursors of earlier versions; the listing then counts as just begun. */
  begunAtMs?: number;
  /** Mailboxes only: the number of messages in its profile before the listing. */
  profileTotal?: number | null;
  /** The profile's count replaces a second listing. */
  countConfirms?: true;
  /**
   * Mailboxes only: how many messages fewer than the profile's count were listed, when that is too
   * many to take the listing for complete.
   */
  lacking?: number;
  /**
   * Mailboxes only: labels that were in the stored catalogue and no longer exist in Google; at most
   * 20.
   */
  deletedLabels?: string[];
  /** Number of items without an id on its pages. */
  nameless?: number;
  /**
   * A label's list lacked messages that have the label, so nothing is deleted because of these
   * lists.
   */
  isDisproved?: true;
};

/**
 * A sweep that waits for evidence while incremental syncs start from the position that its listing
 * pinned. Pages of the second listing only release the held rows that they name. The position does
 * not move by them, so items deleted meanwhile are reported by incremental syncs.
 */
export type Hold =
  | {
      waitsFor: 'second-listing';
      /** In milliseconds since the epoch. */
      notBeforeMs: number;
      /** Where the second listing continues; null: it has not begun. */
      listing: { pageToken: string | null; restarts: number } | null;
    }
  /** Two listings did not name the held rows: they are deleted. */
  | { waitsFor: 'sweep' }
  /** The listing was discarded: a new full sync begins at that time. */
  | { waitsFor: 'new-listing'; notBeforeMs: number };

/**
 * The end of a full sync, when everything is listed and fetched: first the rows that the listing
 * did not name are swept, then its list is cleared.
 */
export type FullSyncEndState =
  | { step: 'sweep'; isProven?: true; hold?: Hold }
  /** Rows after this id are recorded as held next. */
  | { step: 'hold'; after: string; hold: Hold }
  | { step: 'clear'; hold?: Hold };

export type PendingCursor = {
  phase: 'pending';
  /** The full sync repairs what an audit or a verification found. */
  isRepair?: true;
  /** It replaces a discarded listing, so it does not count as a full sync that Google forced. */
  isRelisting?: true;
  /** How often the full sync was begun again because a page token expired. */
  restarts?: number;
  /** The sync position expired: stored rows are kept and not fetched again. */
  resync?: true;
};

/**
 * Returns the phase that the collection's row shows: a mailbox whose window is being extended shows
 * `full`, and uses that lane, though its cursor is incremental.
 */
export function phaseOf(cursor: Cursor): Lease['phase'] {
  return cursor.phase === 'incremental' && 'extension' in cursor && cursor.extension
    ? 'full'
    : cursor.phase;
}

/** Returns the origin of the events of a full sync. */
export function originOfFullSync({
  isRepair,
}: {
  isRepair?: true;
}): NonNullable<PageCommit['origin']> {
  return isRepair ? 'repair' : 'full_sync';
}

/** Returns the note as a part of a cursor. */
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
 * Returns a cursor with the same sync position whose listing starts again from the first page. The
 * effects of the pages read so far remain.
 */
export function listedAgain(cursor: Cursor): Cursor {
  if (cursor.phase !== 'incremental') return { phase: 'pending', ...purposeOf(cursor) };
  const hold = cursor.hold && { hold: holdAgain(cursor.hold) };
  return 'listing' in cursor
    ? { ...cursor, ...hold, listing: null }
    : { ...cursor, ...hold, pageToken: null };
}

/** A listing that begins again has the purpose of the one before. */
function purposeOf(cursor: Cursor): Pick<PendingCursor, 'isRepair'> {
  return 'isRepair' in cursor && cursor.isRepair ? { isRepair: true } : {};
}

/** Returns the hold with its second listing back at the first page. */
function holdAgain(hold: Hold): Hold {
  return hold.waitsFor === 'second-listing' && hold.listing !== null
    ? { ...hold, listing: { ...hold.listing, pageToken: null } }
    : hold;
}

/**
 * Returns the cursor with which a listing is begun again after a pause: from its first page; the
 * effects of its earlier pages remain.
 */
export function begunAgain(cursor: Cursor): Cursor {
  if (cursor.phase === 'pending') return cursor;
  if (cursor.phase === 'incremental') return listedAgain(cursor);
  switch (cursor.step) {
    case 'list':
      return 'resync' in cursor && cursor.resync
        ? { phase: 'pending', resync: true }
        : { phase: 'pending', ...purposeOf(cursor) };
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

/** @throws when it is not a cursor */
export function assertPhase(cursor: { phase: Lease['phase'] }): void {
  assert(
    cursor?.phase === 'pending' || cursor?.phase === 'full' || cursor?.phase === 'incremental',
    'a cursor has no known phase',
  );
}
