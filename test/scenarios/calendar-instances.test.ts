import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CalendarEvent } from '@syncline/google';
import { expandInstances } from '@syncline/recurrence';
import { startSimulator, type ActionOrder, type Simulator } from '@syncline/simulator';
import fc from 'fast-check';
import { RFC_EXAMPLES, startsOf } from '../support/rfc5545-examples.js';
import { calendarClient, type CalendarClient } from '../support/calendar-client.js';

/*
 * The instances view against Google's own answer for `singleEvents=true`: the engine expands the masters, exceptions and cancelled
 * occurrences that a full list gives; the simulator expands its calendar by code of its own, over HTTP. Neither has seen the
 * other, and RFC 5545's examples decide.
 */

const ZONES = [
  'America/New_York',
  'Europe/Berlin',
  'Asia/Tokyo',
  'America/Sao_Paulo',
  'Australia/Lord_Howe',
  'UTC',
];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let simulator: Simulator;
let client: CalendarClient;

beforeEach(async () => {
  simulator = await startSimulator({
    seed: 51,
    accounts: 1,
    messagesPerAccount: 0,
    calendarsPerAccount: 3,
    eventsPerCalendar: 40,
    nowMs: Date.UTC(2026, 5, 1),
    quota: { scale: 10_000 },
  });
  client = await calendarClient(simulator);
});
afterEach(() => simulator.close());

const act = (order: ActionOrder): string => {
  const done = simulator.act(client.email, order);
  return (order.action === 'calendar-create' ? done.calendarId : done.eventId) ?? '';
};
const newCalendar = (): string => act({ action: 'calendar-create' });
const create = (calendarId: string, event: object): string =>
  act({ action: 'event-create', calendarId, event: { summary: 'Series', ...event } as never });
const localTime = (time: CalendarEvent['start']): string =>
  (time?.dateTime ?? time?.date ?? '').slice(0, 16);
const newYork = (start: string): object => {
  // The examples' starts are in summer or winter time; the simulator wants the offset.
  const offset =
    Number(start.slice(5, 7)) > 3 && Number(start.slice(5, 7)) < 11 && start < '1997-10-26'
      ? '-04:00'
      : '-05:00';
  return { dateTime: `${start}:00${offset}`, timeZone: 'America/New_York' };
};

/** Both answers for a range, in the order of ids. */
async function both(
  calendarId: string,
  timeMin: string,
  timeMax: string,
): Promise<{ google: CalendarEvent[]; engine: CalendarEvent[] }> {
  const full = await client.list(calendarId);
  const google = await client.list(calendarId, { singleEvents: 'true', timeMin, timeMax });
  const engine = expandInstances(full.items, {
    timeMinMs: Date.parse(timeMin),
    timeMaxMs: Date.parse(timeMax),
    defaultZone: full.timeZone,
  });
  expect(engine.complete).toBe(true);
  const byId = (a: CalendarEvent, b: CalendarEvent): number =>
    (a.id ?? '') < (b.id ?? '') ? -1 : 1;
  return { google: google.items.sort(byId), engine: [...engine.items].sort(byId) };
}

test.each(RFC_EXAMPLES)('RFC 5545: $says', async (example) => {
  const calendarId = newCalendar();
  const start = example.start ?? '1997-09-02T09:00';
  const [from, to] = ['1996-01-01T00:00:00Z', `${example.to ?? '2008-01-01'}T00:00:00-05:00`];
  create(calendarId, { start: newYork(start), end: newYork(start), recurrence: example.lines });
  const { google, engine } = await both(calendarId, from, to);
  const starts = (events: CalendarEvent[]): string[] =>
    events.map((event) => localTime(event.start)).sort();
  expect({ engine: starts(engine), simulator: starts(google) }).toEqual({
    engine: startsOf(example),
    simulator: startsOf(example),
  });
});

test('seeded worlds: every calendar, in many ranges, moved and cancelled occurrences included', async () => {
  for (let i = 0; i < 60; i++)
    simulator.act(client.email, {
      action: (
        ['event-move-instance', 'event-cancel-instance', 'event-update', 'event-delete'] as const
      )[i % 4]!,
    });
  let compared = 0;
  for (const calendarId of await client.calendarIds()) {
    for (const [from, days] of [
      ['2025-01-01', 900],
      ['2026-03-28', 2],
      ['2026-10-24', 3],
      ['2026-06-10', 1],
      ['2025-12-31', 40],
    ] as const) {
      const timeMax = new Date(Date.parse(`${from}T00:00:00Z`) + days * DAY_MS).toISOString();
      const { google, engine } = await both(calendarId, `${from}T00:00:00Z`, timeMax);
      expect(engine).toEqual(google);
      compared += google.length;
    }
  }
  expect(compared).toBeGreaterThan(500);
});

const numbers = (min: number, max: number, signed = false): fc.Arbitrary<string> =>
  fc
    .uniqueArray(
      signed
        ? fc.oneof(fc.integer({ min, max }), fc.integer({ min: -max, max: -min }))
        : fc.integer({ min, max }),
      { minLength: 1, maxLength: 3 },
    )
    .map((list) => list.join(','));
const days = fc
  .uniqueArray(
    fc
      .tuple(
        fc.constantFrom('', '', '1', '2', '-1', '5'),
        fc.constantFrom('MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'),
      )
      .map((day) => day.join('')),
    { minLength: 1, maxLength: 3 },
  )
  .map((list) => list.join(','));
const optional = (name: string, values: fc.Arbitrary<string | number>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: values.map((value) => `;${name}=${value}`) },
  );
const rule = fc
  .tuple(
    fc.constantFrom('DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'),
    optional('INTERVAL', fc.integer({ min: 1, max: 4 })),
    fc.oneof(
      fc.constant(''),
      fc.integer({ min: 1, max: 12 }).map((count) => `;COUNT=${count}`),
      fc.constantFrom(';UNTIL=20260901', ';UNTIL=20260801T120000Z', ';UNTIL=20260701T090000'),
    ),
    optional('BYDAY', days),
    optional('BYMONTHDAY', numbers(1, 31, true)),
    optional('BYMONTH', numbers(1, 12)),
    optional('BYSETPOS', fc.constantFrom('1', '2', '3', '-1', '1,-1', '-2', '-3,1', '5,-4')),
    optional('WKST', fc.constantFrom('SU', 'WE')),
    optional('BYHOUR', numbers(0, 23)),
    optional('BYYEARDAY', numbers(1, 366, true)),
    optional('BYWEEKNO', numbers(1, 53, true)),
  )
  .map((parts) => `RRULE:FREQ=${parts.join('')}`);
const extra = fc.constantFrom(
  'EXDATE;TZID=Europe/Berlin:20260402T023000,20260409T023000',
  'EXDATE:20260501T003000Z',
  'RDATE;TZID=Asia/Tokyo:20260515T100000',
  'EXRULE:FREQ=WEEKLY;INTERVAL=3;BYDAY=MO',
  'RDATE;VALUE=DATE:20260520',
  'EXDATE:20260601',
  'X-ODD:1',
);

test('any rule, in any zone, over gaps and overlaps of daylight saving', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...ZONES),
      fc.boolean(),
      rule,
      fc.array(extra, { maxLength: 2 }),
      fc.integer({ min: 0, max: 600 }),
      fc.integer({ min: 0, max: 47 }),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 1, max: 400 }),
      async (timeZone, allDay, line, more, startDay, halfHour, fromDay, rangeDays) => {
        const calendarId = newCalendar();
        const startMs = Date.UTC(2025, 0, 1) + startDay * DAY_MS + halfHour * (HOUR_MS / 2);
        const at = (ms: number): object =>
          allDay
            ? { date: new Date(ms).toISOString().slice(0, 10) }
            : { dateTime: new Date(ms).toISOString(), timeZone };
        create(calendarId, {
          start: at(startMs),
          end: at(startMs + (allDay ? DAY_MS : HOUR_MS)),
          recurrence: [line, ...more],
        });
        simulator.act(client.email, { action: 'event-move-instance', calendarId });
        simulator.act(client.email, { action: 'event-cancel-instance', calendarId });
        const from = Date.UTC(2026, 2, 1) + fromDay * DAY_MS;
        const { google, engine } = await both(
          calendarId,
          new Date(from).toISOString(),
          new Date(from + rangeDays * DAY_MS).toISOString(),
        );
        expect(engine).toEqual(google);
      },
    ),
    { numRuns: 100, seed: 77 },
  );
}, 120_000);

const CORPUS = process.env['CORPUS_DIR'] ?? path.resolve(__dirname, '../../../shared/corpus');
const folders = [
  path.resolve(__dirname, '../fixtures/ics'),
  ...(existsSync(CORPUS) ? [path.join(CORPUS, 'ics')] : []),
];

test.each(folders)(
  'calendars of real programs, from %s',
  async (folder) => {
    const imported = await startSimulator({
      seed: 52,
      accounts: 1,
      messagesPerAccount: 0,
      eventsPerCalendar: 0,
      icsDirectories: [folder],
      quota: { scale: 10_000 },
    });
    try {
      client = await calendarClient(imported);
      let compared = 0;
      for (const calendarId of await client.calendarIds()) {
        for (let year = 1994; year < 2032; year += 4) {
          const { google, engine } = await both(
            calendarId,
            `${year}-01-01T00:00:00Z`,
            `${year + 4}-01-01T00:00:00Z`,
          );
          expect(engine).toEqual(google);
          compared += google.length;
        }
      }
      expect(compared).toBeGreaterThan(5);
    } finally {
      await imported.close();
    }
  },
  120_000,
);
