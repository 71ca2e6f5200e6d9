/*
 * Decides about rows that a complete listing did not name. Pure. A single response of Google may be
 * wrong (an empty list with status 200 has been seen from every list method), so absence from one
 * listing deletes few rows, and none that Google still has.
 */

export interface Findings {
  /** Rows of the collection before the sweep. */
  rows: number;
  /** Of these, the rows that the listing did not name. */
  missing: number;
  /** The listing had, or may have had, items without an id: any missing row may be one of them. */
  mayHaveNameless: boolean;
  /** What Google answered for a sample of the missing rows by id; null: not asked yet. */
  asked: { alive: number; gone: number } | null;
  /**
   * Further evidence that the listing was complete: a second listing that did not name the rows
   * either, or Google's count.
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

/**
 * A sweep of at most this many rows needs no evidence, unless they are a large part of the
 * collection, or the listing had items without an id.
 */
export const SMALL_SWEEP = 5;
/** Number of missing rows that are asked for by id. */
export const SAMPLE = 20;
/** A sweep of more than one row in this many needs a second complete listing. */
const LARGE_SHARE = 5;

export function decide(findings: Findings): Decision {
  const { rows, missing, mayHaveNameless, asked, confirmedBy } = findings;
  const isSmall = missing <= SMALL_SWEEP;
  const isLarge = missing * LARGE_SHARE > rows;
  if (missing === 0 || (isSmall && !isLarge && !mayHaveNameless)) return 'sweep';
  if (asked === null) return 'ask';
  if (asked.alive > 0) return 'discard';
  return confirmedBy === null && needsSecondListing(findings, asked.gone) ? 'hold' : 'sweep';
}

/** @param gone number of missing rows that Google does not have, of those that it was asked for */
function needsSecondListing({ rows, missing, mayHaveNameless }: Findings, gone: number): boolean {
  // Google has no call for such an item, so only a second listing is evidence.
  if (gone === 0) return true;
  // In a small sweep every row was asked for by id, so a second listing adds nothing.
  if (missing > SMALL_SWEEP) return missing * LARGE_SHARE > rows;
  // The exception is a row that cannot be asked for by id: a cancelled occurrence.
  return mayHaveNameless && gone < missing;
}

/**
 * Returns how many messages a listing lacks by the mailbox's count, or 0 when they are too few to
 * doubt the listing: messages arrive and leave between the two calls. An empty listing of a mailbox
 * with a count above 0 is always doubted. The count does not apply to a mailbox that is mirrored in
 * part.
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

/** The minimum time between a listing and its second listing. */
export const CONFIRM_AFTER_MS = 60_000;
const MOST_RELIST_MS = 60 * 60_000;

/**
 * Returns how long after a discarded listing the collection lists again: a minute, doubled with
 * each discarded listing in a row, up to an hour.
 * @param discards how many listings in a row were discarded before
 * @param jitter a number in [0, 1)
 */
export function relistDelayMs(confirmAfterMs: number, discards: number, jitter: number): number {
  return (
    Math.min(MOST_RELIST_MS, confirmAfterMs * 2 ** Math.min(discards, 10)) * (1 + 0.1 * jitter)
  );
}

/**
 * Whether a mailbox's count of messages replaces a second listing. The count comes from another
 * method (getProfile), so a wrong list does not imply a wrong count. It covers whole mailboxes
 * only, hence it does not apply under a policy that leaves something out, and it must agree
 * exactly. A count of 0 is not accepted: a backend that has lost its data returns 0 from every
 * method, and a second listing of an empty mailbox is a single call.
 */
export function countConfirms(
  profileTotal: number | null,
  listed: number,
  isWholeMailbox: boolean,
): boolean {
  return isWholeMailbox && profileTotal !== null && profileTotal > 0 && profileTotal === listed;
}
