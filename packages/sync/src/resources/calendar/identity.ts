import type { GoogleAccount } from '@syncline/google';

/**
 * Maximum number of pages of a calendar list that are read for its primary entry; it is on the
 * first one.
 */
const LIST_PAGES = 20;

/**
 * Returns the id of the primary calendar, which is its owner's address. The id is returned as
 * Google gives it, since a cleaned id would be another calendar's.
 * @throws GoogleError
 */
export async function primaryIdOf(google: GoogleAccount): Promise<string | null> {
  let pageToken: string | null = null;
  for (let page = 0; page < LIST_PAGES; page++) {
    const { items, nextPageToken } = await google.calendar.calendars({
      syncToken: null,
      pageToken,
    });
    const primary = items.find((entry) => entry.primary === true);
    if (primary?.id) return primary.id;
    if (nextPageToken === null) return null;
    pageToken = nextPageToken;
  }
  return null;
}
