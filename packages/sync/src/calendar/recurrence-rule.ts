import { Weekday, type Options } from 'rrule';

/**
 * RRULE and EXRULE lines (RFC 5545, 3.3.10) → rrule's options, read strictly. Google has been seen to hold rules that no grammar
 * allows, and the library takes them at their word (INTERVAL=0 never ends). A rule that cannot be read gives null, and its
 * series then stands on its first occurrence alone: dropping the part that is not understood would make it endless.
 */
export interface RecurrenceRule {
  /** YEARLY to SECONDLY, below. */
  frequency: number;
  options: Partial<Options>;
  count: number | null;
  /** As written: what it bounds depends on the series (a date, a local time or an instant). */
  until: string | null;
  /** Parts that only take away from frequencies below a day; see `keptAtTime`. */
  atHours: number[] | null;
  atMinutes: number[] | null;
  atSeconds: number[] | null;
}

export function readRule(line: string): RecurrenceRule | null {
  const parts = new Map<string, string>();
  for (const pair of line.slice(line.indexOf(':') + 1).trim().replace(/;$/, '').toUpperCase().split(';')) {
    const [name = '', value = ''] = pair.split('=');
    if (parts.has(name) || !KNOWN_PARTS.has(name)) return null;
    parts.set(name, value);
  }
  const freq = FREQUENCIES.indexOf(parts.get('FREQ') ?? '');
  const numbers = readNumbers(parts);
  const days = readDays(parts.get('BYDAY'));
  const weekStart = DAYS.indexOf(parts.get('WKST') ?? 'MO');
  const until = parts.get('UNTIL') ?? null;
  if (freq < 0 || numbers === null || days === null || weekStart < 0 || (until !== null && !DATE_OR_TIME.test(until))) return null;
  return forbidden(freq, numbers, days) ? null : ruleOf(freq, numbers, days, weekStart, until);
}

/** What RFC 5545 rules out: parts that a frequency cannot have, and positions in a set that no part makes. */
function forbidden(freq: number, numbers: ReadonlyMap<string, number[]>, days: readonly Day[]): boolean {
  const makesSet = days.length > 0 || [...numbers.keys()].some((name) => name.startsWith('BY') && name !== 'BYSETPOS');
  return (
    (numbers.has('BYWEEKNO') && freq !== YEARLY) || (numbers.has('BYYEARDAY') && freq >= MONTHLY && freq <= DAILY) ||
    (numbers.has('BYMONTHDAY') && freq === WEEKLY) || (numbers.has('BYSETPOS') && !makesSet)
  );
}

/** Whether a time of a rule below a day's frequency passes its BYHOUR, BYMINUTE and BYSECOND. */
export function keptAtTime(rule: RecurrenceRule, wall: Date): boolean {
  return (
    (rule.atHours === null || rule.atHours.includes(wall.getUTCHours())) &&
    (rule.atMinutes === null || rule.atMinutes.includes(wall.getUTCMinutes())) &&
    (rule.atSeconds === null || rule.atSeconds.includes(wall.getUTCSeconds()))
  );
}

export const YEARLY = 0;
export const MONTHLY = 1;
export const WEEKLY = 2;
export const DAILY = 3;
export const HOURLY = 4;
export const MINUTELY = 5;
export const SECONDLY = 6;

/** In the order of rrule's own numbers. */
const FREQUENCIES = ['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY', 'HOURLY', 'MINUTELY', 'SECONDLY'];
const DAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const DATE_OR_TIME = /^\d{8}(?:T\d{6}Z?)?$/;

/** Largest value of each part; the smallest is 1 or, where zero is a time, 0. `signed` ones count from the end with a minus. */
const NUMBER_PARTS: Record<string, { largest: number; zero?: boolean; signed?: boolean; single?: boolean }> = {
  COUNT: { largest: 999_999_999, single: true }, INTERVAL: { largest: 999_999, single: true },
  BYSECOND: { largest: 59, zero: true }, BYMINUTE: { largest: 59, zero: true }, BYHOUR: { largest: 23, zero: true },
  BYMONTHDAY: { largest: 31, signed: true }, BYYEARDAY: { largest: 366, signed: true }, BYWEEKNO: { largest: 53, signed: true },
  BYMONTH: { largest: 12 }, BYSETPOS: { largest: 366, signed: true },
};
const KNOWN_PARTS = new Set([...Object.keys(NUMBER_PARTS), 'FREQ', 'UNTIL', 'BYDAY', 'WKST']);

function readNumbers(parts: ReadonlyMap<string, string>): Map<string, number[]> | null {
  const read = new Map<string, number[]>();
  for (const [name, limits] of Object.entries(NUMBER_PARTS)) {
    const text = parts.get(name);
    if (text === undefined) continue;
    const values = text.split(',').map((item) => (/^[+-]?\d{1,9}$/.test(item) ? Number(item) : Number.NaN));
    const fits = (value: number): boolean => Math.abs(value) <= limits.largest && (value > 0 || (value === 0 && limits.zero === true) || (value < 0 && limits.signed === true));
    if (!values.every(fits) || (limits.single && values.length !== 1)) return null;
    read.set(name, values);
  }
  return read;
}

interface Day {
  weekday: number;
  ordinal: number | null;
}

function readDays(text: string | undefined): Day[] | null {
  if (text === undefined) return [];
  const days = text.split(',').map((item) => /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/.exec(item));
  if (days.some((day) => day === null || (day[1] !== undefined && (Number(day[1]) === 0 || Math.abs(Number(day[1])) > 53)))) return null;
  return days.map((day) => ({ weekday: DAYS.indexOf(day?.[2] ?? ''), ordinal: day?.[1] === undefined ? null : Number(day[1]) }));
}

function ruleOf(freq: number, numbers: ReadonlyMap<string, number[]>, days: readonly Day[], weekStart: number, until: string | null): RecurrenceRule {
  const list = (name: string): number[] | null => numbers.get(name) ?? null;
  const belowDay = freq >= HOURLY;
  // The library searches for ever for an hour that its interval never meets: what only takes away is therefore taken away here.
  const atHours = belowDay ? list('BYHOUR') : null;
  const atMinutes = freq >= MINUTELY ? list('BYMINUTE') : null;
  const atSeconds = freq === SECONDLY ? list('BYSECOND') : null;
  return {
    frequency: freq, count: list('COUNT')?.[0] ?? null, until, atHours, atMinutes, atSeconds,
    options: {
      freq, interval: list('INTERVAL')?.[0] ?? 1, wkst: weekStart,
      bymonth: list('BYMONTH'), bymonthday: list('BYMONTHDAY'), byyearday: list('BYYEARDAY'), byweekno: list('BYWEEKNO'), bysetpos: list('BYSETPOS'),
      byweekday: days.length > 0 ? weekdays(freq, days, numbers) : null,
      byhour: atHours === null ? list('BYHOUR') : null, byminute: atMinutes === null ? list('BYMINUTE') : null, bysecond: atSeconds === null ? list('BYSECOND') : null,
    },
  };
}

/** Ordinals mean something in months and years only. A list that mixes `MO` with `1FR` is the union of both; the library would cut them. */
function weekdays(freq: number, days: readonly Day[], numbers: ReadonlyMap<string, number[]>): Weekday[] {
  const ordinals = freq <= MONTHLY && !numbers.has('BYWEEKNO') && days.some((day) => day.ordinal !== null);
  if (!ordinals) return days.map((day) => new Weekday(day.weekday));
  const every = Array.from({ length: freq === YEARLY && !numbers.has('BYMONTH') ? 53 : 5 }, (_, i) => i + 1);
  return days.flatMap((day) => (day.ordinal === null ? every : [day.ordinal]).map((ordinal) => new Weekday(day.weekday, ordinal)));
}
