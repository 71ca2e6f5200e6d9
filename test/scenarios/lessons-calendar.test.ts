import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/* What went wrong with calendars elsewhere (docs/explanation/lessons.md), each as a test in its name. Two accounts that see one calendar serve for all. */

let world: World;
let email: string;
beforeAll(async () => {
  world = await startWorld({
    seed: 142,
    accounts: 2,
    messagesPerAccount: 2,
    calendarsPerAccount: 3,
    eventsPerCalendar: 30,
  });
  email = (await world.control.accounts())[0]!.email;
  await world.catchUp();
});
afterAll(() => world.close());

interface EventRow {
  account_id: string;
  calendar_id: string;
  id: string;
  place: string;
}
const query = async <Row extends object>(sql: string): Promise<Row[]> =>
  (await world.database.pool.query(sql)).rows as Row[];
const eventRows = (): Promise<EventRow[]> =>
  query<EventRow>(
    'SELECT account_id, calendar_id, id, ctid::text AS place FROM syncline.calendar_events ORDER BY 1, 2, 3',
  );
const generations = (): Promise<
  { email: string; kind: string; id: string; generation: number }[]
> =>
  query(
    'SELECT a.email, c.kind, c.external_id AS id, c.generation FROM syncline.collections c JOIN syncline.accounts a ON a.id = account_id ORDER BY a.email, c.kind, c.external_id',
  );
const calls = async (): Promise<number> =>
  (await world.control.ledger()).methods['events.list']?.calls ?? 0;
const events = (): Promise<number> =>
  query<{ n: number }>(
    "SELECT count(*)::int AS n FROM syncline.changes WHERE entity = 'event'",
  ).then(([row]) => row!.n);
const act = (action: object): Promise<{ calendarId: string; eventId: string }> =>
  world.control.actAs(email, action) as Promise<{ calendarId: string; eventId: string }>;

async function caughtUp(): Promise<void> {
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
}

test('every calendar of an account is mirrored, not only the primary', async () => {
  const mirrored = await query<{ email: string; calendars: number; filled: number }>(
    'SELECT a.email, count(DISTINCT c.id)::int AS calendars, count(DISTINCT e.calendar_id)::int AS filled FROM syncline.accounts a JOIN syncline.calendars c ON c.account_id = a.id LEFT JOIN syncline.calendar_events e ON (e.account_id, e.calendar_id) = (c.account_id, c.id) GROUP BY 1 ORDER BY 1',
  );
  const shelves = world.simulator.world.all().map((account) => ({
    email: account.email,
    calendars: account.shelf.current().length,
    filled: account.shelf
      .current()
      .filter(({ calendar }) => calendar.all().some((event) => !event.deleted)).length,
  }));
  expect(mirrored).toEqual(shelves);
  expect(shelves[0]!.filled).toBeGreaterThan(1);
});

test('a calendar of two accounts is mirrored in each, with a token of its own', async () => {
  const shared = await query<{ id: string; accounts: number; tokens: number }>(
    "SELECT external_id AS id, count(*)::int AS accounts, count(DISTINCT cursor->>'syncToken')::int AS tokens FROM syncline.collections WHERE kind = 'calendar-events' GROUP BY 1 HAVING count(*) > 1",
  );
  expect(shared).toEqual([{ id: expect.stringContaining('holiday'), accounts: 2, tokens: 2 }]);
  // Tokens of the first account die, and with them every token of the shared calendar: nothing else
  // is synced in full again.
  const before = await generations();
  await world.control.fault({ kind: 'invalid-sync-token', email });
  await caughtUp();
  const synced = (await generations()).filter(
    (row, index) => row.generation !== before[index]?.generation,
  );
  expect(synced.filter((row) => row.email !== email).map(({ id }) => id)).toEqual([shared[0]!.id]);
  expect(synced.length).toBe(
    before.filter((row) => row.email === email && row.kind !== 'gmail').length + 1,
  );
});

test('one changed event costs one request per calendar and rewrites one row only', async () => {
  const { calendarId, eventId } = await act({
    action: 'event-create',
    event: { summary: 'stays alone' },
  });
  await caughtUp();
  const [before, called, eventCount] = [await eventRows(), await calls(), await events()];
  await act({
    action: 'event-update',
    calendarId,
    eventId,
    event: {
      summary: 'changed',
      description: 'a field without a column',
      location: 'Room 5',
      extendedProperties: { private: { key: 'value' } },
      hangoutLink: 'https://meet.example/abc',
    },
  });
  await caughtUp();
  const after = await eventRows();
  const moved = after.filter((row, index) => row.place !== before[index]?.place);
  expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  expect(moved.map(({ id }) => id)).toEqual([eventId]);
  expect((await events()) - eventCount).toBe(1);
  expect((await calls()) - called).toBe(
    (await generations()).filter(({ kind }) => kind === 'calendar-events').length,
  );
});

test('fields that have no column are kept and updated', async () => {
  const { calendarId, eventId } = await act({
    action: 'event-create',
    event: {
      summary: 'call',
      hangoutLink: 'https://meet.example/one',
      attendees: [{ email: 'guest@example.com', responseStatus: 'needsAction' }],
    },
  });
  await caughtUp();
  await act({
    action: 'event-update',
    calendarId,
    eventId,
    event: {
      hangoutLink: 'https://meet.example/two',
      attendees: [{ email: 'guest@example.com', responseStatus: 'accepted' }],
    },
  });
  await caughtUp();
  const [row] = await query<{ resource: object }>(
    `SELECT resource FROM syncline.calendar_events WHERE id = '${eventId}'`,
  );
  expect(row?.resource).toMatchObject({
    hangoutLink: 'https://meet.example/two',
    attendees: [{ responseStatus: 'accepted' }],
  });
});

test("an all-day event is on its calendar's day, whatever the time zone of calendar, server and reader", async () => {
  const { eventId } = await act({
    action: 'event-create',
    event: { summary: 'all day', start: { date: '2026-03-29' }, end: { date: '2026-03-30' } },
  });
  await caughtUp();
  const reader = await world.database.pool.connect();
  await reader.query("SET TIME ZONE 'Pacific/Kiritimati'");
  const days = await reader.query<{
    id: string;
    first: string;
    end: string;
    said: { date?: string };
    ends: { date?: string };
  }>(
    "SELECT id, start_date::text AS first, end_date::text AS end, resource->'start' AS said, resource->'end' AS ends FROM syncline.calendar_events WHERE start_date IS NOT NULL",
  );
  reader.release(true);
  expect(
    days.rows.filter(({ first, end, said, ends }) => first !== said.date || end !== ends.date),
  ).toEqual([]);
  expect(days.rows.find(({ id }) => id === eventId)).toMatchObject({
    first: '2026-03-29',
    end: '2026-03-30',
  });
});

test('a timed event keeps its time zone, not only its instant', async () => {
  const start = { dateTime: '2026-03-28T09:30:00+01:00', timeZone: 'Europe/Amsterdam' };
  const { eventId } = await act({
    action: 'event-create',
    event: {
      summary: 'series',
      start,
      end: { ...start, dateTime: '2026-03-28T10:00:00+01:00' },
      recurrence: ['RRULE:FREQ=DAILY;COUNT=3'],
    },
  });
  await caughtUp();
  const [row] = await query<{ start_at: Date; start_zone: string; resource: object }>(
    `SELECT start_at, start_zone, resource FROM syncline.calendar_events WHERE id = '${eventId}'`,
  );
  expect(row).toMatchObject({
    start_at: new Date('2026-03-28T08:30:00Z'),
    start_zone: 'Europe/Amsterdam',
    resource: { recurrence: ['RRULE:FREQ=DAILY;COUNT=3'] },
  });
});

test('events deleted while the token was expired are deleted by the full sync without a tombstone', async () => {
  const { calendarId, eventId } = await act({
    action: 'event-create',
    event: { summary: 'short-lived' },
  });
  await caughtUp();
  await act({ action: 'event-delete', calendarId, eventId });
  await world.control.fault({ kind: 'invalid-sync-token', email });
  const eventCount = await events();
  await caughtUp();
  expect(await query(`SELECT 1 FROM syncline.calendar_events WHERE id = '${eventId}'`)).toEqual([]);
  expect((await events()) - eventCount).toBe(1);
});
