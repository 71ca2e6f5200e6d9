import type { RecurrenceRule } from './rule.js';

/*
 * Computes which days of a year match a rule's BY parts. The result depends only on the first
 * weekday of the year, its length and the lengths of its neighbours (which weeks overlap). There
 * are few such kinds of years, so a search over thousands of years computes each kind once.
 */

/** The days of a year: one flag per day, starting at `firstDay` (in days since 1970). */
export interface YearDays {
  firstDay: number;
  flags: Uint8Array;
  isEmpty: boolean;
}

/** The parts that select days; null means that a part is open. */
export interface DayParts {
  months: readonly number[] | null;
  monthDays: readonly number[] | null;
  yearDays: readonly number[] | null;
  weekNumbers: readonly number[] | null;
  days: RecurrenceRule['days'];
  /** The period in which the ordinal of a weekday counts; null when ordinals have no meaning. */
  ordinalsIn: 'month' | 'year' | null;
  /** 0 is Monday. */
  weekStart: number;
}

const DAY_MS = 86_400_000;

/**
 * Returns a function that returns the matching days of the year of a given day. Each kind of year
 * is computed once.
 */
export function yearDaysOf(parts: DayParts): (day: number) => YearDays {
  const known = new Map<string, Uint8Array>();
  // Days are queried in order, so it is nearly always the year of the previous day.
  let last: YearDays = { firstDay: 0, flags: new Uint8Array(), isEmpty: true };
  return (day) => {
    if (day >= last.firstDay && day < last.firstDay + last.flags.length) return last;
    const year = new Date(day * DAY_MS).getUTCFullYear();
    const shape = shapeOf(year);
    const kind = `${shape.firstWeekday},${shape.length},${shape.lengthBefore},${shape.lengthAfter}`;
    const flags = known.get(kind) ?? flagMatchingDays(parts, shape);
    known.set(kind, flags);
    last = { firstDay: firstDayOf(year), flags, isEmpty: !flags.includes(1) };
    return last;
  };
}

/** Returns the first day of a year, in days since 1970. */
export function firstDayOf(year: number): number {
  return Date.UTC(year, 0, 1) / DAY_MS;
}

/** 0 is Monday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

interface YearShape {
  firstWeekday: number;
  length: number;
  lengthBefore: number;
  lengthAfter: number;
}

function shapeOf(year: number): YearShape {
  return {
    firstWeekday: weekdayOf(firstDayOf(year)),
    length: lengthOf(year),
    lengthBefore: lengthOf(year - 1),
    lengthAfter: lengthOf(year + 1),
  };
}

function lengthOf(year: number): number {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 366 : 365;
}

const MONTH_LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function flagMatchingDays(parts: DayParts, year: YearShape): Uint8Array {
  const flags = new Uint8Array(year.length);
  let dayOfYear = 0;
  MONTH_LENGTHS.forEach((usual, month) => {
    const length = month === 1 ? usual + year.length - 365 : usual;
    for (let dayOfMonth = 0; dayOfMonth < length; dayOfMonth++, dayOfYear++) {
      const passes =
        (parts.months?.includes(month + 1) ?? true) &&
        isSelected(parts.monthDays, dayOfMonth, length) &&
        isSelected(parts.yearDays, dayOfYear, year.length) &&
        inWeeks(parts, year, dayOfYear) &&
        onWeekday(
          parts,
          (year.firstWeekday + dayOfYear) % 7,
          parts.ordinalsIn === 'month' ? [dayOfMonth, length] : [dayOfYear, year.length],
        );
      if (passes) flags[dayOfYear] = 1;
    }
  });
  return flags;
}

/** Whether a list selects an index; its values count from 1, or from -1 at the end. */
function isSelected(selected: readonly number[] | null, index: number, length: number): boolean {
  return selected === null || selected.includes(index + 1) || selected.includes(index - length);
}

function onWeekday(
  { days, ordinalsIn }: DayParts,
  weekday: number,
  [index, length]: readonly [number, number],
): boolean {
  if (days.length === 0) return true;
  return days.some((day) => {
    if (day.weekday !== weekday) return false;
    if (day.ordinal === null || ordinalsIn === null) return true;
    return (
      day.ordinal ===
      (day.ordinal > 0 ? Math.floor(index / 7) + 1 : -Math.floor((length - 1 - index) / 7) - 1)
    );
  });
}

/**
 * A week belongs to the year that contains its fourth day, so a day at either end may be in a week
 * of the neighbouring year.
 */
function inWeeks(
  { weekNumbers, weekStart }: DayParts,
  year: YearShape,
  dayOfYear: number,
): boolean {
  if (weekNumbers === null) return true;
  const intoWeek = (((year.firstWeekday + dayOfYear - weekStart) % 7) + 7) % 7;
  const fourth = dayOfYear - intoWeek + 3;
  if (fourth < 0)
    return isSelected(weekNumbers, ...weekOf(fourth + year.lengthBefore, year.lengthBefore));
  return fourth < year.length
    ? isSelected(weekNumbers, ...weekOf(fourth, year.length))
    : isSelected(weekNumbers, ...weekOf(fourth - year.length, year.lengthAfter));
}

/** Returns the index of the week with this fourth day, and the number of weeks in the year. */
function weekOf(fourth: number, yearLength: number): [index: number, weeks: number] {
  const first = fourth % 7;
  return [(fourth - first) / 7, Math.floor((yearLength - 1 - first) / 7) + 1];
}
