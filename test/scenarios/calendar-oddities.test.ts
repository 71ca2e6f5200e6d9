import { syncCollection } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/* What calendars really hold and what Google really answers; each test is named after what others learned from it. */

let world: World;
let email: string;
afterEach(() => world.close());

async function begin(options: Parameters<typeof startWorld>[0] = {}): Promise<void> {
  world = await startWorld({
    seed: 71,
    accounts: 1,
    messagesPerAccount: 0,
    calendarsPerAccount: 1,
    eventsPerCalendar: 0,
    ...options,
  });
  email = (await world.control.accounts())[0]!.email;
}

const act = async (order: object): Promise<string> =>
  ((await world.control.actAs(email, { calendarId: email, ...order })) as { eventId: string })
    .eventId;
const create = (event: object, eventId?: string): Promise<string> =>
  act({ action: 'event-create', event, ...(eventId ? { eventId } : {}) });
const ids = async (): Promise<string[]> =>
  (
    (
      await world.database.pool.query(
        'SELECT id FROM syncline.calendar_events WHERE calendar_id = $1 ORDER BY id COLLATE "C"',
        [email],
      )
    ).rows as { id: string }[]
  ).map((row) => row.id);
const timed = (dateTime: string): object => ({ dateTime, timeZone: 'Europe/Berlin' });
const WEEKLY = {
  start: timed('2026-01-05T09:00:00+01:00'),
  end: timed('2026-01-05T10:00:00+01:00'),
  recurrence: ['RRULE:FREQ=WEEKLY;COUNT=20'],
};
const cursorOf = async (): Promise<Record<string, unknown>> =>
  (
    (
      await world.database.pool.query(
        "SELECT cursor FROM syncline.collections WHERE kind = 'calendar-events' AND external_id = $1",
        [email],
      )
    ).rows[0] as { cursor: Record<string, unknown> }
  ).cursor;
const bendCursor = (patch: object): Promise<unknown> =>
  world.database.pool.query(
    "UPDATE syncline.collections SET cursor = cursor || $2::jsonb WHERE kind = 'calendar-events' AND external_id = $1",
    [email, JSON.stringify(patch)],
  );

/** One page of the primary calendar's events. */
async function onePage(): Promise<void> {
  const found = await world.database.pool.query(
    "SELECT id FROM syncline.collections WHERE kind = 'calendar-events' AND external_id = $1",
    [email],
  );
  const deps = {
    store: world.store,
    google: world.google,
    policy: { activeMs: 60_000, idleMs: 900_000 },
  };
  await syncCollection(world.rt, deps, (found.rows[0] as { id: string }).id, {
    sliceMs: 0,
    signal: new AbortController().signal,
  });
}

async function expectCaughtUp(): Promise<void> {
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
}

test('deleting a series with its exceptions leaves no moved or cancelled ones', async () => {
  await begin();
  const series = await create(WEEKLY);
  const other = await create({
    start: timed('2026-02-01T09:00:00+01:00'),
    end: timed('2026-02-01T10:00:00+01:00'),
  });
  await act({ action: 'event-move-instance', eventId: series });
  await act({ action: 'event-cancel-instance', eventId: series });
  await expectCaughtUp();
  expect(await ids()).toHaveLength(4);
  await act({ action: 'event-delete', eventId: series });
  await expectCaughtUp();
  expect(await ids()).toEqual([other]);
});

test('"this and later" splits a series into two, and both are mirrored', async () => {
  await begin();
  const series = await create(WEEKLY);
  await expectCaughtUp();
  await act({
    action: 'event-update',
    eventId: series,
    event: { recurrence: ['RRULE:FREQ=WEEKLY;UNTIL=20260201T225959Z'] },
  });
  await create(
    {
      ...WEEKLY,
      start: timed('2026-02-02T11:00:00+01:00'),
      end: timed('2026-02-02T12:00:00+01:00'),
    },
    `${series}_r20260202t080000`.replace(/[^a-v0-9]/g, ''),
  );
  await expectCaughtUp();
  expect(await ids()).toHaveLength(2);
});

test('an event that moves to another organizer leaves only its id, and is deleted', async () => {
  await begin();
  const event = await create({ recurrence: [] });
  await expectCaughtUp();
  await act({ action: 'event-move-organizer', eventId: event });
  await expectCaughtUp();
  expect(await ids()).toEqual([]);
});

test('an exception whose series is not in the calendar is an event; a cancelled one is not', async () => {
  await begin();
  const original = {
    recurringEventId: 'elsewhere',
    originalStartTime: timed('2026-03-02T09:00:00+01:00'),
  };
  await create({
    ...original,
    start: timed('2026-03-02T15:00:00+01:00'),
    end: timed('2026-03-02T16:00:00+01:00'),
    recurrence: undefined,
  });
  await create({ ...original, status: 'cancelled', recurrence: undefined });
  await expectCaughtUp();
  expect(await ids()).toHaveLength(1);
});

test.each([
  ['year zero', { date: '0000-01-01' }, { date: '0000-01-02' }],
  [
    'beyond four digits',
    { dateTime: '+012026-01-01T00:00:00Z' },
    { dateTime: '+012026-01-01T01:00:00Z' },
  ],
  ['30 February', { date: '2026-02-30' }, { date: '2026-02-31' }],
  [
    'an end before the start',
    timed('2026-03-02T15:00:00+01:00'),
    timed('2025-03-02T15:00:00+01:00'),
  ],
  [
    'an unknown zone',
    { dateTime: '2026-01-01T10:00:00Z', timeZone: 'Customized Time Zone 1' },
    { dateTime: '2026-01-01T11:00:00Z', timeZone: 'Mars/Olympus' },
  ],
])('dates that no column holds do not stop a calendar: %s', async (_name, start, end) => {
  await begin();
  await create({
    start,
    end,
    recurrence: ['RRULE:FREQ=YEARLY;UNTIL=99991399T999999Z', 'RRULE:nonsense', 'EXDATE:soon'],
  });
  await create({
    start: { date: '2026-01-01' },
    end: { date: '2026-01-02' },
    recurrence: [],
    summary: 'a\u0000b',
  });
  await expectCaughtUp();
  expect(await ids()).toHaveLength(2);
});

test('events on several pages are stored, with the sync token on the last page only', async () => {
  await begin({ eventsPerCalendar: 5_100 });
  await onePageOfNewCalendar();
  expect(await cursorOf()).toMatchObject({
    phase: 'full',
    pageToken: expect.any(String),
    listed: 2_500,
  });
  await expectCaughtUp();
  expect((await ids()).length).toBeGreaterThanOrEqual(5_100);
}, 120_000);

test('short and empty pages with a token do not end a listing', async () => {
  await begin({ eventsPerCalendar: 60, calendarsPerAccount: 2, shortCalendarPages: true });
  await expectCaughtUp();
  for (let round = 0; round < 4; round++) {
    await world.control.act(40);
    await expectCaughtUp();
  }
});

test('a page token that expires in a full sync begins the full sync again, in an incremental listing the listing', async () => {
  await begin({ eventsPerCalendar: 80, shortCalendarPages: true });
  await onePageOfNewCalendar();
  await bendCursor({ pageToken: 'died' });
  await expectCaughtUp();
  const { syncToken } = await cursorOf();
  for (let i = 0; i < 60; i++) await act({ action: 'event-create' });
  for (let i = 0; i < 50 && ((await cursorOf())['pageToken'] ?? null) === null; i++)
    await onePage();
  expect(await cursorOf()).toMatchObject({
    phase: 'incremental',
    syncToken,
    pageToken: expect.any(String),
  });
  await bendCursor({ pageToken: 'died' });
  await expectCaughtUp();
  expect(
    (
      await world.database.pool.query(
        'SELECT failures, error FROM syncline.collections WHERE external_id = $1',
        [email],
      )
    ).rows,
  ).toEqual([{ failures: 0, error: null }]);
});

test.each(['garbage', 'CPDAlvWDx70CEPDAlvWDx70CGAU='])(
  'a sync token that Google cannot read (%s, 400) counts as expired: a new generation, nothing deleted',
  async (syncToken) => {
    await begin({ eventsPerCalendar: 30 });
    await expectCaughtUp();
    const before = await ids();
    const single = await create({ recurrence: [] });
    await act({ action: 'event-delete', eventId: single });
    await bendCursor({ syncToken });
    await expectCaughtUp();
    expect(await ids()).toEqual(before);
    const feed = await world.database.pool.query(
      "SELECT op FROM syncline.changes WHERE entity = 'event' AND op <> 'created'",
    );
    expect(feed.rows).toEqual([]);
  },
);

test('repeated items of a listing change nothing and make no events', async () => {
  await begin({ eventsPerCalendar: 30 });
  await expectCaughtUp();
  const { syncToken } = await cursorOf();
  await act({ action: 'event-update', event: { summary: 'Once' } });
  await expectCaughtUp();
  const news = async (): Promise<number> =>
    (await world.database.pool.query('SELECT 1 FROM syncline.changes')).rows.length;
  const before = await news();
  await bendCursor({ syncToken });
  await expectCaughtUp();
  expect(await news()).toBe(before);
});

/** The calendar list, then one page of the events that it opens. */
async function onePageOfNewCalendar(): Promise<void> {
  const deps = {
    store: world.store,
    google: world.google,
    policy: { activeMs: 60_000, idleMs: 900_000 },
  };
  const list = await world.database.pool.query(
    "SELECT id FROM syncline.collections WHERE kind = 'calendar-list'",
  );
  await syncCollection(world.rt, deps, (list.rows[0] as { id: string }).id, {
    sliceMs: 5_000,
    signal: new AbortController().signal,
  });
  for (let i = 0; i < 50 && (await cursorOf())['pageToken'] === undefined; i++) await onePage();
}

test.each([
  ['a sync position', { syncTokenAtMs: 0 }],
  [
    'a full sync that was left before its sweep',
    { phase: 'full', step: 'sweep', syncTokenAtMs: 0 },
  ],
])(
  '%s that is weeks old is not used: Google no longer names what was deleted',
  async (_what, waited) => {
    await begin({ tombstoneRetentionMs: 1, syncTokenRetentionMs: 365 * 86_400_000 });
    const gone = await create({
      start: timed('2026-02-01T09:00:00+01:00'),
      end: timed('2026-02-01T10:00:00+01:00'),
    });
    await create({
      start: timed('2026-02-02T09:00:00+01:00'),
      end: timed('2026-02-02T10:00:00+01:00'),
    });
    await expectCaughtUp();
    await act({ action: 'event-delete', eventId: gone });
    world.simulator.clock.advance(60_000);
    await bendCursor(waited);
    await expectCaughtUp();
    expect(await ids()).toHaveLength(1);
  },
);
