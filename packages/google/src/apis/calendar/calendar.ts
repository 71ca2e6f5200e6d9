/** Google Calendar, one account's: each call is one page of Google's answer, checked and typed ("Calendar API v3" reference). */
import type { calendar_v3 } from 'googleapis/build/src/apis/calendar/v3';
import { namedItems } from '../../nameless.js';
import { requestPage } from '../../paging.js';
import { type Session, orNull, requestJson } from '../../request.js';
import type { CalendarMethod } from './methods.js';
import { type Channel, type ChannelOrder, openChannel, stopChannel } from './watch.js';
import { identified, syncTokenOrNull } from '../../shape.js';

export type CalendarListEntry = calendar_v3.Schema$CalendarListEntry;
export type CalendarEvent = calendar_v3.Schema$Event;

interface CalendarPage<Item> {
  items: Item[];
  /** Items without an id, which are not among `items`: any of them may be a row that seems to be missing. */
  nameless: number;
  nextPageToken: string | null;
  /** On the last page only. */
  nextSyncToken: string | null;
}

/**
 * Every call throws GoogleError, and the caller's abort reason. With a `syncToken` a page holds
 * what changed since, tombstones included, and the same token goes with every page;
 * `sync-position-expired` means that a full sync is due.
 */
export interface Calendar {
  calendars(q: {
    syncToken: string | null;
    pageToken: string | null;
  }): Promise<CalendarPage<CalendarListEntry>>;
  /** Masters and exceptions as Google keeps them. Throws `not-found` when the calendar is gone or no longer shared. */
  events(q: {
    calendarId: string;
    syncToken: string | null;
    pageToken: string | null;
  }): Promise<CalendarPage<CalendarEvent>>;
  /** One entry of the calendar list; null when Google does not have it there. */
  calendar(calendarId: string): Promise<CalendarListEntry | null>;
  /**
   * One event by its id, a deleted one as cancelled; null when Google does not have it, or not the
   * calendar.
   */
  event(calendarId: string, eventId: string): Promise<CalendarEvent | null>;
  /** Has Google post changes of a calendar's events, or with null of the calendar list; see watch.ts. */
  openChannel(calendarId: string | null, order: ChannelOrder): Promise<Channel>;
  /** Ends a channel. Throws `not-found` when it has ended. */
  stopChannel(channelId: string, resourceId: string): Promise<void>;
}

/**
 * The whole set of parameters, for full and token calls alike: Google asks that a token call repeats those of the call
 * that the token came from, and anything more (a window, an order, deleted ones) would cost the token or bend its meaning.
 */
const EVERY_EVENT = { maxResults: '2500' };
/** Hidden calendars are calendars too, and a token call always tells of them: a full call must as well, or the two would differ. */
const EVERY_CALENDAR = { maxResults: '250', showHidden: 'true' };

export function calendarOf(session: Session): Calendar {
  return {
    calendars: (q) =>
      page<CalendarListEntry>(
        session,
        'calendar.calendarList.list',
        '/calendar/v3/users/me/calendarList',
        EVERY_CALENDAR,
        q,
      ),
    events: (q) =>
      page<CalendarEvent>(
        session,
        'calendar.events.list',
        `/calendar/v3/calendars/${encodeURIComponent(q.calendarId)}/events`,
        EVERY_EVENT,
        q,
      ),
    calendar: (calendarId) =>
      one<CalendarListEntry>(
        session,
        'calendar.calendarList.get',
        `/calendar/v3/users/me/calendarList/${encodeURIComponent(calendarId)}`,
      ),
    event: (calendarId, eventId) =>
      one<CalendarEvent>(
        session,
        'calendar.events.get',
        `/calendar/v3/calendars/${encodeURIComponent(calendarId)}/events/${encodeURIComponent(eventId)}`,
      ),
    openChannel: (calendarId, order) =>
      calendarId === null
        ? openChannel(
            session,
            'calendar.calendarList.watch',
            '/calendar/v3/users/me/calendarList/watch',
            order,
          )
        : openChannel(
            session,
            'calendar.events.watch',
            `/calendar/v3/calendars/${encodeURIComponent(calendarId)}/events/watch`,
            order,
          ),
    stopChannel: (channelId, resourceId) => stopChannel(session, channelId, resourceId),
  };
}

function one<Item extends { id?: string | null }>(
  session: Session,
  method: CalendarMethod,
  path: string,
): Promise<Item | null> {
  return orNull(
    requestJson(session, { method, path }, (body) => identified(body, 'item') as unknown as Item),
  );
}

function page<Item extends { id?: string | null; etag?: string | null }>(
  session: Session,
  method: CalendarMethod,
  path: string,
  parameters: Record<string, string>,
  { syncToken, pageToken }: { syncToken: string | null; pageToken: string | null },
): Promise<CalendarPage<Item>> {
  const query = new URLSearchParams(parameters);
  if (syncToken !== null) query.set('syncToken', syncToken);
  return requestPage(
    session,
    { method, path, query, pageToken, syncToken: syncToken !== null },
    (body) => {
      const { items, nameless } = namedItems(session, method, body.items, 'items');
      return {
        items: items as unknown as Item[],
        nameless,
        nextSyncToken: syncTokenOrNull(body.nextSyncToken),
      };
    },
    // An event that changes during a listing comes again, in another version.
    ({ items }) => items.map(({ id, etag }) => `${id} ${etag ?? ''}`),
  );
}
