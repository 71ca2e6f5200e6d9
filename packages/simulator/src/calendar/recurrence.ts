/**
 * Expansion of a series, for singleEvents=true, events.instances and for acting on one occurrence. Wall clock time in the
 * series' zone stays the same over changes of daylight saving, as RFC 5545 wants it. FREQ with INTERVAL, COUNT, UNTIL, weekly
 * BYDAY, EXDATE and RDATE are understood; a rule with other BY parts yields its first occurrence only.
 */
import { compactUtc, instanceId, type EventBody, type EventTime } from './event.js';
import { instantOf, offsetMs, rfc3339 } from './zones.js';

export interface Occurrence { id: string; start: EventTime; end: EventTime; startMs: number; endMs: number }

export interface Span { fromMs: number; toMs: number; limit: number }

const DAY_MS = 86_400_000;
const STEPS_LIMIT = 20_000;
const DAY_NAMES = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];

/** Occurrences that end after `fromMs` and start before `toMs`, in order, at most `limit`. */
export function occurrences(master: EventBody, span: Span): Occurrence[] {
  if (master.start === undefined || master.end === undefined) return [];
  const shape = shapeOf(master, master.start, master.end);
  const excluded = new Set(datesOf(master, 'EXDATE', shape));
  const extra = datesOf(master, 'RDATE', shape);
  const found: Occurrence[] = [];
  for (const wallMs of walls(master, shape, extra)) {
    const one = shape.at(wallMs);
    if (one.startMs >= span.toMs || found.length >= span.limit) break;
    if (excluded.has(wallMs) || one.endMs <= span.fromMs) continue;
    found.push(one);
  }
  return found;
}

interface Shape { wallMs: number; allDay: boolean; zone: string; at(wallMs: number): Occurrence }

function shapeOf(master: EventBody, start: EventTime, end: EventTime): Shape {
  const zone = start.timeZone ?? 'UTC';
  if (start.date !== undefined) {
    const wallMs = Date.parse(`${start.date}T00:00:00Z`);
    const lengthMs = Math.max(DAY_MS, Date.parse(`${end.date ?? start.date}T00:00:00Z`) - wallMs);
    const day = (ms: number): EventTime => ({ date: new Date(ms).toISOString().slice(0, 10) });
    return { wallMs, allDay: true, zone: 'UTC', at: (ms) => ({ id: instanceId(master.id, day(ms)), start: day(ms), end: day(ms + lengthMs), startMs: ms, endMs: ms + lengthMs }) };
  }
  const instant = Date.parse(start.dateTime ?? '');
  const lengthMs = Math.max(0, Date.parse(end.dateTime ?? '') - instant);
  const at = (ms: number): Occurrence => {
    const startMs = instantOf(zone, ms);
    const time = (value: number): EventTime => ({ dateTime: rfc3339(zone, value), timeZone: zone });
    return { id: `${master.id}_${compactUtc(startMs)}`, start: time(startMs), end: time(startMs + lengthMs), startMs, endMs: startMs + lengthMs };
  };
  return { wallMs: instant + offsetMs(zone, instant), allDay: false, zone, at };
}

/** Wall times of the rule and the extra dates, merged in order. */
function* walls(master: EventBody, shape: Shape, extra: readonly number[]): Generator<number> {
  const waiting = [...new Set(extra)].sort((a, b) => a - b);
  for (const wallMs of ruleWalls(master, shape)) {
    while (waiting[0] !== undefined && waiting[0] <= wallMs) {
      const early = waiting.shift() as number;
      if (early < wallMs) yield early;
    }
    yield wallMs;
  }
  yield* waiting;
}

function* ruleWalls(master: EventBody, shape: Shape): Generator<number> {
  const line = master.recurrence?.find((one) => /^RRULE[:;]/i.test(one));
  if (line === undefined) { yield shape.wallMs; return; }
  const rule = new Map(line.slice(line.indexOf(':') + 1).toUpperCase().split(';').map((pair) => pair.split('=') as [string, string]));
  const count = Number(rule.get('COUNT') ?? Number.POSITIVE_INFINITY);
  const untilMs = untilOf(rule.get('UNTIL'), shape);
  let given = 0;
  for (const wallMs of candidates(rule, shape.wallMs)) {
    if (given >= count || wallMs > untilMs) return;
    given += 1;
    yield wallMs;
  }
}

function* candidates(rule: Map<string, string>, first: number): Generator<number> {
  const every = Math.max(1, Number(rule.get('INTERVAL') ?? 1) || 1);
  const others = [...rule.keys()].some((key) => key.startsWith('BY') && !(key === 'BYDAY' && rule.get('FREQ') === 'WEEKLY'));
  const frequency = others ? 'ONCE' : rule.get('FREQ');
  const days = (rule.get('BYDAY') ?? '').split(',').map((name) => DAY_NAMES.indexOf(name)).filter((day) => day >= 0);
  if (frequency === 'DAILY') for (let n = 0; n < STEPS_LIMIT; n++) yield first + n * every * DAY_MS;
  else if (frequency === 'WEEKLY') yield* weekly(first, every, days);
  else if (frequency === 'MONTHLY') yield* monthly(first, every);
  else if (frequency === 'YEARLY') yield* monthly(first, every * 12);
  else yield first;
}

/** Weeks begin on Monday, Google's and RFC 5545's default for WKST. */
function* weekly(first: number, every: number, days: readonly number[]): Generator<number> {
  const weekday = new Date(first).getUTCDay();
  const monday = first - ((weekday + 6) % 7) * DAY_MS;
  const wanted = (days.length === 0 ? [weekday] : [...days]).map((day) => (day + 6) % 7).sort((a, b) => a - b);
  for (let week = 0; week < STEPS_LIMIT; week += every) {
    for (const day of wanted) {
      const wallMs = monday + (week * 7 + day) * DAY_MS;
      if (wallMs >= first) yield wallMs;
    }
  }
}

/** Months without that day are passed over. */
function* monthly(first: number, every: number): Generator<number> {
  const start = new Date(first);
  for (let n = 0; n < STEPS_LIMIT / 10; n++) {
    const next = new Date(first);
    next.setUTCMonth(start.getUTCMonth() + n * every, start.getUTCDate());
    if (next.getUTCDate() === start.getUTCDate()) yield next.getTime();
  }
}

function untilOf(text: string | undefined, shape: Shape): number {
  const wall = text === undefined ? null : wallOf(text, shape);
  if (wall === null) return Number.POSITIVE_INFINITY;
  return /^\d{8}$/.test(text ?? '') ? wall + DAY_MS - 1 : wall;
}

function datesOf(master: EventBody, name: string, shape: Shape): number[] {
  const lines = (master.recurrence ?? []).filter((line) => new RegExp(`^${name}[:;]`, 'i').test(line));
  const texts = lines.flatMap((line) => line.slice(line.indexOf(':') + 1).split(','));
  return texts.map((text) => wallOf(text.split('/')[0] ?? '', shape)).filter((wall) => wall !== null);
}

/** `20260101`, `20260101T090000` (local) or with Z (UTC) as a wall time of the series; null if it is no date. */
function wallOf(text: string, shape: Shape): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(text.trim());
  if (match === null) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', utc] = match;
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  return utc === 'Z' && !shape.allDay ? ms + offsetMs(shape.zone, ms) : ms;
}
