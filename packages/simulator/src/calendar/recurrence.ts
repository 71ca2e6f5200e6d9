/**
 * Expands a series, for singleEvents=true, for events.instances and for actions on one occurrence.
 * Wall time in the series' zone stays the same across daylight saving changes, as RFC 5545
 * requires. The start of the series is the first occurrence and counts for COUNT, whether or not
 * the rule produces it; with a malformed rule it is the only occurrence.
 */
import { compactUtc, instanceId, type EventBody, type EventTime } from './event.js';
import { durationMs } from './duration.js';
import { parseRule, ruleTimes, type Rule } from './rule.js';
import { instantOf, offsetMs, rfc3339, zoneNamed } from './zones.js';

export interface Occurrence {
  id: string;
  start: EventTime;
  end: EventTime;
  startMs: number;
  endMs: number;
}

export interface Span {
  fromMs: number;
  toMs: number;
  limit: number;
}

const DAY_MS = 86_400_000;
/** The largest number of occurrences that one expansion computes. */
const STEPS_LIMIT = 200_000;

/**
 * Returns the occurrences that end after `fromMs` and start before `toMs`, in order, at most
 * `limit`. All-day occurrences begin at midnight UTC.
 */
export function occurrences(master: EventBody, span: Span): Occurrence[] {
  if (master.start === undefined || master.end === undefined) return [];
  const shape = shapeOf(master, master.start, master.end);
  const lastMs = span.toMs + 2 * DAY_MS;
  const excluded = new Set(
    [
      ...datesOf(master, 'EXDATE', shape).map(({ wallMs }) => wallMs),
      ...excludedByRule(master, shape, lastMs),
    ].map((wallMs) => shape.at(wallMs).id),
  );
  const periods = new Map(
    datesOf(master, 'RDATE', shape).map(({ wallMs, lengthMs }) => [wallMs, lengthMs]),
  );
  const seen = new Set<string>();
  const found: Occurrence[] = [];
  for (const wallMs of walls(master, shape, lastMs)) {
    const one = shape.at(wallMs, periods.get(wallMs));
    if (one.startMs >= span.toMs || found.length >= span.limit) break;
    if (excluded.has(one.id) || seen.has(one.id) || one.endMs <= span.fromMs) continue;
    seen.add(one.id);
    found.push(one);
  }
  return found;
}

interface Shape {
  wallMs: number;
  allDay: boolean;
  zone: string;
  /** @param lengthMs the length of a period; default: the length of the series */
  at(wallMs: number, lengthMs?: number | null): Occurrence;
}

function shapeOf(master: EventBody, start: EventTime, end: EventTime): Shape {
  const zone = start.timeZone ?? 'UTC';
  if (start.date !== undefined) {
    const wallMs = Date.parse(`${start.date}T00:00:00Z`);
    const lengthMs = Math.max(DAY_MS, Date.parse(`${end.date ?? start.date}T00:00:00Z`) - wallMs);
    const day = (ms: number): EventTime => ({ date: new Date(ms).toISOString().slice(0, 10) });
    return {
      wallMs,
      allDay: true,
      zone: 'UTC',
      at: (ms, ownMs) => ({
        id: instanceId(master.id, day(ms)),
        start: day(ms),
        end: day(ms + (ownMs ?? lengthMs)),
        startMs: ms,
        endMs: ms + (ownMs ?? lengthMs),
      }),
    };
  }
  const instant = Date.parse(start.dateTime ?? '');
  const wallMs = instant + offsetMs(zone, instant);
  const lengthMs = Math.max(0, Date.parse(end.dateTime ?? '') - instant);
  const at = (ms: number, ownMs?: number | null): Occurrence => {
    // In an hour that occurs twice, the start of the series says which of the two it is.
    const startMs = ms === wallMs ? instant : instantOf(zone, ms);
    const time = (value: number, where: string): EventTime => ({
      dateTime: rfc3339(where, value),
      timeZone: where,
    });
    return {
      id: `${master.id}_${compactUtc(startMs)}`,
      start: time(startMs, zone),
      end: time(startMs + (ownMs ?? lengthMs), end.timeZone ?? zone),
      startMs,
      endMs: startMs + (ownMs ?? lengthMs),
    };
  };
  return { wallMs, allDay: false, zone, at };
}

/** Yields the wall times of the rules and the extra dates, merged in order. */
function* walls(master: EventBody, shape: Shape, lastMs: number): Generator<number> {
  const rules = linesOf(master, 'RRULE');
  const waiting = datesOf(master, 'RDATE', shape).map(({ wallMs }) => wallMs);
  // Several rules are rare: the first is evaluated lazily, the others completely.
  for (const line of rules.slice(1)) waiting.push(...ruleWalls(line, shape, lastMs));
  waiting.sort((a, b) => a - b);
  let next = 0;
  for (const wallMs of rules[0] === undefined
    ? [shape.wallMs]
    : ruleWalls(rules[0], shape, lastMs)) {
    for (; (waiting[next] ?? Number.POSITIVE_INFINITY) < wallMs; next++)
      yield waiting[next] as number;
    yield wallMs;
  }
  yield* waiting.slice(next);
}

function* ruleWalls(line: string, shape: Shape, lastMs: number): Generator<number> {
  const rule = ruleFor(line, shape);
  if (rule === null) {
    yield shape.wallMs;
    return;
  }
  const untilMs = untilOf(rule, shape);
  let given = 0;
  for (const wallMs of withStart(rule, shape, Math.min(lastMs, untilMs))) {
    if (given >= rule.count || given >= STEPS_LIMIT || wallMs > untilMs) return;
    given += 1;
    yield wallMs;
  }
}

function* withStart(rule: Rule, shape: Shape, lastMs: number): Generator<number> {
  yield shape.wallMs;
  for (const wallMs of ruleTimes(rule, shape.wallMs, lastMs))
    if (wallMs !== shape.wallMs) yield wallMs;
}

function excludedByRule(master: EventBody, shape: Shape, lastMs: number): number[] {
  return linesOf(master, 'EXRULE').flatMap((line) => {
    const rule = ruleFor(line, shape);
    if (rule === null) return [];
    const taken: number[] = [];
    for (const wallMs of ruleTimes(rule, shape.wallMs, Math.min(lastMs, untilOf(rule, shape))))
      if (taken.push(wallMs) >= Math.min(rule.count, STEPS_LIMIT)) break;
    return taken;
  });
}

/**
 * For an all-day series, parts of a rule that name a time of day are ignored, and a frequency below
 * a day is invalid.
 */
function ruleFor(line: string, shape: Shape): Rule | null {
  const rule = parseRule(line);
  if (rule === null || !shape.allDay) return rule;
  if (rule.frequency === 'HOURLY' || rule.frequency === 'MINUTELY' || rule.frequency === 'SECONDLY')
    return null;
  return {
    ...rule,
    lists: new Map(
      [...rule.lists].filter(([name]) => !['BYHOUR', 'BYMINUTE', 'BYSECOND'].includes(name)),
    ),
  };
}

function untilOf(rule: Rule, shape: Shape): number {
  const wall = rule.until === null ? null : wallOf(rule.until, shape, shape.zone);
  if (wall === null) return Number.POSITIVE_INFINITY;
  return rule.until?.length === 8 ? wall + DAY_MS - 1 : wall;
}

function linesOf(master: EventBody, name: string): string[] {
  return (master.recurrence ?? []).filter((line) => new RegExp(`^${name}[:;]`, 'i').test(line));
}

/**
 * Returns the dates, times and periods of RDATE or EXDATE lines. An unknown zone means the zone of
 * the series.
 */
function datesOf(
  master: EventBody,
  name: string,
  shape: Shape,
): { wallMs: number; lengthMs: number | null }[] {
  return linesOf(master, name).flatMap((line) => {
    const [, parameters = '', values = ''] = /^((?:"[^"]*"|[^":])*):(.*)$/s.exec(line) ?? [];
    const named = /;\s*TZID\s*=\s*(?:"([^"]*)"|([^;:]*))/i.exec(parameters);
    const zone = zoneNamed(named?.[1] ?? named?.[2] ?? '') ?? shape.zone;
    return values.split(',').flatMap((text) => {
      const [start = '', end = ''] = text.split('/');
      const wallMs = wallOf(start, shape, zone);
      return wallMs === null ? [] : [{ wallMs, lengthMs: periodMs(start, end, shape, zone) }];
    });
  });
}

/**
 * Returns the exact time from the start of a period to its end; null when there is no end after its
 * start.
 */
function periodMs(start: string, end: string, shape: Shape, zone: string): number | null {
  const duration = durationMs(end);
  if (duration !== null) return duration > 0 ? duration : null;
  const [from, to] = [start, end].map((text) => {
    const wallMs = wallOf(text, shape, zone);
    if (wallMs === null) return Number.NaN;
    return shape.allDay ? wallMs : instantOf(shape.zone, wallMs);
  }) as [number, number];
  return to > from ? to - from : null;
}

/**
 * Parses `20260101`, `20260101T090000` (local to the zone) or a time with Z (UTC) as a wall time of
 * the series; null when it is not a date.
 */
function wallOf(text: string, shape: Shape, zone: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(text.trim().toUpperCase());
  if (match === null) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', utc] = match;
  const ms = new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (shape.allDay) return ms;
  const wallMs = ms + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1_000;
  if (utc !== 'Z' && zone === shape.zone) return wallMs;
  const instant = utc === 'Z' ? wallMs : instantOf(zone, wallMs);
  return instant + offsetMs(shape.zone, instant);
}
