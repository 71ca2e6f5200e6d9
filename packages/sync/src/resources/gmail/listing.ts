import type { GmailIncremental } from './cursor.js';
import type { Step } from '../../step.js';
import { endOfExtension } from './extend-window.js';

/**
 * Ends a listing when its last page is read and nothing is pending: only then does the new sync
 * position replace the old one.
 */
export function endOfListing(cursor: GmailIncremental): GmailIncremental {
  if (
    cursor.listing === null ||
    cursor.listing.pageToken !== null ||
    cursor.fetched < cursor.listed
  )
    return cursor;
  return { ...cursor, after: cursor.listing.until, listing: null, listed: 0, fetched: 0 };
}

/**
 * Whether the current list consists of requested messages or older mail rather than changes from
 * history: the listing for those ends at the position where it began.
 */
export function isUnlogged({ listing, after }: GmailIncremental): boolean {
  return listing?.until === after;
}

export function isCaughtUp(cursor: GmailIncremental): boolean {
  return cursor.listing === null;
}

/**
 * Ends the run if it is caught up. Only a listing that began in this run shows that the mailbox is
 * caught up as of this run; after an older one, history is read again. Older mail that is not
 * fetched yet also continues the run.
 * @param isFresh the listing began in this run
 */
export function endIfCaughtUp(
  next: GmailIncremental,
  { isFresh, nowMs }: { isFresh: boolean; nowMs: number },
): Pick<Step, 'end'> {
  if (!isCaughtUp(next) || !isFresh) return {};
  return next.extension ? endOfExtension(next.extension, nowMs) : { end: { kind: 'caught-up' } };
}
