/**
 * Evaluates a recurrence rule (RFC 5545, 3.3.10) period by period (a year, a month, a week, a day,
 * or a time of day): it takes every day of the period that matches all BY parts, with every time of
 * day that the rule names. The code is slow and simple, so that it can be checked against the text
 * of the RFC. Days and times are wall times.
 */
export interface Rule {
  frequency: Frequency;
  interval: number;
  count: number;
  until: string | null;
  /** First day of the week; 0 is Sunday. */
  weekStart: number;
  days: readonly { weekday: number; ordinal: number | null }[];
  /** Lists of numbers by part: `BYMONTHDAY` and similar. */
  lists: ReadonlyMap<string, readonly number[]>;
}

type Frequency = (typeof FREQUENCIES)[number];

const FREQUENCIES = [
  'SECONDLY',
  'MINUTELY',
  'HOURLY',
  'DAILY',
  'WEEKLY',
  'MONTHLY',
  'YEARLY',
] as const;
const DAY_NAMES = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'];
const DAY_MS = 86_400_000;
const SLOT_MS: Partial<Record<Frequency, number>> = {
  SECONDLY: 1_000,
  MINUTELY: 60_000,
  HOURLY: 3_600_000,
};
/** The search for a rule without a match ends after this time. */
const LONGEST_MS = 60 * 366 * DAY_MS;

/** [smallest, largest, whether negative numbers count from the end] */
const RANGES: ReadonlyMap<string, readonly [number, number, boolean]> = new Map(
  Object.entries<readonly [number, number, boolean]>({
    COUNT: [1, 999_999_999, false],
    INTERVAL: [1, 999_999, false],
    BYSECOND: [0, 59, false],
    BYMINUTE: [0, 59, false],
    BYHOUR: [0, 23, false],
    BYMONTHDAY: [1, 31, true],
    BYYEARDAY: [1, 366, true],
    BYWEEKNO: [1, 53, true],
    BYMONTH: [1, 12, false],
    BYSETPOS: [1, 366, true],
  }),
);

/** Returns null for a malformed rule. */
export function parseRule(line: string): Rule | null {
  const parts = line
    .slice(line.indexOf(':') + 1)
    .trim()
    .replace(/;$/, '')
    .toUpperCase()
    .split(';')
    .map((part) => part.split('='));
  const byName = new Map(parts.map(([name = '', value = '']) => [name, value]));
  const frequency = FREQUENCIES.find((one) => one === byName.get('FREQ'));
  const weekStart = DAY_NAMES.indexOf(byName.get('WKST') ?? 'MO');
  const until = byName.get('UNTIL') ?? null;
  if (frequency === undefined || weekStart < 0 || byName.size < parts.length || !isUntil(until))
    return null;
  const lists = numberLists(byName);
  const days = weekdays(byName.get('BYDAY'));
  if (lists === null || days === null || ruledOut(frequency, byName)) return null;
  const single = (name: string): number | undefined => lists.get(name)?.[0];
  return {
    frequency,
    interval: single('INTERVAL') ?? 1,
    count: single('COUNT') ?? Number.POSITIVE_INFINITY,
    until,
    weekStart,
    days,
    lists,
  };
}

function isUntil(until: string | null): boolean {
  return until === null || /^\d{8}(?:T\d{6}Z?)?$/.test(until);
}

const PARTS_WITHOUT_NUMBERS = ['FREQ', 'WKST', 'UNTIL', 'BYDAY'];

function numberLists(parts: ReadonlyMap<string, string>): Map<string, number[]> | null {
  const lists = new Map<string, number[]>();
  for (const [name, value] of parts) {
    if (PARTS_WITHOUT_NUMBERS.includes(name)) continue;
    const list = numbers(name, value);
    if (list === null) return null;
    lists.set(name, list);
  }
  return lists;
}

/** Whether the rule has a combination that the RFC forbids (MUST NOT). */
function ruledOut(frequency: Frequency, parts: ReadonlyMap<string, string>): boolean {
  if (parts.has('BYWEEKNO') && frequency !== 'YEARLY') return true;
  if (
    parts.has('BYYEARDAY') &&
    (frequency === 'DAILY' || frequency === 'WEEKLY' || frequency === 'MONTHLY')
  )
    return true;
  if (parts.has('BYMONTHDAY') && frequency === 'WEEKLY') return true;
  return (
    parts.has('BYSETPOS') &&
    ![...parts.keys()].some((name) => name.startsWith('BY') && name !== 'BYSETPOS')
  );
}

/** Yields the rule's wall times from `firstMs` to `lastMs`. The caller applies COUNT and UNTIL. */
export function* ruleTimes(rule: Rule, firstMs: number, lastMs: number): Generator<number> {
  const takes = dayFilter(rule, firstMs);
  const limitMs = Math.min(lastMs, firstMs + LONGEST_MS);
  for (let n = 0; ; n++) {
    const period = periodAt(rule, firstMs, n);
    if (period.fromMs > limitMs) return;
    for (const wallMs of chosen(rule, periodTimes(rule, period, firstMs, takes)))
      if (wallMs >= firstMs && wallMs <= limitMs) yield wallMs;
  }
}

interface Period {
  fromMs: number;
  toMs: number;
}

function periodAt(rule: Rule, firstMs: number, n: number): Period {
  const first = new Date(firstMs);
  const [year, month] = [first.getUTCFullYear(), first.getUTCMonth()];
  const step = n * rule.interval;
  const midnight = Math.floor(firstMs / DAY_MS) * DAY_MS;
  switch (rule.frequency) {
    case 'YEARLY':
      return { fromMs: Date.UTC(year + step, 0, 1), toMs: Date.UTC(year + step + 1, 0, 1) };
    case 'MONTHLY':
      return { fromMs: Date.UTC(year, month + step, 1), toMs: Date.UTC(year, month + step + 1, 1) };
    case 'WEEKLY': {
      const fromMs =
        midnight - ((first.getUTCDay() - rule.weekStart + 7) % 7) * DAY_MS + step * 7 * DAY_MS;
      return { fromMs, toMs: fromMs + 7 * DAY_MS };
    }
    case 'DAILY':
      return { fromMs: midnight + step * DAY_MS, toMs: midnight + (step + 1) * DAY_MS };
    default: {
      const slotMs = SLOT_MS[rule.frequency] ?? DAY_MS;
      const fromMs = (Math.floor(firstMs / slotMs) + step) * slotMs;
      return { fromMs, toMs: fromMs + slotMs };
    }
  }
}

function periodTimes(
  rule: Rule,
  period: Period,
  firstMs: number,
  takes: (dayMs: number) => boolean,
): number[] {
  const slotMs = SLOT_MS[rule.frequency];
  const times: number[] = [];
  if (slotMs === undefined) {
    for (let dayMs = period.fromMs; dayMs < period.toMs; dayMs += DAY_MS)
      if (takes(dayMs)) for (const time of timesOfDay(rule, firstMs)) times.push(dayMs + time);
    return times;
  }
  const dayMs = Math.floor(period.fromMs / DAY_MS) * DAY_MS;
  if (!takes(dayMs)) return times;
  // Parts that the frequency itself counts are not taken from the start.
  for (const time of timesOfDay(rule, firstMs, period.fromMs))
    if (dayMs + time >= period.fromMs && dayMs + time < period.toMs) times.push(dayMs + time);
  return times;
}

/**
 * Returns the times of day of BYHOUR, BYMINUTE and BYSECOND in order. Open parts are taken from the
 * start, or from the slot.
 */
function timesOfDay(rule: Rule, firstMs: number, slotMs?: number): number[] {
  const [first, slot] = [new Date(firstMs), slotMs === undefined ? null : new Date(slotMs)];
  const sorted = (name: string): number[] | null => {
    const list = rule.lists.get(name);
    return list === undefined ? null : [...new Set(list)].sort((a, b) => a - b);
  };
  const hours = sorted('BYHOUR') ?? [(slot ?? first).getUTCHours()];
  const minutes = sorted('BYMINUTE') ?? [
    (slot !== null && rule.frequency !== 'HOURLY' ? slot : first).getUTCMinutes(),
  ];
  const seconds = sorted('BYSECOND') ?? [
    (slot !== null && rule.frequency === 'SECONDLY' ? slot : first).getUTCSeconds(),
  ];
  return hours.flatMap((hour) =>
    minutes.flatMap((minute) =>
      seconds.map((second) => ((hour * 60 + minute) * 60 + second) * 1_000),
    ),
  );
}

/** Applies BYSETPOS to the times of one period. */
function chosen(rule: Rule, times: number[]): number[] {
  const positions = rule.lists.get('BYSETPOS');
  if (positions === undefined) return times;
  const picked = positions.map(
    (position) => times[position > 0 ? position - 1 : times.length + position],
  );
  return [...new Set(picked.filter((time) => time !== undefined))].sort((a, b) => a - b);
}

/**
 * Returns whether a day matches every part. Parts of the day that the rule leaves open are taken
 * from the start.
 */
function dayFilter(rule: Rule, firstMs: number): (dayMs: number) => boolean {
  const first = new Date(firstMs);
  const list = (name: string): readonly number[] | undefined => rule.lists.get(name);
  const open = !namesDays(rule) && !rule.lists.has('BYWEEKNO');
  const months =
    list('BYMONTH') ??
    (open && rule.frequency === 'YEARLY' ? [first.getUTCMonth() + 1] : undefined);
  const monthDays =
    list('BYMONTHDAY') ??
    (open && ['YEARLY', 'MONTHLY'].includes(rule.frequency) ? [first.getUTCDate()] : undefined);
  const byWeekNumberAlone = !namesDays(rule) && rule.lists.has('BYWEEKNO');
  const days =
    byWeekNumberAlone || (open && rule.frequency === 'WEEKLY')
      ? [{ weekday: first.getUTCDay(), ordinal: null }]
      : rule.days;
  return (dayMs) => {
    const day = new Date(dayMs);
    const [year, month] = [day.getUTCFullYear(), day.getUTCMonth()];
    const [monthMs, nextMonthMs, yearMs, nextYearMs] = [
      Date.UTC(year, month, 1),
      Date.UTC(year, month + 1, 1),
      Date.UTC(year, 0, 1),
      Date.UTC(year + 1, 0, 1),
    ];
    return (
      (months === undefined || months.includes(month + 1)) &&
      numbered(monthDays, dayMs, monthMs, nextMonthMs) &&
      numbered(list('BYYEARDAY'), dayMs, yearMs, nextYearMs) &&
      inWeek(list('BYWEEKNO'), dayMs, rule.weekStart) &&
      (days.length === 0 ||
        days.some(
          ({ weekday, ordinal }) =>
            weekday === day.getUTCDay() &&
            nth(ordinal, dayMs, spanOfOrdinals(rule, [monthMs, nextMonthMs], [yearMs, nextYearMs])),
        ))
    );
  };
}

function namesDays({ days, lists }: Rule): boolean {
  return days.length > 0 || lists.has('BYMONTHDAY') || lists.has('BYYEARDAY');
}

/**
 * Whether a list contains a day's position in a span, counted from its start or, for negative
 * numbers, from its end.
 */
function numbered(
  asked: readonly number[] | undefined,
  dayMs: number,
  fromMs: number,
  toMs: number,
): boolean {
  return (
    asked === undefined ||
    asked.includes((dayMs - fromMs) / DAY_MS + 1) ||
    asked.includes((dayMs - toMs) / DAY_MS)
  );
}

/**
 * Ordinals count within the month, and in yearly rules without BYMONTH within the year; elsewhere
 * they have no meaning.
 */
function spanOfOrdinals(
  rule: Rule,
  month: readonly [number, number],
  year: readonly [number, number],
): readonly [number, number] | null {
  if (rule.lists.has('BYWEEKNO')) return null;
  if (rule.frequency === 'MONTHLY') return month;
  if (rule.frequency !== 'YEARLY') return null;
  return rule.lists.has('BYMONTH') ? month : year;
}

function nth(
  ordinal: number | null,
  dayMs: number,
  span: readonly [number, number] | null,
): boolean {
  if (ordinal === null || span === null) return true;
  const [fromMs, toMs] = span;
  return ordinal > 0
    ? Math.floor((dayMs - fromMs) / DAY_MS / 7) + 1 === ordinal
    : Math.floor((toMs - DAY_MS - dayMs) / DAY_MS / 7) + 1 === -ordinal;
}

/**
 * Week numbers as in ISO 8601, with any first day of the week: week 1 is the first with four days
 * in the year.
 */
function inWeek(asked: readonly number[] | undefined, dayMs: number, weekStart: number): boolean {
  if (asked === undefined) return true;
  const weekMs = dayMs - ((new Date(dayMs).getUTCDay() - weekStart + 7) % 7) * DAY_MS;
  const year = new Date(weekMs + 3 * DAY_MS).getUTCFullYear();
  const number = (weekMs - firstWeek(year, weekStart)) / (7 * DAY_MS);
  const weeks = (firstWeek(year + 1, weekStart) - firstWeek(year, weekStart)) / (7 * DAY_MS);
  return asked.includes(number + 1) || asked.includes(number - weeks);
}

function firstWeek(year: number, weekStart: number): number {
  const fourth = Date.UTC(year, 0, 4);
  return fourth - ((new Date(fourth).getUTCDay() - weekStart + 7) % 7) * DAY_MS;
}

function numbers(name: string, value: string): number[] | null {
  const range = RANGES.get(name);
  if (range === undefined) return null;
  const [least, most, signed] = range;
  const list = value
    .split(',')
    .map((text) => (/^[+-]?\d{1,9}$/.test(text) ? Number(text) : Number.NaN));
  const good = list.every(
    (one) => (one >= least && one <= most) || (signed && one <= -least && one >= -most),
  );
  return good && (name.startsWith('BY') || list.length === 1) ? list : null;
}

function weekdays(value: string | undefined): Rule['days'] | null {
  if (value === undefined) return [];
  const days = value.split(',').map((text) => {
    const match = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(text);
    return {
      weekday: DAY_NAMES.indexOf(match?.[2] ?? ''),
      ordinal: match?.[1] === undefined ? null : Number(match[1]),
    };
  });
  return days.some((day) => day.weekday < 0 || day.ordinal === 0 || Math.abs(day.ordinal ?? 1) > 53)
    ? null
    : days;
}
