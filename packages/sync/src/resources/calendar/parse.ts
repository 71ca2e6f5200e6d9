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
 * Google's calendar entries and events → rows. Dates that no column can hold (year zero, beyond
 * 9999, invalid text) leave their columns empty; the resource column keeps them as Google gave
 * them.
 */

/**
 * Returns the rows of the items that can be parsed. An item that cannot be parsed is quarantined
 * and blocks no other. Like a whole page it is read again by a full sync.
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

/**
 * Parses masters, single events, exceptions, and cancelled exceptions, which have little more than
 * id, master and original start.
 */
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

/** Days are passed on unchanged: `storableEvent` decides which of them a column can hold. */
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
