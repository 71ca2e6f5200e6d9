import type { CalendarEvent, CalendarListEntry } from '@syncline/google';
import {
  cleanJson,
  cleanText,
  type CalendarRow,
  type EventRow,
  type EventTime,
} from '@syncline/store';

/*
 * Google's calendar entries and events → rows. Dates that no column can hold (year zero, beyond 9999, nonsense) leave their columns
 * empty: the resource keeps them as Google gave them.
 */

export function parseCalendar(entry: CalendarListEntry): CalendarRow {
  if (!entry.id) throw new Error('a calendar without id');
  return {
    id: entry.id,
    summary: text(entry.summaryOverride ?? entry.summary),
    timeZone: text(entry.timeZone),
    accessRole: text(entry.accessRole),
    isPrimary: entry.primary ?? false,
    resource: cleanJson(entry),
  };
}

/** Masters, single events, exceptions, and cancelled exceptions, which carry little more than id, master and original start. */
export function parseEvent(event: CalendarEvent): EventRow {
  if (!event.id) throw new Error('an event without id');
  return {
    id: event.id,
    status: event.status ?? 'confirmed',
    icalUid: text(event.iCalUID),
    summary: text(event.summary),
    recurringEventId: event.recurringEventId ?? null,
    isRecurring: (event.recurrence?.length ?? 0) > 0,
    start: eventTime(event.start),
    end: eventTime(event.end),
    etag: event.etag ?? null,
    resource: cleanJson(event),
  };
}

/**
 * A cancelled event that belongs to no series is deleted. One that does is an occurrence taken out of it, and counts as long as the
 * series is there: see `withoutOrphans` and packages/store/src/events.ts.
 */
export function isTombstone(event: CalendarEvent): boolean {
  return event.status === 'cancelled' && !event.recurringEventId;
}

/** Ids of the events that have rows, of everything that a calendar's listings name: all but cancelled occurrences without their series. */
export function withoutOrphans<Item extends { series: string | null }>(
  items: ReadonlyMap<string, Item>,
): Map<string, Item> {
  return new Map([...items].filter(([, { series }]) => series === null || items.has(series)));
}

/** The series that a cancelled occurrence belongs to; null for every other event. */
export function seriesOfCancelled(event: CalendarEvent): string | null {
  return event.status === 'cancelled' ? (event.recurringEventId ?? null) : null;
}

function eventTime(time: CalendarEvent['start']): EventTime {
  return { date: plainDate(time?.date), atMs: instant(time?.dateTime), zone: text(time?.timeZone) };
}

/** Never through a Date: an all-day date shifted through UTC lands on another day. */
function plainDate(date: string | null | undefined): string | null {
  if (!date || !/^\d{4}-\d{2}-\d{2}$/.test(date) || date.startsWith('0000')) return null;
  const ms = Date.parse(`${date}T00:00:00Z`);
  // 30 February: JavaScript may roll it over into March, Postgres would refuse the whole page.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date) ? date : null;
}

function instant(dateTime: string | null | undefined): number | null {
  if (!dateTime) return null;
  const ms = Date.parse(dateTime);
  const year = new Date(ms).getUTCFullYear();
  return year >= 1 && year <= 9999 ? ms : null;
}

function text(value: string | null | undefined): string | null {
  return value === null || value === undefined ? null : cleanText(value);
}
