import type { CalendarEvent, Google } from '@syncline/google';
import { expandInstances } from '@syncline/recurrence';
import { syncCollection } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/*
 * What may come in any order, page by page, each page committed by a run of its own: exceptions
 * before their series, what is left of a series after its tombstone, and sync positions that end in
 * the middle of a listing. One world; where Google's order is what matters, its pages are written
 * out here.
 */

const DAY_MS = 86_400_000;
let world: World;
let email: string;
beforeAll(async () => {
  world = await startWorld({
    seed: 74,
    accounts: 1,
    messagesPerAccount: 6,
    calendarsPerAccount: 1,
    eventsPerCalendar: 8,
    largestPage: 2,
  });
  email = (await world.control.accounts())[0]!.email;
  await world.catchUp();
});
afterAll(() => world.close());

interface Row {
  id: string;
  cursor: Record<string, unknown>;
  generation: number;
}
const collection = async (kind: string): Promise<Row> =>
  (
    await world.database.pool.query<Row>(
      'SELECT id, cursor, generation FROM syncline.collections WHERE kind = $1 AND (kind <> $2 OR external_id = $3)',
      [kind, 'calendar-events', email],
    )
  ).rows[0]!;
const act = async (order: object): Promise<string> =>
  ((await world.control.actAs(email, { calendarId: email, ...order })) as { eventId: string })
    .eventId;
const at = (dateTime: string): CalendarEvent['start'] => ({ dateTime, timeZone: 'Europe/Berlin' });
const SERIES: CalendarEvent = {
  id: 'series',
  status: 'confirmed',
  start: at('2026-01-05T09:00:00+01:00'),
  end: at('2026-01-05T10:00:00+01:00'),
  recurrence: ['RRULE:FREQ=DAILY;COUNT=3'],
};
const MOVED: CalendarEvent = {
  id: 'series_20260106T080000Z',
  status: 'confirmed',
  recurringEventId: 'series',
  originalStartTime: at('2026-01-06T09:00:00+01:00'),
  start: at('2026-01-06T15:00:00+01:00'),
  end: at('2026-01-06T16:00:00+01:00'),
};
const CANCELLED: CalendarEvent = {
  id: 'series_20260107T080000Z',
  status: 'cancelled',
  recurringEventId: 'series',
  originalStartTime: at('2026-01-07T09:00:00+01:00'),
};

/** One page a run. */
async function onePage(
  kind: string,
  google: Google = world.google,
): Promise<Record<string, unknown>> {
  await syncCollection(
    world.rt,
    { store: world.store, google, policy: { activeMs: 60_000, idleMs: 900_000 } },
    (await collection(kind)).id,
    { sliceMs: 0, signal: new AbortController().signal },
  );
  return (await collection(kind)).cursor;
}

/** Google, whose answers to `events.list` are these pages, whatever is asked. */
function answering(pages: CalendarEvent[][]): Google {
  let pagesGiven = 0;
  return {
    ...world.google,
    account: (accountId, call) => {
      const account = world.google.account(accountId, call);
      const events = (): Promise<{
        items: CalendarEvent[];
        nameless: number;
        nextPageToken: string | null;
        nextSyncToken: string | null;
      }> => {
        const items = pages[pagesGiven++] ?? [];
        return Promise.resolve({
          items,
          ...(pagesGiven < pages.length
            ? { nameless: 0, nextPageToken: `page ${pagesGiven}`, nextSyncToken: null }
            : { nameless: 0, nextPageToken: null, nextSyncToken: `sync position ${pagesGiven}` }),
        });
      };
      return { ...account, calendar: { ...account.calendar, events } };
    },
  };
}

async function runPages(pages: CalendarEvent[][]): Promise<void> {
  const google = answering(pages);
  for (let page = 0; page < pages.length; page++) await onePage('calendar-events', google);
}

const ids = async (): Promise<string[]> =>
  (
    await world.database.pool.query<{ id: string }>(
      'SELECT id FROM syncline.calendar_events WHERE calendar_id = $1 AND id LIKE \'series%\' ORDER BY id COLLATE "C"',
      [email],
    )
  ).rows.map((row) => row.id);

async function instances(): Promise<string[]> {
  const { id } = (await world.store.accounts.list())[0]!;
  const sources = (await world.store.mirror.instanceSources(id, email, {
    timeMinMs: Date.UTC(2026, 0, 1),
    timeMaxMs: Date.UTC(2026, 0, 31),
  }))!;
  const events = (sources.events as CalendarEvent[]).filter((event) =>
    event.id?.startsWith('series'),
  );
  return expandInstances(events, {
    timeMinMs: Date.UTC(2026, 0, 1),
    timeMaxMs: Date.UTC(2026, 0, 31),
    defaultZone: 'UTC',
  }).items.map((event) => event.start?.dateTime ?? '');
}

test('moved and cancelled exceptions that are listed pages before their series are joined to it', async () => {
  await runPages([[CANCELLED, MOVED], [SERIES]]);
  expect(await ids()).toEqual(['series', MOVED.id, CANCELLED.id]);
  expect(await instances()).toEqual(['2026-01-05T09:00:00+01:00', '2026-01-06T15:00:00+01:00']);
});

test('cancelled exceptions listed after the tombstone of their series leave nothing, on the same page or later', async () => {
  await runPages([
    [{ id: 'series', status: 'cancelled' }, CANCELLED],
    [],
    [{ ...MOVED, status: 'cancelled' }],
  ]);
  expect(await ids()).toEqual([]);
  expect((await collection('calendar-events')).cursor).toEqual({
    phase: 'incremental',
    syncToken: 'sync position 3',
    syncTokenAtMs: expect.any(Number),
    pageToken: null,
  });
  // A series of that name in a later listing is another matter.
  await runPages([[CANCELLED], [SERIES]]);
  expect(await ids()).toEqual(['series', CANCELLED.id]);
});

test('a sync token that expires during a listing (410) begins a full sync, which deletes only what is gone', async () => {
  await world.database.pool.query(
    "UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{syncToken}', '\"garbage\"') WHERE kind = 'calendar-events'",
  );
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const { generation } = await collection('calendar-events');
  for (let i = 0; i < 5; i++) await act({ action: 'event-create' });
  expect(await onePage('calendar-events')).toMatchObject({
    phase: 'incremental',
    pageToken: expect.any(String),
  });
  await world.control.fault({ kind: 'invalid-sync-token', email });
  await onePage('calendar-events');
  expect(await collection('calendar-events')).toMatchObject({
    generation: generation + 1,
    cursor: { phase: 'full' },
  });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a page token that expires during a listing of history begins it again from the same sync position', async () => {
  for (let i = 0; i < 6; i++) await world.control.actAs(email, { action: 'deliver' });
  const before = await collection('gmail');
  expect(await onePage('gmail')).toMatchObject({
    phase: 'incremental',
    after: before.cursor['after'],
    listing: { pageToken: expect.any(String) },
  });
  await world.control.fault({ kind: '400-page-token', email, method: 'history.list', count: 1 });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await collection('gmail')).toMatchObject({ generation: before.generation });
  expect(
    (await world.database.pool.query('SELECT 1 FROM syncline.collections WHERE failures > 0')).rows,
  ).toEqual([]);
});

test('a page token and its sync token that expire together begin a full sync in the same run', async () => {
  for (let i = 0; i < 6; i++) await world.control.actAs(email, { action: 'deliver' });
  await onePage('gmail');
  const { generation } = await collection('gmail');
  await world.control.fault({ kind: '400-page-token', email, method: 'history.list', count: 1 });
  await world.control.fault({ kind: 'expire-history', email });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await collection('gmail')).toMatchObject({ generation: generation + 1 });
  expect(
    (await world.database.pool.query('SELECT 1 FROM syncline.collections WHERE failures > 0')).rows,
  ).toEqual([]);
});

test('deletions without a tombstone are found by a full sync, since the sync token is too old', async () => {
  const event = (
    await world.database.pool.query<{ id: string }>(
      'SELECT id FROM syncline.calendar_events WHERE calendar_id = $1 AND recurring_event_id IS NULL ORDER BY id LIMIT 1',
      [email],
    )
  ).rows[0]!.id;
  await act({ action: 'event-delete', eventId: event });
  const { generation } = await collection('calendar-events');
  const moved = await fetch(`${world.simulator.url}/sim/clock`, {
    method: 'POST',
    body: JSON.stringify({ advanceMs: 31 * DAY_MS }),
  });
  expect(moved.ok).toBe(true);
  await world.catchUp();
  expect(
    (
      await world.database.pool.query('SELECT 1 FROM syncline.calendar_events WHERE id = $1', [
        event,
      ])
    ).rows,
  ).toEqual([]);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect((await collection('calendar-events')).generation).toBe(generation + 1);
});
