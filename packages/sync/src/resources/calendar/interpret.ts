import type { CalendarEvent, CalendarListEntry } from '@syncline/google';
import type { Meaning } from '../sync-token/source.js';
import { isTombstone, parseCalendar, parseEvent, parsed } from './parse.js';

/* The meaning of a page's items for the mirror. Pure. */

/** If a page names an id twice, the later item counts. */
export function meaningOfCalendars(items: readonly CalendarListEntry[]): Meaning {
  const last = new Map(items.map((item) => [item.id ?? '', item]));
  const live = [...last.values()].filter((item) => !item.deleted);
  const removed = [...last.values()].filter((item) => item.deleted).map((item) => item.id ?? '');
  const { rows: calendars, quarantined } = parsed(live, parseCalendar);
  return {
    delta: { kind: 'calendar-list', calendars, removed },
    quarantined,
    gone: [],
    metIds: live.map((item) => item.id ?? ''),
  };
}

/**
 * A cancelled occurrence of a series that the same listing deletes is deleted with it, on whatever
 * page it comes. Whether any other cancelled occurrence gets a row depends on its series, which the
 * store checks: see packages/store/src/mirrors/calendar/events.ts.
 * @param gone ids of events that earlier pages of the listing reported as deleted
 */
export function meaningOfEvents(
  items: readonly CalendarEvent[],
  gone: readonly string[] = [],
): Meaning {
  const last = new Map(items.map((item) => [item.id ?? '', item]));
  const finished = new Set([
    ...gone,
    ...[...last.values()].filter(isTombstone).map((item) => item.id ?? ''),
  ]);
  const isOver = (item: CalendarEvent): boolean =>
    isTombstone(item) || (item.status === 'cancelled' && finished.has(item.recurringEventId ?? ''));
  const live = [...last.values()].filter((item) => !isOver(item));
  const deleted = [...last.values()].filter(isOver).map((item) => item.id ?? '');
  const { rows: events, quarantined } = parsed(live, parseEvent);
  return {
    delta: { kind: 'calendar-events', events, deleted },
    quarantined,
    gone: deleted,
    metIds: live.map((item) => item.id ?? ''),
  };
}
