import type { EventTime, SourceEvent } from './event.js';
import { withoutMalformedFields } from './malformed-fields.js';
import { mergeSorted } from './merge-sorted.js';
import { longestPeriodMs, startsIn, type Series } from './series.js';
import type { Work } from './rule-times.js';
import { instantOfDateTime, instantOfWall, knownZone, offsetMs, rfc3339 } from './zones.js';

/**
 * Converts series, exceptions and cancelled occurrences, as the mirror stores them
 * (`singleEvents=false`), to the single events of a time range, as Google answers `events.list`
 * with `singleEvents=true` for the same `timeMin` and `timeMax`.
 *
 * An exception replaces the occurrence whose original start it names, wherever it was moved to; a
 * cancelled one only removes it. An exception whose series is not in the mirror is treated like a
 * single event. An instance inherits from its series the fields that it does not have itself.
 * Durations are exact: across a change to or from daylight saving time an event ends that much
 * later.
 */
export interface InstanceRange {
  /** Events must end after this instant. */
  timeMinMs: number;
  /** Events must start before this instant. */
  timeMaxMs: number;
  /** The calendar's time zone: all-day events begin at its midnight. */
  defaultZone: string;
  /** The largest number of instances; the earliest are returned. */
  limit?: number;
  /** Only instances after this place in the order of the result. */
  after?: { startMs: number; id: string } | undefined;
  /** The budget, which several calls may share; default: one of its own. */
  work?: Work;
}

export interface Instances<Event> {
  /** Sorted by start, then by id. */
  items: Event[];
  /** False when the limit, or the bound on work, left instances out. */
  complete: boolean;
}

/** A single event with its time. */
export interface PlacedInstance<Event> {
  startMs: number;
  endMs: number;
  id: string;
  /** When its series had it; null for what is of no series. */
  originalStartMs: number | null;
  event: Event;
}

export interface PlacedInstances<Event> {
  /** Sorted by start, then by id. */
  items: PlacedInstance<Event>[];
  /** Whether the limit left instances out. */
  hasMore: boolean;
  /** Whether the bound on work left instances out. */
  isCut: boolean;
}

export const DEFAULT_INSTANCE_LIMIT = 10_000;
/** The largest number of instances that one call returns. */
export const MAX_INSTANCE_LIMIT = 100_000;
/** About a century. */
export const MAX_INSTANCE_RANGE_MS = 36_600 * 86_400_000;
/** The bound for all series of one call together: two seconds at most. */
const WORK_LIMIT = 2_000_000;
/** The part of the budget that one series may use, so that one endless rule does not hide others. */
const SERIES_SHARE = 1 / 4;

/**
 * Expands the events of one calendar, in any order. Pure. The cost grows with the number of events
 * and of returned instances, not with the instances in the range: each series is expanded only
 * while its next instance is among the earliest.
 * @throws RangeError for a range or a limit above the bounds
 */
export function expandInstances<Event extends SourceEvent>(
  given: readonly Event[],
  range: InstanceRange,
): Instances<Event> {
  const { items, hasMore, isCut } = placeInstances(given, range);
  return { items: items.map(({ event }) => event), complete: !hasMore && !isCut };
}

/**
 * The same with the time of each instance, and page by page: `after` is the last instance of the
 * page before. Pure.
 * @throws RangeError for a range or a limit above the bounds
 */
export function placeInstances<Event extends SourceEvent>(
  given: readonly Event[],
  range: InstanceRange,
): PlacedInstances<Event> {
  const events = given.map((event) => withoutMalformedFields(event));
  const limit = range.limit ?? DEFAULT_INSTANCE_LIMIT;
  if (limit > MAX_INSTANCE_LIMIT || range.timeMaxMs - range.timeMinMs > MAX_INSTANCE_RANGE_MS)
    throw new RangeError('the range or the limit is above its bound');
  const replaced = originalStarts(events);
  const work = range.work ?? { stepsLeft: WORK_LIMIT };
  const seriesLimit = work.stepsLeft * SERIES_SHARE;
  const singles: Placed<Event>[] = [];
  const series: Generator<Placed<Event>, boolean>[] = [];
  for (const event of events) {
    if (event.status === 'cancelled') continue;
    if (isMaster(event)) {
      const share = shareOf(work, seriesLimit);
      series.push(ofSeries(event, range, replaced.get(event.id ?? ''), share));
    } else singles.push(...single(event, range));
  }
  const { found, isWhole } = earliestOf(
    mergeSorted<Placed<Event>>([inOrder(singles), ...series], ({ startMs }) => startMs),
    limit,
  );
  return {
    items: found.slice(0, limit).map((placed) => instanceOf(placed, range)),
    hasMore: found.length > limit,
    isCut: !isWhole || work.stepsLeft <= 0,
  };
}

function instanceOf<Event extends SourceEvent>(
  { startMs, endMs, id, make }: Placed<Event>,
  { defaultZone }: InstanceRange,
): PlacedInstance<Event> {
  const event = make();
  const { originalStartTime } = event;
  const originalMs = originalStartTime ? instantOf(originalStartTime, defaultZone) : Number.NaN;
  const originalStartMs = Number.isNaN(originalMs) ? null : originalMs;
  return { startMs, endMs, id, originalStartMs, event };
}

/** Returns a part of a budget: what is spent of it is spent of the whole. */
function shareOf(whole: Work, limit: number): Work {
  let left = limit;
  return {
    get stepsLeft() {
      return Math.min(left, whole.stepsLeft);
    },
    set stepsLeft(value) {
      const spent = this.stepsLeft - value;
      left -= spent;
      whole.stepsLeft -= spent;
    },
  };
}

/** A change of the clocks puts the instances of an hour out of order: one each second at most. */
const DISORDER = 3_600;

/**
 * Returns all instances, or at least one more than the limit, sorted. Within a series the order of
 * instants may be off by less than a day.
 */
function earliestOf<Event>(
  placed: Iterator<Placed<Event>, boolean>,
  limit: number,
): { found: Placed<Event>[]; isWhole: boolean } {
  const found: Placed<Event>[] = [];
  let isWhole = true;
  let endMs = Number.POSITIVE_INFINITY;
  for (let next = placed.next(); ; next = placed.next()) {
    if (next.done) {
      isWhole = next.value;
      break;
    }
    const { startMs } = next.value;
    const isEnough = found.length > 2 * limit + DISORDER && startMs > (found.at(-1)?.startMs ?? 0);
    if (startMs > endMs || isEnough) break;
    found.push(next.value);
    if (found.length === limit + 1) endMs = startMs + DAY_MS;
  }
  const byId = (a: Placed<Event>, b: Placed<Event>): number => (a.id < b.id ? -1 : 1);
  return { found: found.sort((a, b) => a.startMs - b.startMs || byId(a, b)), isWhole };
}

function* inOrder<Event>(placed: Placed<Event>[]): Generator<Placed<Event>, boolean> {
  yield* placed.sort((a, b) => a.startMs - b.startMs);
  return true;
}

interface Placed<Event> {
  startMs: number;
  endMs: number;
  id: string;
  /** Creates the event; called only for instances that are returned. */
  make(): Event;
}

const DAY_MS = 86_400_000;

function isMaster(event: SourceEvent): boolean {
  return (event.recurrence?.length ?? 0) > 0 && !event.recurringEventId;
}

/** Returns, for each series, the original starts that an exception or a cancellation replaces. */
function originalStarts(events: readonly SourceEvent[]): Map<string, Set<string>> {
  const starts = new Map<string, Set<string>>();
  for (const { id, recurringEventId, originalStartTime } of events) {
    if (!recurringEventId) continue;
    const taken = starts.get(recurringEventId) ?? new Set();
    // The id contains the original start too, and some sources keep only the id.
    if (id) taken.add(id);
    if (originalStartTime) taken.add(instanceId(recurringEventId, originalStartTime));
    // In an all-day series, an original start that is a time means the instance of that day.
    if (originalStartTime?.dateTime) taken.add(instanceOfDay(recurringEventId, originalStartTime));
    starts.set(recurringEventId, taken);
  }
  return starts;
}

function single<Event extends SourceEvent>(event: Event, range: InstanceRange): Placed<Event>[] {
  const startMs = instantOf(event.start, range.defaultZone);
  const endMs = event.end ? instantOf(event.end, range.defaultZone) : startMs;
  const id = event.id ?? '';
  return endMs > range.timeMinMs && startMs < range.timeMaxMs && isAfter(range, startMs, id)
    ? [{ startMs, endMs, id, make: () => event }]
    : [];
}

function isAfter({ after }: InstanceRange, startMs: number, id: string): boolean {
  if (after === undefined) return true;
  return startMs === after.startMs ? id > after.id : startMs > after.startMs;
}

function* ofSeries<Event extends SourceEvent>(
  master: Event,
  range: InstanceRange,
  taken: ReadonlySet<string> | undefined,
  work: Work,
): Generator<Placed<Event>, boolean> {
  const shape = shapeOf(master, range.defaultZone);
  if (!shape) return true;
  const { recurrence: _series, ...inherited } = master;
  const { lengthMs: usualMs, series } = shape;
  const longestMs = Math.max(usualMs, longestPeriodMs(series));
  const found = startsIn(
    series,
    Math.max(range.timeMinMs - longestMs, range.after?.startMs ?? Number.NEGATIVE_INFINITY) -
      DAY_MS,
    range.timeMaxMs + DAY_MS,
    work,
  );
  for (let next = found.next(); ; next = found.next()) {
    if (next.done) return next.value;
    const { startMs, lengthMs } = next.value;
    const start = shape.startAt(startMs);
    const end = shape.endAt(startMs + (lengthMs ?? usualMs));
    const id = instanceId(master.id ?? '', start);
    if (taken?.has(id)) continue;
    const recurringEventId = master.id ?? null;
    const own = { id, start, end, recurringEventId, originalStartTime: start };
    // Only fields that a source may omit differ from the type of the series.
    yield* single({ ...inherited, ...own } as unknown as Event, range);
  }
}

interface Shape {
  series: Series;
  lengthMs: number;
  startAt(startMs: number): EventTime;
  endAt(endMs: number): EventTime;
}

/** Returns null when the start of the series is not a valid date. */
function shapeOf(master: SourceEvent, defaultZone: string): Shape | null {
  const start = master.start ?? {};
  const end = master.end ?? start;
  const lines = master.recurrence ?? [];
  return start.date
    ? allDayShape(start.date, end.date ?? start.date, lines)
    : timedShape(start, end, defaultZone, lines);
}

function allDayShape(startDate: string, endDate: string, lines: string[]): Shape | null {
  const wallMs = Date.parse(`${startDate}T00:00:00Z`);
  if (!countable(wallMs)) return null;
  const day = (ms: number): EventTime => ({ date: new Date(ms).toISOString().slice(0, 10) });
  return {
    series: { wallMs, startMs: wallMs, isAllDay: true, zone: 'UTC', lines },
    lengthMs: Math.max(DAY_MS, Date.parse(`${endDate}T00:00:00Z`) - wallMs || 0),
    startAt: day,
    endAt: day,
  };
}

function timedShape(
  start: EventTime,
  end: EventTime,
  defaultZone: string,
  lines: string[],
): Shape | null {
  const name = start.timeZone ?? defaultZone;
  const startMs = instantOfDateTime(start.dateTime ?? '', name);
  if (!countable(startMs)) return null;
  const endMs = instantOfDateTime(end.dateTime ?? '', end.timeZone ?? name);
  const lengthMs = Math.max(0, endMs - startMs || 0);
  const zone = knownZone(name) ?? knownZone(defaultZone) ?? 'UTC';
  const endName = end.timeZone ?? name;
  const time = (ms: number, timeZone: string): EventTime => ({
    dateTime: rfc3339(knownZone(timeZone) ?? zone, ms),
    timeZone,
  });
  return {
    series: { wallMs: startMs + offsetMs(zone, startMs), startMs, isAllDay: false, zone, lines },
    lengthMs,
    startAt: (ms) => time(ms, name),
    endAt: (ms) => time(ms, endName),
  };
}

/**
 * The range of years in which rules are evaluated. Google stores dates outside it only by mistake,
 * and no occurrence is returned for them.
 */
function countable(ms: number): boolean {
  return ms >= Date.UTC(1000, 0, 1) && ms < Date.UTC(9_900, 0, 1);
}

/**
 * Returns the instant of a time. An all-day event begins at midnight of the calendar's zone. NaN
 * for an invalid date, which is in no range.
 */
function instantOf(time: SourceEvent['start'], defaultZone: string): number {
  if (time?.dateTime) return instantOfDateTime(time.dateTime, time.timeZone ?? defaultZone);
  const wallMs = Date.parse(`${time?.date ?? ''}T00:00:00Z`);
  return Number.isNaN(wallMs) ? wallMs : instantOfWall(defaultZone, wallMs);
}

/**
 * Returns Google's id of an instance: `<master>_20230722T160000Z` by the original start in UTC,
 * `<master>_20180128` for an all-day series.
 */
function instanceId(masterId: string, start: EventTime): string {
  if (start.date) return `${masterId}_${start.date.replaceAll('-', '')}`;
  const ms = Date.parse(start.dateTime ?? '');
  return Number.isNaN(ms)
    ? masterId
    : `${masterId}_${new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')}`;
}

/**
 * Returns the id of the instance of an all-day series on the day of that time, in the time's own
 * zone.
 */
function instanceOfDay(masterId: string, { dateTime, timeZone }: EventTime): string {
  const zone = knownZone(timeZone ?? '');
  const ms = zone === null ? Number.NaN : instantOfDateTime(dateTime ?? '', zone);
  const wall =
    zone === null || !countable(ms)
      ? (dateTime ?? '')
      : new Date(ms + offsetMs(zone, ms)).toISOString();
  return instanceId(masterId, { date: wall.slice(0, 10) });
}
