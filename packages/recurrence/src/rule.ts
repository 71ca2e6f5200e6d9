/**
 * Parses RRULE and EXRULE lines (RFC 5545, 3.3.10) strictly. Google has been observed to store
 * rules that the grammar does not allow. An invalid rule gives null, and its series then has only
 * its first occurrence: ignoring the part that is not understood would make the series endless.
 */
export interface RecurrenceRule {
  /** YEARLY to SECONDLY, defined below. */
  frequency: number;
  interval: number;
  count: number | null;
  /** As written. Its meaning depends on the series: a date, a local time or an instant. */
  until: string | null;
  /** First day of the week; 0 is Monday. */
  weekStart: number;
  days: readonly Day[];
  months: readonly number[] | null;
  monthDays: readonly number[] | null;
  yearDays: readonly number[] | null;
  weekNumbers: readonly number[] | null;
  setPositions: readonly number[] | null;
  hours: readonly number[] | null;
  minutes: readonly number[] | null;
  seconds: readonly number[] | null;
}

export function readRule(line: string): RecurrenceRule | null {
  const parts = readParts(line);
  if (parts === null) return null;
  const freq = FREQUENCIES.indexOf(parts.get('FREQ') ?? '');
  const numbers = readNumbers(parts);
  const days = readDays(parts.get('BYDAY'));
  const weekStart = DAYS.indexOf(parts.get('WKST') ?? 'MO');
  const until = parts.get('UNTIL') ?? null;
  if (
    freq < 0 ||
    numbers === null ||
    days === null ||
    weekStart < 0 ||
    (until !== null && !DATE_OR_TIME.test(until))
  )
    return null;
  return forbidden(freq, numbers, days) ? null : ruleOf(freq, numbers, days, weekStart, until);
}

/** Returns the parts by name; null when one is unknown or repeated. */
function readParts(line: string): Map<string, string> | null {
  const parts = new Map<string, string>();
  const text = line
    .slice(line.indexOf(':') + 1)
    .trim()
    .replace(/;$/, '')
    .toUpperCase();
  for (const pair of text.split(';')) {
    const [name = '', value = ''] = pair.split('=');
    if (parts.has(name) || !KNOWN_PARTS.has(name)) return null;
    parts.set(name, value);
  }
  return parts;
}

/**
 * Whether RFC 5545 forbids the rule: parts that the frequency does not allow, or BYSETPOS without
 * another BY part.
 */
function forbidden(
  freq: number,
  numbers: ReadonlyMap<string, number[]>,
  days: readonly Day[],
): boolean {
  const makesSet =
    days.length > 0 ||
    [...numbers.keys()].some((name) => name.startsWith('BY') && name !== 'BYSETPOS');
  return (
    (numbers.has('BYWEEKNO') && freq !== YEARLY) ||
    (numbers.has('BYYEARDAY') && freq >= MONTHLY && freq <= DAILY) ||
    (numbers.has('BYMONTHDAY') && freq === WEEKLY) ||
    (numbers.has('BYSETPOS') && !makesSet)
  );
}

export const YEARLY = 0;
export const MONTHLY = 1;
export const WEEKLY = 2;
export const DAILY = 3;
export const HOURLY = 4;
export const MINUTELY = 5;
export const SECONDLY = 6;

/** From the least frequent; the index is the value of the constants above. */
const FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'];
const DAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const DATE_OR_TIME = /^\d{8}(?:T\d{6}Z?)?$/;

/**
 * Largest value of each part. The smallest is 1, or 0 for parts of a time. A negative value of a
 * `signed` part counts from the end.
 */
const NUMBER_PARTS: Record<
  string,
  { largest: number; zero?: boolean; signed?: boolean; single?: boolean }
> = {
  COUNT: { largest: 999_999_999, single: true },
  INTERVAL: { largest: 999_999, single: true },
  BYSECOND: { largest: 59, zero: true },
  BYMINUTE: { largest: 59, zero: true },
  BYHOUR: { largest: 23, zero: true },
  BYMONTHDAY: { largest: 31, signed: true },
  BYYEARDAY: { largest: 366, signed: true },
  BYWEEKNO: { largest: 53, signed: true },
  BYMONTH: { largest: 12 },
  BYSETPOS: { largest: 366, signed: true },
};
const KNOWN_PARTS = new Set([...Object.keys(NUMBER_PARTS), 'FREQ', 'UNTIL', 'BYDAY', 'WKST']);

function readNumbers(parts: ReadonlyMap<string, string>): Map<string, number[]> | null {
  const read = new Map<string, number[]>();
  for (const [name, limits] of Object.entries(NUMBER_PARTS)) {
    const text = parts.get(name);
    if (text === undefined) continue;
    const values = text
      .split(',')
      .map((item) => (/^[+-]?\d{1,9}$/.test(item) ? Number(item) : Number.NaN));
    const fits = (value: number): boolean =>
      Math.abs(value) <= limits.largest &&
      (value > 0 || (value === 0 && limits.zero === true) || (value < 0 && limits.signed === true));
    if (!values.every(fits) || (limits.single && values.length !== 1)) return null;
    read.set(name, values);
  }
  return read;
}

/**
 * A weekday; 0 is Monday. An ordinal has a meaning only in months and years; elsewhere every such
 * weekday matches.
 */
interface Day {
  weekday: number;
  ordinal: number | null;
}

function readDays(text: string | undefined): Day[] | null {
  if (text === undefined) return [];
  const days = text.split(',').map((item) => /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/.exec(item));
  if (
    days.some(
      (day) =>
        day === null ||
        (day[1] !== undefined && (Number(day[1]) === 0 || Math.abs(Number(day[1])) > 53)),
    )
  )
    return null;
  return days.map((day) => ({
    weekday: DAYS.indexOf(day?.[2] ?? ''),
    ordinal: day?.[1] === undefined ? null : Number(day[1]),
  }));
}

function ruleOf(
  frequency: number,
  numbers: ReadonlyMap<string, number[]>,
  days: readonly Day[],
  weekStart: number,
  until: string | null,
): RecurrenceRule {
  const list = (name: string): number[] | null => numbers.get(name) ?? null;
  return {
    frequency,
    interval: list('INTERVAL')?.[0] ?? 1,
    count: list('COUNT')?.[0] ?? null,
    until,
    weekStart,
    days,
    months: list('BYMONTH'),
    monthDays: list('BYMONTHDAY'),
    yearDays: list('BYYEARDAY'),
    weekNumbers: list('BYWEEKNO'),
    setPositions: list('BYSETPOS'),
    hours: list('BYHOUR'),
    minutes: list('BYMINUTE'),
    seconds: list('BYSECOND'),
  };
}
