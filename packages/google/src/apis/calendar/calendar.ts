/**
 * Google Calendar for one account. Each call returns one page of Google's answer, checked and typed
 * ("Calendar API v3" reference).
 */
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
  /**
   * Number of items without an id. They are not in `items`; any of them may be a stored row that
   * seems to be missing.
   */
  nameless: number;
  nextPageToken: string | null;
  /** On the last page only. */
  nextSyncToken: string | null;
}

/**
 * Every call throws GoogleError, or the caller's abort reason. With a `syncToken` a page holds what
 * changed since, deletions included; the same token is sent with every page.
 * `sync-position-expired` means that a full sync is due.
 */
export interface Calendar {
  calendars(q: {
    syncToken: string | null;
    pageToken: string | null;
  }): Promise<CalendarPage<CalendarListEntry>>;
  /**
   * Series and exceptions as Google stores them. Throws `not-found` when the calendar is gone or no
   * longer shared.
   */
  events(q: {
    calendarId: string;
    syncToken: string | null;
    pageToken: string | null;
  }): Promise<CalendarPage<CalendarEvent>>;
  /** One entry of the calendar list; null when the list does not contain it. */
  calendar(calendarId: string): Promise<CalendarListEntry | null>;
  /**
   * One event by its id; a deleted one is returned as cancelled. Null when Google does not have the
   * event or the calendar.
   */
  event(calendarId: string, eventId: string): Promise<CalendarEvent | null>;
  /**
   * Asks Google to post changes of a calendar's events, or of the calendar list for null; see
   * watch.ts.
   */
  openChannel(calendarId: string | null, order: ChannelOrder): Promise<Channel>;
  /** Ends a channel. Throws `not-found` when it has already ended. */
  stopChannel(channelId: string, resourceId: string): Promise<void>;
}

/**
 * All parameters, for full and token calls alike. Google requires that a token call repeats those
 * of the call that produced the token. Other parameters (a time window, an order, deleted events)
 * would invalidate the token or change its meaning.
 */
const EVERY_EVENT = { maxResults: '2500' };
/**
 * Hidden calendars are mirrored too. A token call always includes them, so a full call must as
 * well, or the two would differ.
 */
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
    // An event that changes during an incremental listing is returned again in another version. A full
    // listing names each once: another version of the same items is nothing new.
    ({ items }) =>
      items.map(({ id, etag }) => (syncToken === null ? `${id}` : `${id} ${etag ?? ''}`)),
  );
}
