import { HOURLY, readRule, type RecurrenceRule } from './recurrence-rule.js';
import { ruleTimes } from './rule-times.js';
import { instantOfWall, offsetMs } from './zones.js';

/**
 * The starts of a series, from Google's `recurrence` lines (RFC 5545: RRULE, EXRULE, RDATE, EXDATE; no DTSTART, the master's start
 * is it). Rules are worked out in wall time by rule-times.ts; what they leave open is decided here:
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
  let complete = true;
  for (const line of linesOf(series, 'EXRULE')) {
    const rule = ruleOf(series, line);
    const found = rule
      ? ruleWalls(series, rule, { fromMs, toMs, limit: WORK_LIMIT, countsStart: false })
      : { walls: [], complete: true };
    complete &&= found.complete;
    for (const wallMs of found.walls) excluded.add(startOfWall(series, wallMs));
  }
  const starts = new Set<number>();
  const rules = linesOf(series, 'RRULE');
  if (rules.length === 0) starts.add(series.startMs);
  for (const line of rules) {
    const rule = ruleOf(series, line);
    const found = rule
      ? ruleWalls(series, rule, { fromMs, toMs, limit: limit + excluded.size, countsStart: true })
      : { walls: [series.wallMs], complete: true };
    complete &&= found.complete;
    for (const wallMs of found.walls) starts.add(startOfWall(series, wallMs));
  }
  for (const startMs of datesOf(series, 'RDATE')) starts.add(startMs);
  const wanted = [...starts]
    .filter((startMs) => !excluded.has(startMs) && startMs >= fromMs && startMs < toMs)
    .sort((a, b) => a - b);
  return { startsMs: wanted.slice(0, limit), complete: complete && wanted.length <= limit };
}

const DAY_MS = 86_400_000;
/** Occurrences that are counted through to reach the range: five centuries of days, half a year of minutes. */
const WORK_LIMIT = 200_000;
/** Zones differ by at most 26 hours: walls this far outside the range cannot come into it. */
const WALL_MARGIN_MS = 2 * DAY_MS;

/** Days have no times: of an all-day series the parts of a time are ignored (RFC 5545), and a frequency below a day cannot be read. */
function ruleOf(series: Series, line: string): RecurrenceRule | null {
  const rule = readRule(line);
  if (rule === null || !series.isAllDay) return rule;
  return rule.frequency >= HOURLY ? null : { ...rule, hours: null, minutes: null, seconds: null };
}

interface Wanted {
  fromMs: number;
  toMs: number;
  limit: number;
  countsStart: boolean;
}

function ruleWalls(
  series: Series,
  rule: RecurrenceRule,
  wanted: Wanted,
): { walls: number[]; complete: boolean } {
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
  const found = ruleTimes(rule, {
    startMs: series.wallMs,
    fromMs,
    lastMs: Math.min(lastMs, LAST_WALL_MS),
  });
  for (let next = found.next(); ; next = found.next()) {
    if (next.done) return { walls, complete: complete && next.value };
    const isCounted = wanted.countsStart && next.value === series.wallMs;
    if (!isCounted && !give(next.value)) return { walls, complete };
  }
}

/** Years of four digits, as Google's times have. */
const LAST_WALL_MS = Date.UTC(9_999, 11, 31);

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
    return line
      .slice(line.indexOf(':') + 1)
      .split(',')
      .map((text) => startOfText(series, (text.split('/')[0] ?? '').trim().toUpperCase(), zone))
      .filter((startMs) => startMs !== null);
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
