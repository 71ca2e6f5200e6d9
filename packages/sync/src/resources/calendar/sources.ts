import { addressOrNull } from '@syncline/google';
import type { SyncTokenSource } from '../sync-token/source.js';
import { asAccessLost, nextRelistAtMs } from './access.js';
import { meaningOfCalendars, meaningOfEvents } from './interpret.js';

/** The account's calendar list. */
export const LIST_SOURCE: SyncTokenSource = {
  read: async (context, { syncToken, pageToken }) => {
    const page = await context.google.calendar.calendars({ syncToken, pageToken });
    const primary = page.items.find((entry) => entry.primary === true && entry.deleted !== true);
    const address = addressOrNull(primary?.id);
    if (address !== null) await context.meetAddress(address, 'list');
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
  read: async ({ google, lease }, { syncToken, pageToken, gone }) => {
    const page = await google.calendar
      .events({ calendarId: lease.externalId, syncToken, pageToken })
      .catch((error: unknown) => {
        throw asAccessLost(error);
      });
    return {
      ...meaningOfEvents(page.items, gone),
      nameless: page.nameless,
      nextPageToken: page.nextPageToken,
      nextSyncToken: page.nextSyncToken,
    };
  },
};
