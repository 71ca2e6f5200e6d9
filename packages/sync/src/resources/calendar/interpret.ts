import type { CalendarEvent, CalendarListEntry } from '@syncline/google';
import { parsed } from '../sync-token/parse.js';
import type { Meaning } from '../sync-token/source.js';
import { isTombstone, parseCalendar, parseEvent } from './parse.js';

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
    listedIds: live.map((item) => item.id ?? ''),
  };
}

/** What is known of the listing that a page of events belongs to. */
interface ListingSoFar {
  /** Events that earlier pages reported as deleted, and no later page has named. */
  gone: readonly string[];
  isLast: boolean;
}

/**
 * A cancelled occurrence of a series that the same listing deletes is deleted with it, on whatever
 * page it comes. A later page may name the series again, so the last page decides; until then such
 * occurrences wait. Whether any other cancelled occurrence gets a row depends on its series, which the
 * store checks: see packages/store/src/mirrors/calendar/events.ts.
 */
export function meaningOfEvents(
  items: readonly CalendarEvent[],
  { gone, isLast }: ListingSoFar = { gone: [], isLast: true },
): Meaning {
  const last = new Map(items.map((item) => [item.id ?? '', item]));
  const tombstones = [...last.values()].filter(isTombstone).map((item) => item.id ?? '');
  const stillGone = isLast ? gone.filter((id) => !last.has(id)) : [];
  const finished = new Set(isLast ? [...stillGone, ...tombstones] : []);
  const isOver = (item: CalendarEvent): boolean =>
    isTombstone(item) || (item.status === 'cancelled' && finished.has(item.recurringEventId ?? ''));
  const live = [...last.values()].filter((item) => !isOver(item));
  const deleted = [...last.values()].filter(isOver).map((item) => item.id ?? '');
  const { rows: events, quarantined } = parsed(live, parseEvent);
  return {
    delta: {
      kind: 'calendar-events',
      events,
      deleted: [...stillGone, ...deleted],
      ...(isLast ? {} : { isUnfinished: true }),
    },
    quarantined,
    gone: deleted,
    listedIds: live.map((item) => item.id ?? ''),
  };
}
