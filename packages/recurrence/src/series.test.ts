import { RRule } from 'rrule';
import { readRule } from './rule.js';
import { startsIn, type Series } from './series.js';
import { ruleTimes } from './rule-times.js';

/*
 * Cases that RFC 5545's examples and the simulator's own expansion
 * (test/scenarios/calendar-instances.test.ts) do not cover: sets that are too short, rules without
 * a match, and a comparison with a third implementation.
 */

const HOUR_MS = 3_600_000;
const YEAR_MS = 366 * 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 0, 5, 9);
const series = (...lines: string[]): Series => ({
  wallMs: START_MS,
  startMs: START_MS,
  isAllDay: false,
  zone: 'UTC',
  lines,
});

/** Steps for the search of one series: five centuries of days, or a month of minutes. */
const STEPS = 200_000;
/** A search is given up after 10,000 periods without a match. */
const MOST_STEPS = 99_999;

/** Returns the earliest `limit` starts, and whether these are all. */
function startsOf(
  of: Series,
  fromMs: number,
  toMs: number,
  limit: number,
  work = { stepsLeft: STEPS },
): { startsMs: number[]; complete: boolean } {
  const startsMs: number[] = [];
  const found = startsIn(of, fromMs, toMs, work);
  for (let next = found.next(); ; next = found.next()) {
    if (next.done) return { startsMs, complete: next.value };
    if (startsMs.length === limit) return { startsMs, complete: false };
    startsMs.push(next.value.startMs);
  }
}

function timesOf(line: string, years: number, startMs = START_MS): string[] {
  const rule = readRule(`RRULE:${line}`);
  if (rule === null) throw new Error(`${line} cannot be read`);
  return [...ruleTimes(rule, { startMs, fromMs: startMs, lastMs: startMs + years * YEAR_MS })].map(
    (ms) => new Date(ms).toISOString().slice(0, 16),
  );
}

test('BYSETPOS picks nothing from a set that is too short for it', () => {
  expect(timesOf('FREQ=MONTHLY;BYMONTHDAY=14;BYSETPOS=-2', 3)).toEqual([]);
  expect(timesOf('FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-5', 1)).toEqual([
    '2026-03-02T09:00',
    '2026-06-01T09:00',
    '2026-08-03T09:00',
    '2026-11-02T09:00',
  ]);
  expect(timesOf('FREQ=HOURLY;INTERVAL=12;BYMINUTE=10,20,30;BYSETPOS=-2,4', 1).slice(0, 2)).toEqual(
    ['2026-01-05T09:20', '2026-01-05T21:20'],
  );
});

// The first set is that of the whole period, even when the series starts in its middle.
test('BYSETPOS counts the whole period in which the series starts', () => {
  expect(timesOf('FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2,4;COUNT=3', 1).slice(0, 3)).toEqual([
    '2026-01-06T09:00',
    '2026-02-03T09:00',
    '2026-02-05T09:00',
  ]);
});

test.each([
  'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
  'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
  'FREQ=MONTHLY;BYMONTHDAY=7;BYSETPOS=-2',
  'FREQ=MONTHLY;INTERVAL=12;BYMONTH=7',
  'FREQ=WEEKLY;INTERVAL=999999;BYMONTH=7',
  'FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29',
  'FREQ=YEARLY;INTERVAL=999999;BYMONTH=2;BYMONTHDAY=30',
  'FREQ=DAILY;INTERVAL=7;BYDAY=TU',
  'FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30',
  'FREQ=SECONDLY;BYMONTH=4;BYMONTHDAY=31;COUNT=3',
  'FREQ=HOURLY;INTERVAL=24;BYHOUR=3',
  'FREQ=SECONDLY;INTERVAL=2;BYSECOND=1',
  'FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1;BYDAY=TU',
])('a rule that nothing fulfils costs few steps and leaves the start alone: %s', (line) => {
  const work = { stepsLeft: STEPS };
  const of = series(`RRULE:${line}`);
  expect(startsOf(of, START_MS - HOUR_MS, Date.UTC(9_990, 0, 1), 10, work).startsMs).toEqual([
    START_MS,
  ]);
  expect(STEPS - work.stepsLeft).toBeLessThanOrEqual(MOST_STEPS);
});

test('a search that was given up says so, and within a century no rule of days or more comes to that', () => {
  const complete = (line: string, toYear: number): boolean =>
    startsOf(series(`RRULE:${line}`), START_MS, Date.UTC(toYear, 0, 1), 10).complete;
  expect(complete('FREQ=SECONDLY;INTERVAL=2;BYSECOND=1', 2126)).toBe(false);
  for (const line of [
    'FREQ=DAILY;INTERVAL=7;BYDAY=TU',
    'FREQ=MONTHLY;BYMONTHDAY=7;BYSETPOS=-2',
    'FREQ=MINUTELY;BYHOUR=9;BYMINUTE=0;BYMONTH=2;BYMONTHDAY=30',
  ])
    expect(complete(line, 2126)).toBe(true);
  expect(complete('FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', 4_000)).toBe(true);
});

test.each([
  ['FREQ=YEARLY;COUNT=4', ['1965', '1966', '1967', '1968'].map((year) => `${year}-12-31T22:00`)],
  ['FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2', ['1965-12-31T22:00', '1966-01-31T22:00']],
  ['FREQ=DAILY;INTERVAL=2;COUNT=2', ['1965-12-31T22:00', '1966-01-02T22:00']],
  ['FREQ=HOURLY;COUNT=3', ['1965-12-31T22:00', '1965-12-31T23:00', '1966-01-01T00:00']],
  ['FREQ=MINUTELY;BYMINUTE=0;COUNT=2', ['1965-12-31T22:00', '1965-12-31T23:00']],
])('a series that begins before 1970 has each of its times: %s', (line, times) => {
  const startMs = Date.UTC(1965, 11, 31, 22);
  const old = { ...series(`RRULE:${line}`), wallMs: startMs, startMs };
  const { startsMs, complete } = startsOf(old, startMs, START_MS, 10);
  expect(startsMs.map((ms) => new Date(ms).toISOString().slice(0, 16))).toEqual(times);
  expect(complete).toBe(true);
});

test('EXRULE that was given up does not pass for a whole answer', () => {
  const found = startsOf(
    series('RRULE:FREQ=DAILY', 'EXRULE:FREQ=SECONDLY;INTERVAL=2;BYSECOND=1'),
    START_MS,
    START_MS + YEAR_MS,
    1_000,
  );
  expect(found.complete).toBe(false);
});

test('a range long after the start costs the same as one at the start, and finds the same', () => {
  const from = Date.UTC(2525, 0, 1);
  const found = startsOf(
    series('RRULE:FREQ=MINUTELY;INTERVAL=7;BYHOUR=9'),
    from,
    from + 24 * HOUR_MS,
    100,
  );
  expect(found).toMatchObject({ complete: true });
  expect(
    found.startsMs.every(
      (ms) => (ms - START_MS) % 420_000 === 0 && new Date(ms).getUTCHours() === 9,
    ),
  ).toBe(true);
  expect(found.startsMs.length).toBeGreaterThanOrEqual(8);
});

// The library that this package replaced; it is correct when sets are long enough and the rule has
// a match.
test.each([
  'FREQ=YEARLY;BYWEEKNO=1,53,-1;BYDAY=MO,SU',
  'FREQ=YEARLY;BYWEEKNO=20;WKST=SU;BYDAY=SU',
  'FREQ=YEARLY;BYDAY=-1FR,20MO',
  'FREQ=YEARLY;BYYEARDAY=1,-1,366',
  'FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU',
  'FREQ=MONTHLY;INTERVAL=5;BYDAY=2TU,-2TU',
  'FREQ=MONTHLY;BYMONTHDAY=-1,31',
  'FREQ=WEEKLY;INTERVAL=3;WKST=TH;BYDAY=MO,FR',
  'FREQ=DAILY;INTERVAL=3;BYMONTH=6,7',
  'FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=8,18',
])('a library has the same opinion: %s', (line) => {
  const library = new RRule({ ...RRule.parseString(line), dtstart: new Date(START_MS) }).between(
    new Date(START_MS),
    new Date(START_MS + 30 * YEAR_MS),
    true,
  );
  expect(timesOf(line, 30)).toEqual(library.map((at) => at.toISOString().slice(0, 16)));
});
