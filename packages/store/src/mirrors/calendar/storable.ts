import type { CalendarRow, EventRow, EventTime } from './rows.js';
import { clampInstant, faultOf, storable, textOf, type Fields } from '../../storable.js';

/* The column types of calendars and events; see ../../storable.ts. */

const CALENDAR: Fields<CalendarRow> = {
  id: 'id',
  summary: 'text?',
  timeZone: 'text?',
  accessRole: 'text?',
  isPrimary: 'boolean',
  resource: 'json',
};

const EVENT: Fields<EventRow> = {
  id: 'id',
  status: 'text',
  icalUid: 'text?',
  summary: 'text?',
  recurringEventId: 'id?',
  isRecurring: 'boolean',
  start: (time) => storableTime(time as EventTime),
  end: (time) => storableTime(time as EventTime),
  etag: 'text?',
  resource: 'json',
};

export function storableCalendar(row: CalendarRow): CalendarRow {
  return storable(row, CALENDAR);
}

/** Does not change ids; `eventFault` checks them. */
export function storableEvent(row: EventRow): EventRow {
  return storable(row, EVENT);
}

/** Returns the reason why the row cannot be stored with these ids; null when they are valid. */
export function eventFault({ id, recurringEventId }: EventRow): string | null {
  return (
    faultOf('id', id) ?? (recurringEventId === null ? null : faultOf('series id', recurringEventId))
  );
}

function storableTime({ date, atMs, zone }: EventTime): EventTime {
  return { date: plainDate(date), atMs: clampInstant(atMs), zone: textOf(zone) };
}

/**
 * Returns a date of the years 1 to 9999. A local Date is never used: converting an all-day date
 * through a time zone can change the day.
 */
function plainDate(date: unknown): string | null {
  if (typeof date !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(date) || date.startsWith('0000'))
    return null;
  const ms = Date.parse(`${date}T00:00:00Z`);
  // Rejects dates such as 30 February: JavaScript may turn them into a date in March, and Postgres
  // would reject them.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date) ? date : null;
}
