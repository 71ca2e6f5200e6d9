/*
 * Decides about rows that a complete listing did not name. Pure. One answer of Google's may be
 * wrong (an empty list with status 200 has been seen of every list method), so absence from one
 * listing deletes few rows, and none that Google still has.
 */

/** What is known of the missing rows. */
export interface Findings {
  /** Rows of the collection before the sweep. */
  rows: number;
  /** Of them, those that the listing did not name. */
  missing: number;
  /** The listing had items without an id, or may have had: any missing row may be one of them. */
  mayHaveNameless: boolean;
  /** What Google answered for a sample of the missing by their ids; null: not asked yet. */
  asked: { alive: number; gone: number } | null;
  /**
   * What else says that the listing was complete: a second listing that did not name the rows
   * either, or a count of Google's.
   */
  confirmedBy: 'second-listing' | 'count' | null;
}

export type Decision =
  /** Delete them. */
  | 'sweep'
  /** Ask for a sample of them by id. */
  | 'ask'
  /** Wait for a second complete listing. */
  | 'hold'
  /** The listing was wrong: delete nothing, and list again later. */
  | 'discard';

/** A sweep of so many rows needs no evidence, unless it is a large part of the collection, or the listing had items without an id. */
export const SMALL_SWEEP = 5;
/** Missing rows that are asked for by id. */
export const SAMPLE = 20;
/** A sweep of more than one row in so many needs a second complete listing. */
const LARGE_SHARE = 5;

export function decide({ rows, missing, mayHaveNameless, asked, confirmedBy }: Findings): Decision {
  const isSmall = missing <= SMALL_SWEEP;
  const isLarge = missing * LARGE_SHARE > rows;
  if (missing === 0 || (isSmall && !isLarge && !mayHaveNameless)) return 'sweep';
  if (asked === null) return 'ask';
  if (asked.alive > 0) return 'discard';
  if (confirmedBy !== null) return 'sweep';
  // Of a small sweep every row was asked for: nothing is left for a second listing to say.
  if (!isSmall) return isLarge ? 'hold' : 'sweep';
  // Unless it is a row that an answer by id says nothing of: a cancelled occurrence.
  return mayHaveNameless && asked.alive + asked.gone < missing ? 'hold' : 'sweep';
}

/**
 * How many messages a listing lacks by the mailbox's count, or 0 when they are too few to doubt it:
 * mail comes and goes between the two calls. An empty listing of a mailbox that counts any is
 * always doubted. Of a mailbox that is mirrored in part the count says nothing.
 */
export function lackingByCount(
  profileTotal: number | null,
  listed: number,
  isWholeMailbox: boolean,
): number {
  if (!isWholeMailbox || profileTotal === null || profileTotal <= listed) return 0;
  const lacking = profileTotal - listed;
  const isLarge = lacking > SMALL_SWEEP && lacking * LARGE_SHARE > profileTotal;
  return listed === 0 || isLarge ? lacking : 0;
}

/** The second listing begins so long after the first at the earliest. */
export const CONFIRM_AFTER_MS = 60_000;
const MOST_RELIST_MS = 60 * 60_000;

/**
 * How long after a listing was discarded the collection lists again: a minute, and twice as long
 * each time, up to an hour.
 * @param discards how many listings in a row were discarded before; @param jitter a number in [0,
 * 1)
 */
export function relistDelayMs(confirmAfterMs: number, discards: number, jitter: number): number {
  return (
    Math.min(MOST_RELIST_MS, confirmAfterMs * 2 ** Math.min(discards, 10)) * (1 + 0.1 * jitter)
  );
}

/**
 * Whether a mailbox's count of messages stands in for a second listing. It comes from another
 * method (getProfile), so a wrong list does not make it wrong as well. It only counts whole
 * mailboxes, hence not under a policy that leaves something out; it must agree exactly; and an
 * empty mailbox is not taken for granted, since a backend that has lost its data says so in every
 * method, and a second listing of an empty mailbox is a single call.
 */
export function countConfirms(
  profileTotal: number | null,
  listed: number,
  isWholeMailbox: boolean,
): boolean {
  return isWholeMailbox && profileTotal !== null && profileTotal > 0 && profileTotal === listed;
}
