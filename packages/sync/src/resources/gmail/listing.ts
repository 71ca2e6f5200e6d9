import type { GmailFollow } from './cursor.js';
import type { Turn, TurnContext } from '../../turn.js';
import { restOfDeepening } from './deepen.js';

/** When the last page is read and nothing is owed, the new bookmark takes the place of the old: never before. */
export function endOfListing(cursor: GmailFollow): GmailFollow {
  if (
    cursor.listing === null ||
    cursor.listing.pageToken !== null ||
    cursor.fetched < cursor.listed
  )
    return cursor;
  return { ...cursor, after: cursor.listing.until, listing: null, listed: 0, fetched: 0 };
}

/** Whether the list in hand is not from history but somebody's wishes, or older mail: a listing that is opened for those ends where it began. */
export function isUnlogged({ listing, after }: GmailFollow): boolean {
  return listing?.until === after;
}

export function isLevel(cursor: GmailFollow): boolean {
  return cursor.listing === null;
}

/** Only a listing that began in this run says that the mailbox is level as of this run; an older one leads to another look. So does older mail that is still to come. */
export function restIfLevel(context: TurnContext, next: GmailFollow): Pick<Turn, 'rest'> {
  if (!isLevel(next) || !context.listingBegunHere) return {};
  return next.deepening ? restOfDeepening(context, next) : { rest: { kind: 'caught-up' } };
}
