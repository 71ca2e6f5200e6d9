import type { SourceEvent } from './event.js';
import {
  expandInstances,
  placeInstances,
  MAX_INSTANCE_LIMIT,
  MAX_INSTANCE_RANGE_MS,
} from './instances.js';
import { startsIn } from './series.js';

const RANGE = {
  timeMinMs: Date.UTC(2026, 2, 1),
  timeMaxMs: Date.UTC(2026, 3, 30),
  defaultZone: 'Europe/Berlin',
};
const series = (recurrence: string[], over: object = {}): SourceEvent => ({
  id: 's',
  start: { dateTime: '2026-03-02T09:00:00+01:00', timeZone: 'Europe/Berlin' },
  end: { dateTime: '2026-03-02T10:00:00+01:00', timeZone: 'Europe/Berlin' },
  recurrence,
  ...over,
});
/** Returns start and end of each instance, in UTC. */
const times = (...events: SourceEvent[]): string[] =>
  expandInstances(events, RANGE).items.map(({ start, end }) =>
    [start, end]
      .map((at) =>
        at?.dateTime ? new Date(at.dateTime).toISOString().slice(5, 16) : (at?.date ?? ''),
      )
      .join(' '),
  );

test.each([
  'EXDATE;TZID=W. Europe Standard Time:20260303T090000',
  'EXDATE;TZID="W. Europe Standard Time":20260303T090000',
  'EXDATE;TZID=w. europe standard time:20260303T090000',
  'EXDATE;TZID=Nobody/Knows:20260303T090000',
  'EXDATE;TZID=Customized Time Zone:20260303T090000',
  'EXDATE;TZID="(UTC+01:00) Amsterdam; Berlin":20260303T090000',
  'EXDATE;TZID=(UTC+01:00) Amsterdam, Berlin:20260303T090000',
  'EXDATE;TZID=(UTC+01:00) Amsterdam:20260303T080000Z',
  'EXDATE;X-NOTE=as of 20260101:TZID=Europe/Berlin:20260303T090000',
  'EXDATE;TZID=(UTC+01:00) Amsterdam: 20260303T090000 , 20260310T090000',
  'EXDATE;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20260303T090000',
  'EXDATE;TZID=Eastern Standard Time:20260303T030000',
  'EXDATE;TZID=Asia/Tokyo:20260303T170000',
  'EXDATE;VALUE=DATE-TIME:20260303T080000Z',
  'exdate;tzid=Europe/Berlin: 20260303t090000 ',
  'EXRULE:FREQ=DAILY;INTERVAL=3;BYMONTHDAY=3,4',
])('an occurrence is taken out by %s', (line) => {
  expect(times(series(['RRULE:FREQ=DAILY;COUNT=3', line]))).toEqual([
    '03-02T08:00 03-02T09:00',
    ...(line.startsWith('EXRULE') ? ['03-03T08:00 03-03T09:00'] : []),
    '03-04T08:00 03-04T09:00',
  ]);
});

test.each([
  ['RDATE;VALUE=PERIOD:20260305T080000Z/PT3H', '03-05T08:00 03-05T11:00'],
  ['RDATE;VALUE=PERIOD:20260305T080000Z/20260305T093000Z', '03-05T08:00 03-05T09:30'],
  ['RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20260305T090000/P1DT30M', '03-05T08:00 03-06T08:30'],
  [
    'RDATE;VALUE=PERIOD;TZID=Romance Standard Time:20260305T090000/20260305T110000',
    '03-05T08:00 03-05T10:00',
  ],
  ['RDATE;VALUE=PERIOD:20260305T080000Z/PT0S', '03-05T08:00 03-05T09:00'],
  ['RDATE;VALUE=PERIOD:20260305T080000Z/-PT3H', '03-05T08:00 03-05T09:00'],
  ['RDATE;VALUE=PERIOD:20260305T080000Z/nonsense', '03-05T08:00 03-05T09:00'],
  ['RDATE;TZID=Asia/Tokyo:20260305T170000', '03-05T08:00 03-05T09:00'],
  ['RDATE;TZID=Tokyo Standard Time:20260305T170000', '03-05T08:00 03-05T09:00'],
  ['RDATE:20260305T090000', '03-05T08:00 03-05T09:00'],
])('%s adds an occurrence', (line, added) => {
  expect(times(series(['RRULE:FREQ=DAILY;COUNT=1', line]))).toEqual([
    '03-02T08:00 03-02T09:00',
    added,
  ]);
});

test('includes a period that began before the range and ends within it', () => {
  expect(
    times(
      series(['RDATE;VALUE=PERIOD:20260101T080000Z/P70D'], {
        start: { dateTime: '2025-01-01T09:00:00+01:00' },
        end: { dateTime: '2025-01-01T10:00:00+01:00' },
      }),
    ),
  ).toEqual(['01-01T08:00 03-12T08:00']);
});

test.each([
  // The clocks go forward on 29 March, and 02:30 is read with the offset before the gap.
  [
    'a gap',
    ['RRULE:FREQ=DAILY;COUNT=3'],
    '2026-03-28T02:30:00+01:00',
    ['03-28T01:30', '03-29T01:30', '03-30T00:30'],
  ],
  [
    'an UNTIL that is a date',
    ['RRULE:FREQ=DAILY;UNTIL=20260403'],
    '2026-04-02T09:00:00+02:00',
    ['04-02T07:00', '04-03T07:00'],
  ],
  [
    'an UNTIL in UTC',
    ['RRULE:FREQ=DAILY;UNTIL=20260403T070000Z'],
    '2026-04-02T09:00:00+02:00',
    ['04-02T07:00', '04-03T07:00'],
  ],
  [
    'COUNT with EXDATE, which does not prolong',
    ['RRULE:FREQ=DAILY;COUNT=3', 'EXDATE:20260403T070000Z'],
    '2026-04-02T09:00:00+02:00',
    ['04-02T07:00', '04-04T07:00'],
  ],
  [
    'EXDATE as a date, which names no start',
    ['RRULE:FREQ=DAILY;COUNT=2', 'EXDATE;VALUE=DATE:20260403'],
    '2026-04-02T09:00:00+02:00',
    ['04-02T07:00', '04-03T07:00'],
  ],
  [
    'EXDATE of the first',
    ['RRULE:FREQ=DAILY;COUNT=2', 'EXDATE;TZID=Europe/Berlin:20260402T090000'],
    '2026-04-02T09:00:00+02:00',
    ['04-03T07:00'],
  ],
])('%s', (_, recurrence, dateTime, starts) => {
  const event = series(recurrence, {
    start: { dateTime, timeZone: 'Europe/Berlin' },
    end: { dateTime },
  });
  expect(times(event).map((time) => time.slice(0, 11))).toEqual(starts);
});

test('zones of Windows are known where a series says its own, and unknown ones are the calendar’s', () => {
  for (const timeZone of ['W. Europe Standard Time', 'Nobody/Knows'])
    expect(
      times(
        series(['RRULE:FREQ=WEEKLY;COUNT=2'], {
          start: { dateTime: '2026-03-23T09:00:00+01:00', timeZone },
          end: { dateTime: '2026-03-23T10:00:00+01:00', timeZone },
        }),
      ),
    ).toEqual(['03-23T08:00 03-23T09:00', '03-30T07:00 03-30T08:00']);
});

test.each([
  ['2026-03-03T00:00:00Z', undefined],
  ['2026-03-03T01:00:00+01:00', undefined],
  ['2026-03-02T23:00:00Z', 'Europe/Berlin'],
  ['2026-03-03T09:00:00', 'Europe/Berlin'],
])(
  'an exception of an all-day series that is named by the time %s replaces its day',
  (dateTime, timeZone) => {
    const allDay = series(['RRULE:FREQ=DAILY;COUNT=3'], {
      start: { date: '2026-03-02' },
      end: { date: '2026-03-03' },
    });
    const exception = {
      id: 's_x',
      recurringEventId: 's',
      originalStartTime: { dateTime, ...(timeZone ? { timeZone } : {}) },
      status: 'cancelled',
    };
    expect(times(allDay, exception)).toEqual(['2026-03-02 2026-03-03', '2026-03-04 2026-03-05']);
  },
);

test('a time without an offset is one of its own zone, or of the calendar’s', () => {
  const at = (time: string, timeZone?: string): object => ({
    dateTime: time,
    ...(timeZone ? { timeZone } : {}),
  });
  const ids = [
    {
      id: 'own',
      start: at('2026-03-05T10:00:00', 'America/New_York'),
      end: at('2026-03-05T11:00:00', 'America/New_York'),
    },
    { id: 'calendars', start: at('2026-03-05T10:00:00'), end: at('2026-03-05T11:00:00') },
  ];
  const within = (hour: number): unknown[] =>
    expandInstances(ids, {
      ...RANGE,
      timeMinMs: Date.UTC(2026, 2, 5, hour),
      timeMaxMs: Date.UTC(2026, 2, 5, hour + 1),
    }).items.map(({ id }) => id);
  expect([within(9), within(15)]).toEqual([['calendars'], ['own']]);
  expect(
    times(
      series(['RRULE:FREQ=DAILY;COUNT=2'], {
        start: at('2026-03-28T09:00:00', 'Europe/Berlin'),
        end: at('2026-03-28T10:00:00', 'Europe/Berlin'),
      }),
    ),
  ).toEqual(['03-28T08:00 03-28T09:00', '03-29T07:00 03-29T08:00']);
});

const CENTURY = {
  timeMinMs: Date.UTC(1990, 0, 1),
  timeMaxMs: Date.UTC(2089, 0, 1),
  defaultZone: 'Europe/Berlin',
};
const many = (count: number, line: string): SourceEvent[] =>
  Array.from({ length: count }, (_, n) => series([line], { id: `s${n}` }));

test('the earliest instances of a century are the same as those of the days that they are in', () => {
  const events = [...many(30, 'RRULE:FREQ=DAILY'), ...many(1, 'RRULE:FREQ=HOURLY')];
  const all = expandInstances(events, { ...CENTURY, limit: 500 });
  const days = expandInstances(events, { ...CENTURY, timeMaxMs: Date.UTC(2026, 2, 20) });
  expect(all.complete).toBe(false);
  expect(all.items).toEqual(days.items.slice(0, 500));
});

test('the work grows with the instances that are returned, not with those in the range', () => {
  const budget = 2_000_000;
  const work = { stepsLeft: budget };
  const events = many(2_000, 'RRULE:FREQ=DAILY');
  const { items } = expandInstances(events, { ...CENTURY, limit: 2_000, work });
  expect(items).toHaveLength(2_000);
  // The range contains 73 million instances.
  expect(budget - work.stepsLeft).toBeLessThan(100_000);
});

const SIXTY = Array.from({ length: 60 }, (_, n) => n).join(',');

test.each([
  ['searches in vain', ['RRULE:FREQ=SECONDLY;INTERVAL=2;BYSECOND=1']],
  ['counts of minutes', ['RRULE:FREQ=MINUTELY;COUNT=999999999']],
  ['exclusions by the second', ['RRULE:FREQ=SECONDLY', 'EXRULE:FREQ=SECONDLY']],
  [
    'years of seconds',
    [`RRULE:FREQ=YEARLY;BYDAY=MO;BYSETPOS=-1;BYMINUTE=${SIXTY};BYSECOND=${SIXTY}`],
  ],
])(
  'series with %s share one bound on work, and the answer says that it is not whole',
  (_, lines) => {
    const wallMs = Date.UTC(1980, 0, 1);
    const work = { stepsLeft: 20_000 };
    const isWhole = (): boolean => {
      const found = startsIn(
        { wallMs, startMs: wallMs, isAllDay: false, zone: 'UTC', lines },
        CENTURY.timeMinMs,
        CENTURY.timeMaxMs,
        work,
      );
      const next = found.next();
      return next.done ? next.value : true;
    };
    for (let n = 0; n < 30; n++) expect(isWhole()).toBe(false);
    // The current search finishes its step when the bound on work is reached: at most the seconds
    // of a day.
    expect(work.stepsLeft).toBeLessThanOrEqual(0);
    expect(work.stepsLeft).toBeGreaterThan(-30 * 3_600 - 86_400);
  },
);

test.each([1, 2, 7, 100])(
  'pages of %d instances are the list, with equal starts and moved ones',
  (limit) => {
    const moved = series([], {
      id: 's1_20260304T080000Z',
      recurringEventId: 's1',
      originalStartTime: { dateTime: '2026-03-04T08:00:00Z' },
      start: { dateTime: '2026-03-03T07:00:00Z' },
      end: { dateTime: '2026-03-03T08:00:00Z' },
    });
    const events = [...many(4, 'RRULE:FREQ=DAILY'), series(['RRULE:FREQ=HOURLY']), moved];
    const range = { ...CENTURY, timeMaxMs: Date.UTC(2026, 2, 6) };
    const whole = placeInstances(events, range);
    const pages: typeof whole.items = [];
    for (let hasMore = true; hasMore;) {
      const last = pages.at(-1);
      const after = last && { startMs: last.startMs, id: last.id };
      const page = placeInstances(events, { ...range, after, limit });
      pages.push(...page.items);
      ({ hasMore } = page);
    }
    expect(pages).toEqual(whole.items);
  },
);

test('one rule that is searched in vain hides no other series', () => {
  const events = [
    ...many(3, 'RRULE:FREQ=DAILY;COUNT=3'),
    series(['RRULE:FREQ=MINUTELY;COUNT=999999999'], {
      id: 'a',
      start: { dateTime: '1980-01-01T00:00:00Z' },
      end: { dateTime: '1980-01-01T00:00:01Z' },
    }),
  ];
  const { items, isCut } = placeInstances(events, { ...RANGE, work: { stepsLeft: 100_000 } });
  expect([items.length, isCut]).toEqual([9, true]);
});

test('a range or a limit above the bounds is refused', () => {
  expect(() =>
    expandInstances([], { ...RANGE, timeMaxMs: RANGE.timeMinMs + MAX_INSTANCE_RANGE_MS + 1 }),
  ).toThrow(RangeError);
  expect(() => expandInstances([], { ...RANGE, limit: MAX_INSTANCE_LIMIT + 1 })).toThrow(
    RangeError,
  );
});

test('an event with times or a recurrence of another type hides no other event of its calendar', () => {
  const odd = [
    { recurrence: 'RRULE:FREQ=DAILY' },
    { recurrence: { 0: 'RRULE:FREQ=DAILY', length: 1 } },
    { recurrence: [null, 5, {}] },
    { start: 5, end: 'x' },
    { start: { date: 5 } },
    { start: { dateTime: 5 }, recurrence: ['RRULE:FREQ=DAILY'] },
    { start: { dateTime: '2026-03-02T09:00:00', timeZone: {} } },
    { recurringEventId: { id: 's' }, originalStartTime: { date: 20260303 } },
    { recurringEventId: 's', originalStartTime: { dateTime: 5, timeZone: 5 } },
  ];
  const events = odd.map((over, n) => series([], { id: `odd${n}`, ...over }));
  const { items } = expandInstances([...events, series(['RRULE:FREQ=DAILY;COUNT=2'])], RANGE);
  expect(items.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['s_20260302T080000Z', 's_20260303T080000Z']),
  );
});
