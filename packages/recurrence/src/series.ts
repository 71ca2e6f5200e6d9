import { mergeSorted } from './merge-sorted.js';
import { readLine, type RecurrenceLine } from './line.js';
import { HOURLY, readRule, type RecurrenceRule } from './rule.js';
import { ruleTimes, type Work } from './rule-times.js';
import { instantOfWall, knownZone, offsetMs } from './zones.js';

/**
 * Computes the starts of a series from Google's `recurrence` lines (RFC 5545: RRULE, EXRULE, RDATE,
 * EXDATE; the event's start replaces DTSTART). rule-times.ts evaluates rules in wall
 * time. This file decides the rest:
 *
 * - The start of the series is the first occurrence and counts for COUNT, even when the rule does
 *   not produce it ("DTSTART counts as the first occurrence"). An EXDATE can remove it, and an
 *   UNTIL before it leaves no occurrence.
 * - UNTIL as a date includes that day. EXDATE and RDATE must name the start exactly (a date does
 *   not exclude a timed occurrence).
 * - An unknown TZID means the zone of the series, because it was written by the calendar program
 *   that created the series. A period in an RDATE has a length of its own.
 * - An invalid rule leaves only the first occurrence; lines with other names are ignored.
 */
export interface Series {
  /** The start of the series as wall time. */
  wallMs: number;
  /** The start of the series as an instant; for an all-day series equal to the wall time. */
  startMs: number;
  isAllDay: boolean;
  zone: string;
  lines: readonly string[];
}

/** One start of a series. */
export interface Start {
  /** An instant; for an all-day series the wall time of the day. */
  startMs: number;
  /** For an RDATE that is a period; null when the length of the series applies. */
  lengthMs: number | null;
}

/**
 * Yields the starts from `fromMs` to before `toMs`, in order. A start that is not consumed is not
 * computed. Callers must add a day of margin on both sides and compare the ends themselves.
 * @param work the budget of all series of one call together
 * @returns false when the bound on work cut the list
 */
export function* startsIn(
  series: Series,
  fromMs: number,
  toMs: number,
  work: Work,
): Generator<Start, boolean> {
  const lines = series.lines.map(readLine);
  const dates = datesOf(series, lines, 'RDATE');
  const lengths = new Map(dates.map(({ startMs, lengthMs }) => [startMs, lengthMs]));
  const rules = lines.filter(({ name }) => name === 'RRULE');
  const found = mergeSorted<number>(
    [
      ...rules.map((line) => ruleStarts(series, line, { fromMs, toMs, countsStart: true, work })),
      list(rules.length === 0 ? [series.startMs] : []),
      list([...lengths.keys()]),
    ],
    Number,
  );
  const excluded = exclusions(series, lines, { fromMs, toMs, countsStart: false, work });
  const given = new Set<number>();
  for (let next = found.next(); ; next = found.next()) {
    if (next.done) return next.value && excluded.isWhole();
    const startMs = next.value;
    if (startMs >= toMs + DISORDER_MS) return excluded.isWhole();
    if (startMs < fromMs || startMs >= toMs || given.has(startMs) || excluded.has(startMs))
      continue;
    given.add(startMs);
    yield { startMs, lengthMs: lengths.get(startMs) ?? null };
  }
}

/** Returns the longest period of the RDATEs; 0 without any. */
export function longestPeriodMs(series: Series): number {
  return datesOf(series, series.lines.map(readLine), 'RDATE').reduce(
    (longest, { lengthMs }) => Math.max(longest, lengthMs ?? 0),
    0,
  );
}

const DAY_MS = 86_400_000;
/** Zones differ by at most 26 hours, so wall times this far outside the range cannot be in it. */
const WALL_MARGIN_MS = 2 * DAY_MS;
/** When the clocks change, the order of wall times differs from that of instants. */
const DISORDER_MS = DAY_MS;

function* list(items: readonly number[]): Generator<number, boolean> {
  yield* items.toSorted((a, b) => a - b);
  return true;
}

/** Returns the starts that EXDATE and EXRULE remove. A rule is evaluated only as far as needed. */
function exclusions(
  series: Series,
  lines: readonly RecurrenceLine[],
  selection: Selection,
): { has(startMs: number): boolean; isWhole(): boolean } {
  const taken = new Set(datesOf(series, lines, 'EXDATE').map(({ startMs }) => startMs));
  const rules = mergeSorted<number>(
    lines
      .filter(({ name }) => name === 'EXRULE')
      .map((line) => ruleStarts(series, line, selection)),
    Number,
  );
  let next = rules.next();
  return {
    has: (startMs) => {
      for (; !next.done && next.value < startMs + DISORDER_MS; next = rules.next())
        taken.add(next.value);
      return taken.has(startMs);
    },
    isWhole: () => !next.done || next.value,
  };
}

/**
 * Returns the rule of a line. For an all-day series the parts of a time are ignored (RFC 5545), and
 * a frequency below a day is invalid.
 */
function ruleOf(series: Series, line: string): RecurrenceRule | null {
  const rule = readRule(line);
  if (rule === null || !series.isAllDay) return rule;
  return rule.frequency >= HOURLY ? null : { ...rule, hours: null, minutes: null, seconds: null };
}

interface Selection {
  fromMs: number;
  toMs: number;
  countsStart: boolean;
  work: Work;
}

/** Yields the instants of a rule; for an invalid rule only the start of the series. */
function* ruleStarts(
  series: Series,
  line: RecurrenceLine,
  selection: Selection,
): Generator<number, boolean> {
  const rule = ruleOf(series, line.text);
  if (rule === null) {
    if (selection.countsStart) yield series.startMs;
    return true;
  }
  const walls = ruleWalls(series, rule, selection);
  for (let next = walls.next(); ; next = walls.next()) {
    if (next.done) return next.value;
    yield startOfWall(series, next.value);
  }
}

function* ruleWalls(
  series: Series,
  rule: RecurrenceRule,
  selection: Selection,
): Generator<number, boolean> {
  const fromMs = selection.fromMs - WALL_MARGIN_MS;
  const lastMs = Math.min(untilWall(series, rule.until), selection.toMs + WALL_MARGIN_MS);
  if (series.wallMs > lastMs) return true;
  let given = 0;
  const isOver = (): boolean => rule.count !== null && given >= rule.count;
  if (selection.countsStart) {
    given++;
    if (series.wallMs >= fromMs) yield series.wallMs;
  }
  const times = ruleTimes(
    rule,
    { startMs: series.wallMs, fromMs, lastMs: Math.min(lastMs, LAST_WALL_MS) },
    selection.work,
  );
  while (!isOver()) {
    const next = times.next();
    if (next.done) return next.value;
    if (selection.countsStart && next.value === series.wallMs) continue;
    given++;
    if (next.value >= fromMs) yield next.value;
  }
  return true;
}

/** The end of year 9999, because Google's times have years of four digits. */
const LAST_WALL_MS = Date.UTC(9_999, 11, 31);

function untilWall(series: Series, until: string | null): number {
  if (until === null) return Number.POSITIVE_INFINITY;
  const wallMs = wallOfText(until);
  if (until.length === 8) return wallMs + DAY_MS - 1;
  return until.endsWith('Z') && !series.isAllDay ? wallMs + offsetMs(series.zone, wallMs) : wallMs;
}

/**
 * Returns the starts of RDATE or EXDATE lines: dates, local times (in the line's TZID or the
 * series' zone), instants, periods.
 */
function datesOf(series: Series, lines: readonly RecurrenceLine[], lineName: string): Start[] {
  return lines
    .filter(({ name }) => name === lineName)
    .flatMap(({ parameters, value }) => {
      const zone = knownZone(parameters.get('TZID') ?? '') ?? series.zone;
      return value.split(',').flatMap((text) => {
        const [from = '', to = ''] = text.trim().toUpperCase().split('/');
        const startMs = startOfText(series, from, zone);
        if (startMs === null) return [];
        return [{ startMs, lengthMs: lengthOfPeriod(series, startMs, to, zone) }];
      });
    });
}

/**
 * Returns the length of a period, written `…/PT3H` or `…/20260301T120000Z`; null when there is
 * none, or its end is not after its start.
 */
function lengthOfPeriod(series: Series, startMs: number, end: string, zone: string): number | null {
  if (end === '') return null;
  const lengthMs = end.includes('P')
    ? durationMs(end)
    : (startOfText(series, end, zone) ?? startMs) - startMs;
  return lengthMs > 0 ? lengthMs : null;
}

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1_000, 60_000, 3_600_000] as const;

/** Parses a duration (RFC 5545, 3.3.6); 0 when the text is not one. */
function durationMs(text: string): number {
  const match =
    /^\+?P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/.exec(
      text,
    );
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = (match ?? [])
    .slice(1)
    .map((digits) => Number(digits ?? 0));
  return (weeks * 7 + days) * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS;
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

/**
 * The start of the series keeps its instant: in an hour that occurs twice it may be the second one.
 */
function startOfWall(series: Series, wallMs: number): number {
  if (series.isAllDay) return wallMs;
  if (wallMs === series.wallMs) return series.startMs;
  return instantOfWall(series.zone, wallMs);
}
