import type { CalendarEvent } from '@syncline/google';
import { startsOf, type Series } from './recurrence.js';
import { instantOfWall, offsetMs, rfc3339 } from './zones.js';

/**
 * Masters, exceptions and cancelled occurrences, as the mirror keeps them (`singleEvents=false`) → the single events of a time range,
 * as Google answers `events.list` with `singleEvents=true` for the same `timeMin` and `timeMax`.
 *
 * An exception replaces the occurrence whose original start it names, wherever it was moved to; a cancelled one only takes it
 * away; both work from the mirror alone, so an exception without its master is an event like others. What an instance does not
 * have of its own it has from its master. Durations are exact: over a change of daylight saving an event ends that much later.
 */
export interface InstanceRange {
  /** Events must end after this instant … */
  timeMinMs: number;
  /** … and start before this one. */
  timeMaxMs: number;
  /** The calendar's zone: all-day events begin at its midnight. */
  calendarZone: string;
  /** At most this many instances, the earliest ones. */
  limit?: number;
}

export interface Instances {
  /** By start, then by id. */
  items: CalendarEvent[];
  /** False when the limit (or the bound on work for a rule by the minute) left something out. */
  complete: boolean;
}

export const DEFAULT_INSTANCE_LIMIT = 10_000;

/** Pure. Events of one calendar, in any order. */
export function expandInstances(events: readonly CalendarEvent[], range: InstanceRange): Instances {
  const limit = range.limit ?? DEFAULT_INSTANCE_LIMIT;
  const replaced = originalStarts(events);
  let found: Placed[] = [];
  let complete = true;
  for (const event of events) {
    if (event.status === 'cancelled') continue;
    const placed = isMaster(event)
      ? ofSeries(event, range, limit, replaced.get(event.id ?? ''))
      : { items: single(event, range), complete: true };
    complete &&= placed.complete;
    found.push(...placed.items);
    if (found.length > 4 * limit + 1_000) {
      found = earliest(found, limit);
      complete = false;
    }
  }
  return {
    items: earliest(found, limit).map((placed) => placed.event),
    complete: complete && found.length <= limit,
  };
}

interface Placed {
  startMs: number;
  event: CalendarEvent;
}

const DAY_MS = 86_400_000;

function isMaster(event: CalendarEvent): boolean {
  return (event.recurrence?.length ?? 0) > 0 && !event.recurringEventId;
}

/** Per master, the original starts that an exception or a cancellation has taken over. */
function originalStarts(events: readonly CalendarEvent[]): Map<string, Set<string>> {
  const starts = new Map<string, Set<string>>();
  for (const { id, recurringEventId, originalStartTime } of events) {
    if (!recurringEventId) continue;
    const taken = starts.get(recurringEventId) ?? new Set();
    // The id names the original start as well, and is all that some sources keep of it.
    if (id) taken.add(id);
    if (originalStartTime) taken.add(instanceId(recurringEventId, originalStartTime));
    starts.set(recurringEventId, taken);
  }
  return starts;
}

function single(event: CalendarEvent, range: InstanceRange): Placed[] {
  const startMs = instantOf(event.start, range.calendarZone);
  const endMs = event.end ? instantOf(event.end, range.calendarZone) : startMs;
  return endMs > range.timeMinMs && startMs < range.timeMaxMs ? [{ startMs, event }] : [];
}

function ofSeries(
  master: CalendarEvent,
  range: InstanceRange,
  limit: number,
  taken: ReadonlySet<string> | undefined,
): { items: Placed[]; complete: boolean } {
  const shape = shapeOf(master, range.calendarZone);
  if (!shape) return { items: [], complete: true };
  const { recurrence: _series, ...inherited } = master;
  const found = startsOf(
    shape.series,
    range.timeMinMs - shape.lengthMs - DAY_MS,
    range.timeMaxMs + DAY_MS,
    limit + (taken?.size ?? 0),
  );
  const items: Placed[] = [];
  for (const startMs of found.startsMs) {
    const start = shape.startAt(startMs);
    const id = instanceId(master.id ?? '', start);
    if (!taken?.has(id))
      items.push(
        ...single(
          {
            ...inherited,
            id,
            start,
            end: shape.endAt(startMs),
            recurringEventId: master.id ?? null,
            originalStartTime: start,
          },
          range,
        ),
      );
  }
  return { items, complete: found.complete };
}

type EventTime = NonNullable<CalendarEvent['start']>;

interface Shape {
  series: Series;
  lengthMs: number;
  startAt(startMs: number): EventTime;
  endAt(startMs: number): EventTime;
}

/** Null when the master's own start is no date that can be counted from. */
function shapeOf(master: CalendarEvent, calendarZone: string): Shape | null {
  const start = master.start ?? {};
  const end = master.end ?? start;
  const lines = master.recurrence ?? [];
  if (start.date) {
    const wallMs = Date.parse(`${start.date}T00:00:00Z`);
    const lengthMs = Math.max(
      DAY_MS,
      Date.parse(`${end.date ?? start.date}T00:00:00Z`) - wallMs || 0,
    );
    const day = (ms: number): EventTime => ({ date: new Date(ms).toISOString().slice(0, 10) });
    if (!countable(wallMs)) return null;
    return {
      series: { wallMs, startMs: wallMs, isAllDay: true, zone: 'UTC', lines },
      lengthMs,
      startAt: day,
      endAt: (ms) => day(ms + lengthMs),
    };
  }
  const startMs = Date.parse(start.dateTime ?? '');
  if (!countable(startMs)) return null;
  const lengthMs = Math.max(0, Date.parse(end.dateTime ?? '') - startMs || 0);
  const zone = start.timeZone ?? calendarZone;
  const endZone = end.timeZone ?? zone;
  const time = (ms: number, timeZone: string): EventTime => ({
    dateTime: rfc3339(timeZone, ms),
    timeZone,
  });
  return {
    series: { wallMs: startMs + offsetMs(zone, startMs), startMs, isAllDay: false, zone, lines },
    lengthMs,
    startAt: (ms) => time(ms, zone),
    endAt: (ms) => time(ms + lengthMs, endZone),
  };
}

/** Years that a rule can be counted from: outside them Google keeps nonsense, and there is no occurrence to show. */
function countable(ms: number): boolean {
  return ms >= Date.UTC(1000, 0, 1) && ms < Date.UTC(9_900, 0, 1);
}

/** An all-day event begins at midnight of the calendar's zone. NaN for no date at all, which lies in no range. */
function instantOf(time: CalendarEvent['start'], calendarZone: string): number {
  if (time?.dateTime) return Date.parse(time.dateTime);
  const wallMs = Date.parse(`${time?.date ?? ''}T00:00:00Z`);
  return Number.isNaN(wallMs) ? wallMs : instantOfWall(calendarZone, wallMs);
}

/** Google's ids of instances: `<master>_20230722T160000Z` by the original start in UTC, `<master>_20180128` of all-day series. */
function instanceId(masterId: string, start: EventTime): string {
  if (start.date) return `${masterId}_${start.date.replaceAll('-', '')}`;
  const ms = Date.parse(start.dateTime ?? '');
  return Number.isNaN(ms)
    ? masterId
    : `${masterId}_${new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')}`;
}

function earliest(found: Placed[], limit: number): Placed[] {
  const byId = (a: Placed, b: Placed): number => ((a.event.id ?? '') < (b.event.id ?? '') ? -1 : 1);
  return found.sort((a, b) => a.startMs - b.startMs || byId(a, b)).slice(0, limit);
}
