import { RRule } from 'rrule';
import { DAILY, HOURLY, keptAtTime, MINUTELY, readRule, SECONDLY, WEEKLY, type RecurrenceRule } from './recurrence-rule.js';
import { instantOfWall, offsetMs } from './zones.js';

/**
 * The starts of a series, from Google's `recurrence` lines (RFC 5545: RRULE, EXRULE, RDATE, EXDATE; no DTSTART, the master's start
 * is it). The rules are worked out by the library in wall time; what the library leaves open is decided here:
 *
 * - The master's start is the first occurrence and counts for COUNT, even when the rule would not give it ("DTSTART counts as the
 *   first occurrence"); an EXDATE can take it out, and an UNTIL before it leaves nothing.
 * - UNTIL as a date includes that day; EXDATE and RDATE must name the start exactly (a date does not exclude a timed occurrence).
 * - A rule that cannot be read leaves the first occurrence, lines of other names mean nothing.
 */
export interface Series {
  /** The master's start as wall time. */
  wallMs: number;
  /** The master's start as instant; for all-day series the same as the wall. */
  startMs: number;
  isAllDay: boolean;
  zone: string;
  lines: readonly string[];
}

export interface Starts {
  /** Sorted; instants, or for all-day series the days' walls. */
  startsMs: number[];
  /** False when the limit, or the bound on work, cut the list. */
  complete: boolean;
}

/** The starts from `fromMs` to `toMs` (a day of margin on both sides does no harm: callers look at the ends), the earliest `limit` of them. */
export function startsOf(series: Series, fromMs: number, toMs: number, limit: number): Starts {
  const excluded = new Set(datesOf(series, 'EXDATE'));
  for (const line of linesOf(series, 'EXRULE')) {
    const rule = ruleOf(series, line);
    if (rule) for (const wallMs of ruleWalls(series, rule, { fromMs, toMs, limit: WORK_LIMIT, countsStart: false }).walls) excluded.add(startOfWall(series, wallMs));
  }
  const starts = new Set<number>();
  let complete = true;
  const rules = linesOf(series, 'RRULE');
  if (rules.length === 0) starts.add(series.startMs);
  for (const line of rules) {
    const rule = ruleOf(series, line);
    const found = rule ? ruleWalls(series, rule, { fromMs, toMs, limit: limit + excluded.size, countsStart: true }) : { walls: [series.wallMs], complete: true };
    complete &&= found.complete;
    for (const wallMs of found.walls) starts.add(startOfWall(series, wallMs));
  }
  for (const startMs of datesOf(series, 'RDATE')) starts.add(startMs);
  const wanted = [...starts].filter((startMs) => !excluded.has(startMs) && startMs >= fromMs && startMs < toMs).sort((a, b) => a - b);
  return { startsMs: wanted.slice(0, limit), complete: complete && wanted.length <= limit };
}

const DAY_MS = 86_400_000;
/** Occurrences that are counted through to reach the range: more than a century of days, bounded for rules by the minute. */
const WORK_LIMIT = 200_000;
/** Zones differ by at most 26 hours: walls this far outside the range cannot come into it. */
const WALL_MARGIN_MS = 2 * DAY_MS;

/** Days have no times: of an all-day series the parts of a time are ignored (RFC 5545), and a frequency below a day cannot be read. */
function ruleOf(series: Series, line: string): RecurrenceRule | null {
  const rule = readRule(line);
  if (rule === null || !series.isAllDay) return rule;
  return rule.frequency >= HOURLY ? null : { ...rule, options: { ...rule.options, byhour: null, byminute: null, bysecond: null } };
}

interface Wanted {
  fromMs: number;
  toMs: number;
  limit: number;
  countsStart: boolean;
}

function ruleWalls(series: Series, rule: RecurrenceRule, wanted: Wanted): { walls: number[]; complete: boolean } {
  const fromMs = wanted.fromMs - WALL_MARGIN_MS;
  const lastMs = Math.min(untilWall(series, rule.until), wanted.toMs + WALL_MARGIN_MS);
  const walls: number[] = [];
  let given = 0;
  let complete = true;
  const give = (wallMs: number): boolean => {
    given++;
    if (wallMs >= fromMs) walls.push(wallMs);
    complete = walls.length <= wanted.limit && given <= WORK_LIMIT;
    return complete && (rule.count === null || given < rule.count);
  };
  if (series.wallMs > lastMs) return { walls, complete };
  if (wanted.countsStart && !give(series.wallMs)) return { walls, complete };
  const dtstartMs = dtstartNear(series, rule, fromMs);
  const shiftMs = towardsTheEndMs(dtstartMs);
  const library = new RRule({ ...rule.options, ...withStartsWeekday(series, rule), dtstart: new Date(dtstartMs + shiftMs), until: new Date(lastMs + shiftMs) });
  library.all((shifted) => {
    const wallMs = shifted.getTime() - shiftMs;
    return !keptAtTime(rule, shifted) || (wanted.countsStart && wallMs === series.wallMs) || give(wallMs);
  });
  return { walls, complete };
}

/** The Gregorian calendar repeats itself, weekdays and all, every 146,097 days. */
const CALENDAR_CYCLE_MS = 146_097 * DAY_MS;
const LIBRARY_ENDS_MS = Date.UTC(9_999, 11, 31);
/** Occurrences later than this after their series' start are not looked for. */
const HORIZON_MS = 150 * 366 * DAY_MS;

/**
 * The library looks at `until` only when an occurrence comes up: for one that never comes (30 February) it goes on to the year 9999, day
 * by day, for seconds. Moved there by whole cycles of the calendar, the same rule ends a few hundred years later.
 */
function towardsTheEndMs(dtstartMs: number): number {
  return Math.max(0, Math.floor((LIBRARY_ENDS_MS - HORIZON_MS - dtstartMs) / CALENDAR_CYCLE_MS)) * CALENDAR_CYCLE_MS;
}

/** BYWEEKNO alone leaves the day to the start (RFC 5545); the library would take the whole week. */
function withStartsWeekday(series: Series, rule: RecurrenceRule): { byweekday?: number } {
  const { byweekno, byweekday, bymonthday, byyearday } = rule.options;
  if (!byweekno || byweekday || bymonthday || byyearday) return {};
  return { byweekday: (new Date(series.wallMs).getUTCDay() + 6) % 7 };
}

const UNIT_MS: Record<number, number> = { [WEEKLY]: 7 * DAY_MS, [DAILY]: DAY_MS, [HOURLY]: 3_600_000, [MINUTELY]: 60_000, [SECONDLY]: 1_000 };

/** A rule without COUNT needs no history: whole intervals of it are skipped, so that an old series costs no more than a young one. */
function dtstartNear(series: Series, rule: RecurrenceRule, fromMs: number): number {
  const unitMs = UNIT_MS[rule.frequency];
  if (unitMs === undefined || rule.count !== null) return series.wallMs;
  const stepMs = unitMs * (rule.options.interval ?? 1);
  // A week more, since the first week of a weekly rule may hold occurrences before its start.
  const skipped = Math.floor((fromMs - 7 * DAY_MS - series.wallMs) / stepMs);
  return series.wallMs + Math.max(0, skipped) * stepMs;
}

function untilWall(series: Series, until: string | null): number {
  if (until === null) return Number.POSITIVE_INFINITY;
  const wallMs = wallOfText(until);
  if (until.length === 8) return wallMs + DAY_MS - 1;
  return until.endsWith('Z') && !series.isAllDay ? wallMs + offsetMs(series.zone, wallMs) : wallMs;
}

function linesOf(series: Series, name: string): string[] {
  return series.lines.filter((line) => new RegExp(`^${name}[:;]`, 'i').test(line));
}

/** RDATE and EXDATE: dates, local times (in the line's TZID or the series' zone), instants; of periods their start. */
function datesOf(series: Series, name: string): number[] {
  return linesOf(series, name).flatMap((line) => {
    const zone = /;TZID=([^;:]+)/i.exec(line.slice(0, line.indexOf(':')))?.[1] ?? series.zone;
    return line.slice(line.indexOf(':') + 1).split(',').map((text) => startOfText(series, (text.split('/')[0] ?? '').trim().toUpperCase(), zone)).filter((startMs) => startMs !== null);
  });
}

function startOfText(series: Series, text: string, zone: string): number | null {
  if (!/^\d{8}(?:T\d{6}Z?)?$/.test(text)) return null;
  if (series.isAllDay) return wallOfText(text.slice(0, 8));
  const wallMs = wallOfText(text);
  return text.endsWith('Z') ? wallMs : instantOfWall(zone, wallMs);
}

function wallOfText(text: string): number {
  const digits = (from: number, to: number): number => Number(text.slice(from, to) || 0);
  const wall = new Date(0);
  wall.setUTCFullYear(digits(0, 4), digits(4, 6) - 1, digits(6, 8));
  wall.setUTCHours(digits(9, 11), digits(11, 13), digits(13, 15));
  return wall.getTime();
}

/** The master's own start keeps its instant: of an hour that comes twice it may be the second. */
function startOfWall(series: Series, wallMs: number): number {
  if (series.isAllDay) return wallMs;
  if (wallMs === series.wallMs) return series.startMs;
  return instantOfWall(series.zone, wallMs);
}
