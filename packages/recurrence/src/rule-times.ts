import {
  DAILY,
  HOURLY,
  MINUTELY,
  MONTHLY,
  SECONDLY,
  WEEKLY,
  YEARLY,
  type RecurrenceRule,
} from './rule.js';
import { firstDayOf, weekdayOf, yearDaysOf, type DayParts, type YearDays } from './year-days.js';

/*
 * Computes the wall times of a recurrence rule in order (RFC 5545, 3.3.10). For each period it
 * takes the days that match the rule's parts, at the times of day that the rule names; BYSETPOS
 * selects some of them. This is our own code because no library is both correct and bounded. Of
 * those that we measured, one takes seconds for 30 February, one is wrong for about a fifth of the
 * rules of our property test, and one never returns (docs/decisions/0129-own-recurrence.md).
 */

export interface Search {
  /**
   * The start of the series: no earlier time is returned, and the parts that the rule leaves open
   * are taken from it.
   */
  startMs: number;
  /** Times before this one may be left out; a rule with COUNT returns them anyway. */
  fromMs: number;
  lastMs: number;
}

/**
 * The number of periods without a match after which a search is given up, and the number added for
 * each period with one. This bounds a search to some tens of milliseconds, or to centuries of
 * weeks.
 */
const EMPTY_PERIODS_LIMIT = 10_000;
const STEPS_PER_MATCH = 100;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SLOT_MS: Record<number, number> = {
  [HOURLY]: HOUR_MS,
  [MINUTELY]: MINUTE_MS,
  [SECONDLY]: 1_000,
};

/**
 * The remaining budget of a search, or of several together. A step is a period, or a time in one.
 */
export interface Work {
  stepsLeft: number;
}

/** Up to this many times of one period are computed together even without BYSETPOS. */
const MAX_DAYS_TOGETHER = 1_000;
/**
 * The largest number of times of one period that are compared for BYSETPOS: all seconds of a day.
 */
const MAX_SET = 86_400;

/**
 * Yields times in ascending order.
 * @returns false when the search was given up before its end
 */
export function* ruleTimes(
  rule: RecurrenceRule,
  search: Search,
  work: Work = { stepsLeft: Infinity },
): Generator<number, boolean> {
  // The times of a day are computed before the first of them is used.
  work.stepsLeft -= timesADay(rule);
  if (work.stepsLeft <= 0) return false;
  const daysOf = yearDaysOf(dayParts(rule, search.startMs));
  const sets =
    rule.frequency >= HOURLY ? slotSets(rule, search, daysOf) : periodSets(rule, search, daysOf);
  for (let stepsLeft = EMPTY_PERIODS_LIMIT; stepsLeft > 0 && work.stepsLeft > 0;) {
    const set = sets.next();
    if (set.done) return set.value;
    const times = chosen(rule, set.value);
    stepsLeft += times.length === 0 ? -1 : STEPS_PER_MATCH;
    work.stepsLeft -= 1 + set.value.length;
    for (const timeMs of times) {
      if (timeMs > search.lastMs) return true;
      if (timeMs >= search.startMs) yield timeMs;
    }
  }
  return false;
}

/** Applies BYSETPOS; positions that do not exist in the set are ignored. */
function chosen({ setPositions }: RecurrenceRule, times: readonly number[]): readonly number[] {
  if (setPositions === null) return times;
  const at = new Set(
    setPositions.map((position) => (position > 0 ? position - 1 : times.length + position)),
  );
  return times.filter((_time, i) => at.has(i));
}

/** Parts of the day that the rule leaves open are taken from the start. */
function dayParts(rule: RecurrenceRule, startMs: number): DayParts {
  const { months, monthDays, yearDays, weekNumbers, weekStart, frequency } = rule;
  const start = new Date(startMs);
  const isOpen = !namesDays(rule) && !weekNumbers;
  const startsDay = [{ weekday: weekdayOf(Math.floor(startMs / DAY_MS)), ordinal: null }];
  const weekOnly = weekNumbers !== null && !namesDays(rule);
  return {
    months: months ?? (isOpen && frequency === YEARLY ? [start.getUTCMonth() + 1] : null),
    monthDays: monthDays ?? (isOpen && frequency <= MONTHLY ? [start.getUTCDate()] : null),
    yearDays,
    weekNumbers,
    weekStart,
    days: weekOnly || (isOpen && frequency === WEEKLY) ? startsDay : rule.days,
    ordinalsIn: ordinalsIn(rule),
  };
}

function namesDays({ days, monthDays, yearDays }: RecurrenceRule): boolean {
  return days.length > 0 || monthDays !== null || yearDays !== null;
}

function ordinalsIn({ frequency, months, weekNumbers }: RecurrenceRule): DayParts['ordinalsIn'] {
  if (frequency > MONTHLY || weekNumbers) return null;
  return frequency === MONTHLY || months ? 'month' : 'year';
}

/**
 * Yields the sets of years, months, weeks or days: one array per period, which may be empty.
 * Without BYSETPOS a period with many times is yielded day by day.
 * @returns false when a set is too large
 */
function* periodSets(
  rule: RecurrenceRule,
  search: Search,
  daysOf: (day: number) => YearDays,
): Generator<number[], boolean> {
  const { startMs, fromMs, lastMs } = search;
  const times = timesOfDay(rule, ((startMs % DAY_MS) + DAY_MS) % DAY_MS);
  const lastDay = Math.floor(lastMs / DAY_MS);
  for (let n = rule.count === null ? firstPeriod(rule, startMs, fromMs) : 0; ;) {
    const [firstDay, afterDay] = periodAt(rule, startMs, n * rule.interval);
    // Negated, because a period after the last valid date is NaN.
    if (!(firstDay <= lastDay)) return true;
    const days = passingDays(firstDay, afterDay, daysOf);
    const timesOf = (day: number): number[] => times.map((time) => day * DAY_MS + time);
    if (days.length * times.length <= MAX_DAYS_TOGETHER) yield days.flatMap(timesOf);
    else if (rule.setPositions === null) for (const day of days) yield timesOf(day);
    else if (days.length * times.length <= MAX_SET) yield days.flatMap(timesOf);
    else return false;
    n = Math.max(
      n + 1,
      firstPeriod(rule, startMs, afterEmptyYear(firstDay, afterDay, daysOf) * DAY_MS),
    );
  }
}

/** Earlier than every series, so that nothing is skipped. */
const NO_SKIP = Number.NEGATIVE_INFINITY;

/** Returns the next year's first day when no day of the year matches, otherwise `NO_SKIP`. */
function afterEmptyYear(
  firstDay: number,
  afterDay: number,
  daysOf: (day: number) => YearDays,
): number {
  const { firstDay: yearsFirst, flags, isEmpty } = daysOf(firstDay);
  return isEmpty && afterDay <= yearsFirst + flags.length ? yearsFirst + flags.length : NO_SKIP;
}

/** In days since 1970; `step` counts years, months, weeks or days. */
function periodAt(
  rule: RecurrenceRule,
  startMs: number,
  step: number,
): [firstDay: number, afterDay: number] {
  const start = new Date(startMs);
  const [year, month, day] = [
    start.getUTCFullYear(),
    start.getUTCMonth(),
    Math.floor(startMs / DAY_MS),
  ];
  switch (rule.frequency) {
    case YEARLY:
      return [firstDayOf(year + step), firstDayOf(year + step + 1)];
    case MONTHLY:
      return [
        Date.UTC(year, month + step, 1) / DAY_MS,
        Date.UTC(year, month + step + 1, 1) / DAY_MS,
      ];
    case WEEKLY: {
      const first = day - ((weekdayOf(day) - rule.weekStart + 7) % 7) + 7 * step;
      return [first, first + 7];
    }
    default:
      return [day + step, day + step + 1];
  }
}

/**
 * The largest number of days in a year, a month and a week. A period that begins this many days
 * before a time cannot include it.
 */
const PERIOD_DAYS: Record<number, number> = {
  [YEARLY]: 366,
  [MONTHLY]: 31,
  [WEEKLY]: 7,
  [DAILY]: 1,
};

/**
 * Returns the first period to search. A rule without COUNT needs no earlier ones, so an old series
 * costs no more than a recent one. Starting one period too early is harmless.
 */
function firstPeriod(rule: RecurrenceRule, startMs: number, fromMs: number): number {
  const days = Math.floor((fromMs - startMs) / DAY_MS);
  return Math.max(0, Math.floor(days / ((PERIOD_DAYS[rule.frequency] ?? 1) * rule.interval)) - 1);
}

function passingDays(
  firstDay: number,
  afterDay: number,
  daysOf: (day: number) => YearDays,
): number[] {
  const days: number[] = [];
  for (let day = firstDay; day < afterDay;) {
    const { firstDay: yearsFirst, flags, isEmpty } = daysOf(day);
    const end = Math.min(afterDay, yearsFirst + flags.length);
    if (!isEmpty)
      for (let one = day; one < end; one++) if (flags[one - yearsFirst] === 1) days.push(one);
    day = end;
  }
  return days;
}

/**
 * Yields the sets of hours, minutes or seconds. A day that does not match is one step, whatever the
 * frequency.
 */
function* slotSets(
  rule: RecurrenceRule,
  { startMs, fromMs, lastMs }: Search,
  daysOf: (day: number) => YearDays,
): Generator<number[], boolean> {
  const slotMs = SLOT_MS[rule.frequency] ?? DAY_MS;
  const first = Math.floor(startMs / slotMs);
  const slotAfter = (ms: number): number =>
    first +
    Math.max(0, Math.ceil((Math.floor(ms / slotMs) - first) / rule.interval)) * rule.interval;
  const remainderOfStart = startMs - first * slotMs;
  for (
    let slot = rule.count === null ? slotAfter(fromMs - slotMs) : first;
    slot * slotMs <= lastMs;
  ) {
    const day = Math.floor((slot * slotMs) / DAY_MS);
    const { firstDay, flags, isEmpty } = daysOf(day);
    const dayPasses = flags[day - firstDay] === 1;
    const times = dayPasses ? slotTimes(rule, slot * slotMs, remainderOfStart) : [];
    yield times;
    let nextMs = NO_SKIP;
    if (!dayPasses) nextMs = (isEmpty ? firstDay + flags.length : day + 1) * DAY_MS;
    else if (times.length === 0) nextMs = nextCandidateMs(rule, slot * slotMs);
    slot = Math.max(slot + rule.interval, slotAfter(nextMs));
  }
  return true;
}

/** Skips an hour that BYHOUR excludes, or a minute that BYMINUTE excludes, in one step. */
function nextCandidateMs({ hours, minutes }: RecurrenceRule, slotStartMs: number): number {
  const hour = Math.floor((((slotStartMs % DAY_MS) + DAY_MS) % DAY_MS) / HOUR_MS);
  if (hours && !hours.includes(hour)) return (Math.floor(slotStartMs / HOUR_MS) + 1) * HOUR_MS;
  return minutes ? (Math.floor(slotStartMs / MINUTE_MS) + 1) * MINUTE_MS : NO_SKIP;
}

/**
 * Returns the times in a slot. Parts of the slot's size and above may exclude it; smaller parts
 * fill it, and those that are open are taken from the start.
 */
function slotTimes(rule: RecurrenceRule, slotStartMs: number, remainderOfStart: number): number[] {
  const { hours, minutes, seconds, frequency } = rule;
  const inDay = ((slotStartMs % DAY_MS) + DAY_MS) % DAY_MS;
  if (hours && !hours.includes(Math.floor(inDay / HOUR_MS))) return [];
  if (frequency === HOURLY)
    return timesOfDay({ ...rule, hours: [0] }, remainderOfStart).map((time) => slotStartMs + time);
  if (minutes && !minutes.includes(Math.floor(inDay / MINUTE_MS) % 60)) return [];
  if (frequency === MINUTELY)
    return timesOfDay({ ...rule, hours: [0], minutes: [0] }, remainderOfStart).map(
      (time) => slotStartMs + time,
    );
  return seconds && !seconds.includes(Math.floor(inDay / 1_000) % 60)
    ? []
    : [slotStartMs + (remainderOfStart % 1_000)];
}

/**
 * Returns the times of a day in order, in ms since midnight. Open BYHOUR, BYMINUTE and BYSECOND are
 * taken from the start.
 */
function timesOfDay(
  rule: Pick<RecurrenceRule, 'hours' | 'minutes' | 'seconds'>,
  startsTimeMs: number,
): number[] {
  const start = new Date(startsTimeMs);
  const hours = sorted(rule.hours ?? [start.getUTCHours()]);
  const minutes = sorted(rule.minutes ?? [start.getUTCMinutes()]);
  const seconds = sorted(rule.seconds ?? [start.getUTCSeconds()]);
  const remainder = startsTimeMs % 1_000;
  return hours.flatMap((hour) =>
    minutes.flatMap((minute) =>
      seconds.map((second) => ((hour * 60 + minute) * 60 + second) * 1_000 + remainder),
    ),
  );
}

function timesADay({ hours, minutes, seconds }: RecurrenceRule): number {
  return (hours?.length ?? 1) * (minutes?.length ?? 1) * (seconds?.length ?? 1);
}

function sorted(list: readonly number[]): number[] {
  return [...new Set(list)].sort((a, b) => a - b);
}
