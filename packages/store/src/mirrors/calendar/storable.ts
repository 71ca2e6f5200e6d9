import type { CalendarRow, EventRow, EventTime } from './rows.js';
import { clampInstant, faultOf, storable, textOf, type Fields } from '../../storable.js';

/* What the columns of calendars and events can hold; see ../../storable.ts. */

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

/** Ids are as they were: ask `eventFault`. */
export function storableEvent(row: EventRow): EventRow {
  return storable(row, EVENT);
}

/** Why the row cannot be stored as long as Google names it so; null when its ids are in order. */
export function eventFault({ id, recurringEventId }: EventRow): string | null {
  return (
    faultOf('id', id) ?? (recurringEventId === null ? null : faultOf('series id', recurringEventId))
  );
}

function storableTime({ date, atMs, zone }: EventTime): EventTime {
  return { date: plainDate(date), atMs: clampInstant(atMs), zone: textOf(zone) };
}

/**
 * A day of the years 1 to 9999. Never through a local Date: an all-day date that is shifted through
 * a zone lands on another day.
 */
function plainDate(date: unknown): string | null {
  if (typeof date !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(date) || date.startsWith('0000'))
    return null;
  const ms = Date.parse(`${date}T00:00:00Z`);
  // 30 February: JavaScript may roll it over into March, Postgres would refuse it.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date) ? date : null;
}
