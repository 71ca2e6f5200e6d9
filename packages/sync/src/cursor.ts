import { assert, unreachable } from '@syncline/runtime';
import type { CollectionKind, Phase } from '@syncline/store';

/**
 * The whole life of a collection, as data. The store keeps it as a sealed letter; only this file opens it.
 *
 * A walk goes list → fetch (mail only) → sweep → clear; then the collection follows from the bookmark.
 * A resync is a walk of a mailbox whose rows are good but whose history has expired: list → labels → relabel → fetch → sweep → clear,
 * in which only unknown messages are fetched and the labels of the known ones come from listing each label.
 * History ids stand as decimal text, since JSON has no 64-bit integers; they are compared as bigint.
 */
export type Cursor = NewCursor | GmailCursor | CalendarCursor;

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
 * A sweep that waits while the collection follows from the position that its listing pinned. Pages
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

export type NewCursor = {
  phase: 'new';
  /**
   * It takes the place of a listing that was discarded: it does not count as a full sync that
   * Google forced.
   */
  isRelisting?: true;
  /** Walks that were begun again because a page token died. */
  restarts?: number;
  /** The bookmark expired: what is stored is kept and not fetched again. */
  resync?: true;
};

export type GmailCursor =
  | GmailListing
  | GmailRelabelling
  | {
      phase: 'backfill';
      step: 'fetch';
      from: string;
      listed: number;
      fetched: number;
      listing?: ListingNote;
    }
  | ({ phase: 'backfill'; from: string; listing?: ListingNote } & TidyState)
  | GmailFollow;

export type GmailListing = {
  phase: 'backfill';
  step: 'list';
  from: string;
  pageToken: string | null;
  listed: number;
  restarts?: number;
  resync?: true;
  listing?: ListingNote;
};

export type GmailRelabelling =
  /** The list of the label with this id is read next, from this page on. */
  | {
      phase: 'backfill';
      step: 'labels';
      from: string;
      listed: number;
      label: string;
      pageToken: string | null;
      restarts?: number;
      listing?: ListingNote;
    }
  /** Every label is listed; rows are compared from the one after `after` on. */
  | {
      phase: 'backfill';
      step: 'relabel';
      from: string;
      listed: number;
      after: string;
      /** Messages that would lose labels were asked for. */
      isProven?: true;
      listing?: ListingNote;
    };

export type GmailFollow = {
  phase: 'follow';
  /**
   * The bookmark: history is asked for after this id, the same one for every page of a listing.
   * NO_POSITION: full syncs go on at a slow pace.
   */
  after: string;
  /** A listing that is under way: where its next page is (null: none left), and the bookmark that it will leave. */
  listing: { pageToken: string | null; until: string } | null;
  /** Messages that history named and that are still to be fetched: the walk's list from `fetched` to `listed`. */
  listed: number;
  fetched: number;
  /** When the catalogue of labels was read last; renames leave no trace in history. */
  labelsReadAtMs: number;
  /** Older mail that is being fetched beside the following, since the window has grown; the collection's row says from where to where. */
  deepening?: Deepening;
  /** Without a position: the next full sync does not begin before this. */
  fullSyncNotBeforeMs?: number;
  hold?: Hold;
};

export type Deepening = {
  /** Where the list of the older slice goes on; null: at its first page. */
  pageToken: string | null;
  /** Its last page is listed: when what that named is fetched, the slice is done. */
  isListed: boolean;
  /** History is looked at before the next page. */
  looksFirst: boolean;
  /** Messages listed so far. */
  listed: number;
  /** Times in a row that its list was begun again and brought nothing new. */
  restarts: number;
  /** How often its list had no end, and when it is begun again after the last time. */
  endless?: { times: number; untilMs: number };
};

/** Calendar lists and events have one shape: Google gives the bookmark with the last page only. */
export type CalendarCursor =
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
  | CalendarWithoutPosition
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
export type CalendarWithoutPosition = {
  phase: 'follow';
  bookmark: null;
  pageToken: null;
  /** Requests come as often as they like; the next full sync does not begin before this. */
  fullSyncNotBeforeMs: number;
  hold?: Hold;
};

/** In a mailbox's cursor: Google gave no history id. Its own are positive. */
export const NO_POSITION = '0';

export function parseGmailCursor(letter: unknown): NewCursor | GmailCursor {
  const cursor = letter as NewCursor | GmailCursor;
  assertPhase(cursor);
  assert(
    cursor.phase !== 'follow' || /^\d+$/.test(cursor.after),
    'a mailbox follows without a history id',
  );
  assert(
    cursor.phase !== 'backfill' || /^\d+$/.test(cursor.from),
    'a mailbox is walked without a pinned history id',
  );
  return cursor;
}

export function parseCalendarCursor(letter: unknown): NewCursor | CalendarCursor {
  const cursor = letter as NewCursor | CalendarCursor;
  assertPhase(cursor);
  assert(
    cursor.phase !== 'follow' || (cursor.bookmark !== undefined && cursor.bookmark !== ''),
    'a calendar follows without a sync token',
  );
  return cursor;
}

export function parseCursor(kind: CollectionKind, letter: unknown): Cursor {
  return kind === 'gmail' ? parseGmailCursor(letter) : parseCalendarCursor(letter);
}

/** The phase that the collection's row shows: a mailbox that is deepened walks, on the lane of walks, though its cursor follows. */
export function phaseOf(cursor: Cursor): Phase {
  return cursor.phase === 'follow' && 'deepening' in cursor && cursor.deepening
    ? 'backfill'
    : cursor.phase;
}

/** The note as a part of a cursor. */
export function withListing(listing: ListingNote | undefined): { listing?: ListingNote } {
  return listing === undefined ? {} : { listing };
}

/** Whether the next request carries a page token. */
export function isPaged(cursor: Cursor): boolean {
  if (cursor.phase === 'follow' && 'listing' in cursor) return cursor.listing?.pageToken != null;
  return 'pageToken' in cursor && cursor.pageToken !== null;
}

/** The same bookmark, its listing from the first page again. What the listing has already led to stays done. */
export function listedAgain(cursor: Cursor): Cursor {
  if (cursor.phase !== 'follow') return { phase: 'new' };
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
  if (cursor.phase === 'new') return cursor;
  if (cursor.phase === 'follow') return listedAgain(cursor);
  switch (cursor.step) {
    case 'list':
      return 'resync' in cursor && cursor.resync
        ? { phase: 'new', resync: true }
        : { phase: 'new' };
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

function assertPhase(cursor: { phase: Phase }): void {
  assert(
    cursor?.phase === 'new' || cursor?.phase === 'backfill' || cursor?.phase === 'follow',
    'a cursor has no known phase',
  );
}
