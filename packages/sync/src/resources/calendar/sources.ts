import { addressOrNull } from '@syncline/google';
import type { SyncTokenSource } from '../sync-token/source.js';
import { asAccessLost, nextRelistAtMs } from './access.js';
import { meaningOfCalendars, meaningOfEvents } from './interpret.js';

/** The account's calendar list. */
export const LIST_SOURCE: SyncTokenSource = {
  method: 'calendar.calendarList.list',
  read: async (context, { syncToken, pageToken }) => {
    const page = await context.google.calendar.calendars({ syncToken, pageToken });
    const primary = page.items.find((entry) => entry.primary === true && entry.deleted !== true);
    const address = addressOrNull(primary?.id);
    if (address !== null) await context.adoptAddress(address, 'list');
    return {
      ...meaningOfCalendars(page.items),
      nameless: page.nameless,
      nextPageToken: page.nextPageToken,
      nextSyncToken: page.nextSyncToken,
    };
  },
  nextRelistAtMs,
};

/** The events of one calendar. */
export const EVENTS_SOURCE: SyncTokenSource = {
  method: 'calendar.events.list',
  read: async ({ google, lease }, { syncToken, pageToken, gone }) => {
    const page = await google.calendar
      .events({ calendarId: lease.externalId, syncToken, pageToken })
      .catch((error: unknown) => {
        throw asAccessLost(error);
      });
    return {
      // A full listing names deletions by accident only: what it lacks is swept at its end.
      ...meaningOfEvents(page.items, {
        gone,
        isLast: syncToken === null || page.nextPageToken === null,
      }),
      nameless: page.nameless,
      nextPageToken: page.nextPageToken,
      nextSyncToken: page.nextSyncToken,
    };
  },
};
