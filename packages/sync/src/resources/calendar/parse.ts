import type { CalendarEvent, CalendarListEntry } from '@syncline/google';
import { instantOfDateTime } from '@syncline/recurrence';
import { storable, type CalendarRow, type EventRow } from '@syncline/store';

/*
 * Google's calendar entries and events → rows. Dates that no column can hold (year zero, beyond
 * 9999, invalid text) leave their columns empty; the resource column keeps them as Google gave
 * them.
 */

export function parseCalendar(entry: CalendarListEntry): CalendarRow {
  if (!entry.id) throw new Error('a calendar without id');
  return storable.calendar({
    id: entry.id,
    summary: entry.summaryOverride ?? entry.summary ?? null,
    timeZone: entry.timeZone ?? null,
    accessRole: entry.accessRole ?? null,
    isPrimary: entry.primary ?? false,
    resource: storable.serialised(entry),
  });
}

/**
 * Parses masters, single events, exceptions, and cancelled exceptions, which have little more than
 * id, master and original start.
 */
export function parseEvent(event: CalendarEvent): EventRow {
  if (!event.id) throw new Error('an event without id');
  return storable.event({
    id: event.id,
    status: event.status ?? 'confirmed',
    icalUid: event.iCalUID ?? null,
    summary: event.summary ?? null,
    recurringEventId: event.recurringEventId ?? null,
    isRecurring: (event.recurrence?.length ?? 0) > 0,
    start: eventTime(event.start),
    end: eventTime(event.end),
    etag: event.etag ?? null,
    resource: storable.serialised(event),
  });
}

/**
 * A cancelled event outside a series is deleted. A cancelled event of a series is an occurrence
 * removed from it, and is kept as long as the series exists: see `withoutOrphans` and
 * packages/store/src/mirrors/calendar/events.ts.
 */
export function isTombstone(event: CalendarEvent): boolean {
  return event.status === 'cancelled' && !event.recurringEventId;
}

/**
 * Returns, of all items that a calendar's listings name, the events that have rows: all except
 * cancelled occurrences without their series.
 */
export function withoutOrphans<Item extends { series: string | null }>(
  items: ReadonlyMap<string, Item>,
): Map<string, Item> {
  return new Map([...items].filter(([, { series }]) => series === null || items.has(series)));
}

/** Returns the series of a cancelled occurrence; null for every other event. */
export function seriesOfCancelled(event: CalendarEvent): string | null {
  return event.status === 'cancelled' ? (event.recurringEventId ?? null) : null;
}

/** Days are passed on unchanged: `storable.event` decides which of them a column can hold. */
function eventTime(time: CalendarEvent['start']): EventRow['start'] {
  return {
    date: time?.date ?? null,
    atMs: instant(time?.dateTime, time?.timeZone),
    zone: time?.timeZone ?? null,
  };
}

function instant(
  dateTime: string | null | undefined,
  timeZone: string | null | undefined,
): number | null {
  if (typeof dateTime !== 'string') return null;
  const ms = instantOfDateTime(dateTime, typeof timeZone === 'string' ? timeZone : 'UTC');
  const year = new Date(ms).getUTCFullYear();
  return year >= 1 && year <= 9999 ? ms : null;
}
