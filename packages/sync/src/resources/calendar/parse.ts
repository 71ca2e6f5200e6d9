import type { CalendarEvent, CalendarListEntry } from '@syncline/google';
import { instantOfDateTime } from '@syncline/recurrence';
import { describeError } from '@syncline/runtime';
import {
  serialised,
  storableCalendar,
  storableEvent,
  type CalendarRow,
  type EventRow,
  type EventTime,
  type SetAside,
} from '@syncline/store';

/*
 * Google's calendar entries and events → rows. Dates that no column can hold (year zero, beyond 9999, nonsense) leave their columns
 * empty: the resource keeps them as Google gave them.
 */

/**
 * The rows of what can be understood. An item that cannot is quarantined and holds no other; like a
 * whole answer it is read again by a full sync.
 */
export function parsed<Item extends { id?: string | null }, Row>(
  items: readonly Item[],
  parse: (item: Item) => Row,
): { rows: Row[]; quarantined: SetAside[] } {
  const rows: Row[] = [];
  const quarantined: SetAside[] = [];
  for (const item of items)
    try {
      rows.push(parse(item));
    } catch (error) {
      quarantined.push({
        id: item.id ?? '',
        reason: `it cannot be read: ${describeError(error)}`,
        cause: 'not-understood',
      });
    }
  return { rows, quarantined };
}

export function parseCalendar(entry: CalendarListEntry): CalendarRow {
  if (!entry.id) throw new Error('a calendar without id');
  return storableCalendar({
    id: entry.id,
    summary: entry.summaryOverride ?? entry.summary ?? null,
    timeZone: entry.timeZone ?? null,
    accessRole: entry.accessRole ?? null,
    isPrimary: entry.primary ?? false,
    resource: serialised(entry),
  });
}

/** Masters, single events, exceptions, and cancelled exceptions, which carry little more than id, master and original start. */
export function parseEvent(event: CalendarEvent): EventRow {
  if (!event.id) throw new Error('an event without id');
  return storableEvent({
    id: event.id,
    status: event.status ?? 'confirmed',
    icalUid: event.iCalUID ?? null,
    summary: event.summary ?? null,
    recurringEventId: event.recurringEventId ?? null,
    isRecurring: (event.recurrence?.length ?? 0) > 0,
    start: eventTime(event.start),
    end: eventTime(event.end),
    etag: event.etag ?? null,
    resource: serialised(event),
  });
}

/**
 * A cancelled event that belongs to no series is deleted. One that does is an occurrence taken out
 * of it, and counts as long as the series is there: see `withoutOrphans` and
 * packages/store/src/mirrors/calendar/events.ts.
 */
export function isTombstone(event: CalendarEvent): boolean {
  return event.status === 'cancelled' && !event.recurringEventId;
}

/**
 * Ids of the events that have rows, of everything that a calendar's listings name: all but
 * cancelled occurrences without their series.
 */
export function withoutOrphans<Item extends { series: string | null }>(
  items: ReadonlyMap<string, Item>,
): Map<string, Item> {
  return new Map([...items].filter(([, { series }]) => series === null || items.has(series)));
}

/** The series that a cancelled occurrence belongs to; null for every other event. */
export function seriesOfCancelled(event: CalendarEvent): string | null {
  return event.status === 'cancelled' ? (event.recurringEventId ?? null) : null;
}

/** Days are passed on as they are: which of them a column holds is known to `storableEvent`. */
function eventTime(time: CalendarEvent['start']): EventTime {
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
