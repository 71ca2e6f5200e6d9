import type { GmailIncremental } from './cursor.js';
import type { Step, StepContext } from '../../step.js';
import { endOfExtension } from './extend-window.js';

/**
 * When the last page is read and nothing is pending, the new sync position takes the place of the
 * old: never before.
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
 * Whether the list in hand is not from history but somebody's requests, or older mail: a listing
 * that is opened for those ends where it began.
 */
export function isUnlogged({ listing, after }: GmailIncremental): boolean {
  return listing?.until === after;
}

export function isCaughtUp(cursor: GmailIncremental): boolean {
  return cursor.listing === null;
}

/**
 * Only a listing that began in this run says that the mailbox is caught up as of this run; an older
 * one leads to another look. So does older mail that is still to come.
 */
export function endIfCaughtUp(context: StepContext, next: GmailIncremental): Pick<Step, 'end'> {
  if (!isCaughtUp(next) || !context.listingBegunHere) return {};
  return next.extension ? endOfExtension(context, next) : { end: { kind: 'caught-up' } };
}
