import { existsByIndex } from '../../exists-by-index.js';
import type { CalendarRow, EventRow } from './rows.js';
import { ownFault, sift, storableIds } from '../../set-aside.js';
import { quarantineId } from '../../storable.js';
import type { CollectionMirror, RowList } from '../collection-mirror.js';
import { removeCalendars, upsertCalendars } from './calendars.js';
import { applyEvents, deleteEvents, forgetUnlistedOccurrences, type EventDelta } from './events.js';
import { eventFault, storableCalendar, storableEvent } from './storable.js';

/** Changes of one page to the rows of the calendar list. */
export interface CalendarListDelta {
  kind: 'calendar-list';
  calendars: CalendarRow[];
  removed: string[];
}

/** Changes of one page to the rows of one calendar. */
export interface CalendarEventsDelta {
  kind: 'calendar-events';
  events: EventRow[];
  deleted: string[];
  /** See EventDelta. */
  isUnfinished?: boolean;
}

export const CALENDAR_LIST_MIRROR: CollectionMirror<CalendarListDelta> = {
  apply: async (session, { accountId }, { calendars, removed }) => [
    ...(await upsertCalendars(session, accountId, calendars)),
    ...(await removeCalendars(session, accountId, removed)),
  ],
  parts: (session, { accountId }, { calendars, removed }) => {
    const entries: RowList<CalendarRow> = {
      rows: calendars,
      table: 'calendars',
      entryId: ({ id }) => id,
      write: (rows) => upsertCalendars(session, accountId, rows),
    };
    const gone: RowList<string> = {
      rows: removed,
      table: 'calendars',
      entryId: quarantineId,
      write: (ids) => removeCalendars(session, accountId, ids),
    };
    return [entries, gone];
  },
  storable: (delta, aside) => ({
    ...delta,
    calendars: sift(delta.calendars, aside, ownFault),
    removed: storableIds(delta.removed),
  }),
  cleaned: (delta) => ({ ...delta, calendars: delta.calendars.map(storableCalendar) }),
  deleteRows: (session, { accountId }, ids) => removeCalendars(session, accountId, ids),
  absence: {
    table: 'calendars',
    scope: null,
    missing: (absent) =>
      `SELECT c.id, NULL::timestamptz AS age, true AS can_decide,
                     1 + (SELECT count(*) FROM syncline.calendar_events e WHERE e.account_id = $1 AND e.calendar_id = c.id) AS weight
                FROM syncline.calendars c WHERE c.account_id = $1 AND ${absent('c.id')}`,
    // Every event of every calendar counts too, because it is deleted with its calendar.
    count:
      '(SELECT count(*) FROM syncline.calendars WHERE account_id = $1) + (SELECT count(*) FROM syncline.calendar_events WHERE account_id = $1)',
    values: () => [],
  },
};

export const CALENDAR_EVENTS_MIRROR: CollectionMirror<CalendarEventsDelta> = {
  apply: (session, { accountId, externalId }, delta) =>
    applyEvents(session, accountId, externalId, delta),
  parts: (session, { accountId, externalId }, delta) => {
    const apply = (some: Partial<EventDelta>): ReturnType<typeof applyEvents> =>
      applyEvents(session, accountId, externalId, {
        ...delta,
        events: [],
        deleted: [],
        ...some,
      });
    const table = 'calendar_events';
    const events: RowList<EventRow> = {
      rows: delta.events,
      table,
      entryId: ({ id }) => id,
      write: (rows) => apply({ events: rows }),
    };
    const deleted: RowList<string> = {
      rows: delta.deleted,
      table,
      entryId: quarantineId,
      write: (ids) => apply({ deleted: ids }),
    };
    return [events, deleted];
  },
  storable: (delta, aside) => ({
    ...delta,
    events: sift(delta.events, aside, eventFault),
    deleted: storableIds(delta.deleted),
  }),
  cleaned: (delta) => ({ ...delta, events: delta.events.map(storableEvent) }),
  deleteRows: (session, { accountId, externalId }, ids) =>
    deleteEvents(session, { accountId, calendarId: externalId }, ids, 'waiting'),
  absence: {
    table: 'calendar_events',
    scope: 'calendar_id',
    // Google answers requests for the id of an occurrence while its series exists, whether or not
    // the occurrence was changed.
    missing: (absent) =>
      `SELECT e.id, coalesce(e.start_at, e.start_date::timestamp AT TIME ZONE 'UTC') AS age, 1 AS weight,
                     e.status <> 'cancelled' AND (e.recurring_event_id IS NULL OR NOT ${existsByIndex(
                       'SELECT 1 FROM syncline.calendar_events s WHERE s.account_id = $1 AND s.calendar_id = $5 AND s.id = e.recurring_event_id',
                     )}) AS can_decide
                FROM syncline.calendar_events e WHERE e.account_id = $1 AND e.calendar_id = $5 AND ${absent('e.id')}`,
    count:
      'SELECT count(*) FROM syncline.calendar_events WHERE account_id = $1 AND calendar_id = $5',
    values: ({ externalId }) => [externalId],
  },
  forgetUnlisted: forgetUnlistedOccurrences,
};
