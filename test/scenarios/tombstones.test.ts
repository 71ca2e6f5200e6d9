import type { CalendarEvent, Google } from '@syncline/google';
import { expandInstances } from '@syncline/recurrence';
import { syncCollection, verifyAccount } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/*
 * What a cancelled item deletes. Google's pages are written out here, since their order is what
 * matters; each page is committed by a run of its own, and every case is read by an incremental
 * sync and by a full one, which must give the same rows.
 */

let world: World;
let email: string;
beforeAll(async () => {
  world = await startWorld({
    seed: 111,
    accounts: 1,
    messagesPerAccount: 0,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
  });
  email = (await world.control.accounts())[0]!.email;
  await world.catchUp();
});
afterAll(() => world.close());

const at = (dateTime: string): CalendarEvent['start'] => ({ dateTime, timeZone: 'Europe/Berlin' });
const SERIES: CalendarEvent = {
  id: 'aaaa1',
  status: 'confirmed',
  start: at('2027-01-04T10:00:00+01:00'),
  end: at('2027-01-04T11:00:00+01:00'),
  recurrence: ['RRULE:FREQ=DAILY;COUNT=7'],
};
const SERIES_GONE: CalendarEvent = { id: 'aaaa1', status: 'cancelled' };
const MOVED: CalendarEvent = {
  id: 'aaaa1_20270108T090000Z',
  status: 'confirmed',
  recurringEventId: 'aaaa1',
  originalStartTime: at('2027-01-08T10:00:00+01:00'),
  start: at('2027-01-08T15:00:00+01:00'),
  end: at('2027-01-08T16:00:00+01:00'),
};
const CANCELLED: CalendarEvent = {
  id: 'aaaa1_20270109T090000Z',
  status: 'cancelled',
  recurringEventId: 'aaaa1',
  originalStartTime: at('2027-01-09T10:00:00+01:00'),
};

/**
 * Google, whose answers to `events.list` are these pages; `full` says that the sync token is no
 * longer taken.
 */
function answering(pages: CalendarEvent[][]): Google {
  let pagesGiven = 0;
  return {
    ...world.google,
    account: (accountId, call) => {
      const account = world.google.account(accountId, call);
      const events = (): ReturnType<typeof account.calendar.events> => {
        const items = pages[pagesGiven++] ?? [];
        return Promise.resolve({
          items,
          ...(pagesGiven < pages.length
            ? { nameless: 0, nextPageToken: `page ${pagesGiven}`, nextSyncToken: null }
            : { nameless: 0, nextPageToken: null, nextSyncToken: `token ${pagesGiven}` }),
        });
      };
      return { ...account, calendar: { ...account.calendar, events } };
    },
  };
}

async function collectionId(): Promise<string> {
  const found = await world.database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE kind = 'calendar-events' AND external_id = $1",
    [email],
  );
  return found.rows[0]!.id;
}

/** One listing, page by page. */
async function listing(pages: CalendarEvent[][], mode: 'incremental' | 'full'): Promise<void> {
  const google = answering(pages);
  const id = await collectionId();
  if (mode === 'full')
    await world.database.pool.query(
      `UPDATE syncline.collections SET phase = 'pending', cursor = '{"phase":"pending"}' WHERE id = $1`,
      [id],
    );
  const run = (): Promise<unknown> =>
    syncCollection(
      world.rt,
      { store: world.store, google, policy: { activeMs: 60_000, idleMs: 900_000 } },
      id,
      { sliceMs: 0, signal: new AbortController().signal },
    );
  for (let page = 0; page < pages.length; page++) await run();
  if (mode === 'full') for (let tidying = 0; tidying < 3; tidying++) await run();
}

/** An empty calendar that follows. */
async function begin(): Promise<void> {
  await world.database.pool.query('DELETE FROM syncline.calendar_events');
  await world.database.pool.query('DELETE FROM syncline.cancelled_occurrences');
  await world.database.pool.query(
    `UPDATE syncline.collections SET phase = 'incremental', cursor = '{"phase":"incremental","syncToken":"token 0","pageToken":null}', next_sync_at = now() + interval '1 hour'
      WHERE kind = 'calendar-events'`,
  );
}

const rows = async (): Promise<string[]> =>
  (
    await world.database.pool.query<{ row: string }>(
      'SELECT id || \' \' || status AS row FROM syncline.calendar_events ORDER BY id COLLATE "C"',
    )
  ).rows.map(({ row }) => row);
const row = ({ id, status }: CalendarEvent): string => `${id} ${status}`;

async function instances(): Promise<(string | null | undefined)[]> {
  const { id } = (await world.store.accounts.list())[0]!;
  const range = { timeMinMs: Date.UTC(2027, 0, 8), timeMaxMs: Date.UTC(2027, 0, 10) };
  const sources = (await world.store.mirror.instanceSources(id, email, range))!;
  const { items } = expandInstances(sources.events as CalendarEvent[], {
    ...range,
    defaultZone: 'UTC',
  });
  return items.map((event) => event.start?.dateTime);
}

const BOTH = [
  ['an incremental sync', 'incremental'],
  ['a full sync', 'full'],
] as const;

describe.each(BOTH)('in %s', (_, mode) => {
  beforeEach(begin);

  test.each([
    ['its tombstone first', [[SERIES_GONE, MOVED]]],
    ['its tombstone last', [[MOVED, SERIES_GONE]]],
    ['its tombstone a page earlier', [[SERIES_GONE], [MOVED]]],
    ['its tombstone a page later', [[MOVED], [SERIES_GONE]]],
  ])('keeps confirmed exceptions when the series is cancelled, %s', async (_order, pages) => {
    await listing([[SERIES, MOVED, CANCELLED]], 'incremental');
    await listing(pages, mode);
    expect(await rows()).toEqual([row(MOVED)]);
    expect(await instances()).toEqual(['2027-01-08T15:00:00+01:00']);
  });

  test.each([
    ['in one page', [[CANCELLED, SERIES]]],
    ['pages later', [[CANCELLED], [], [SERIES]]],
  ])('shows a cancelled occurrence whose series is listed %s', async (_order, pages) => {
    await listing(pages, mode);
    expect(await rows()).toEqual([row(SERIES), row(CANCELLED)]);
  });

  test('a cancelled occurrence without its series is a deleted event', async () => {
    await listing(
      [[{ ...CANCELLED, status: 'confirmed', start: MOVED.start!, end: MOVED.end! }]],
      mode,
    );
    expect(await rows()).toHaveLength(1);
    await listing([[CANCELLED]], mode);
    expect(await rows()).toEqual([]);
  });

  test('a cancelled occurrence is shown when its series is in a later listing', async () => {
    await listing([[CANCELLED]], mode);
    expect(await rows()).toEqual([]);
    await listing([[SERIES]], 'incremental');
    expect(await rows()).toEqual([row(SERIES), row(CANCELLED)]);
    expect(await instances()).toEqual(['2027-01-08T10:00:00+01:00']);
  });
});

test.each([
  ['with its occurrence', [[SERIES_GONE], [SERIES, CANCELLED]]],
  ['before its occurrence', [[SERIES_GONE], [SERIES], [CANCELLED]]],
  ['after its occurrence', [[SERIES_GONE], [CANCELLED], [SERIES]]],
  ['after both', [[SERIES_GONE, CANCELLED], [], [SERIES]]],
  ['alone', [[SERIES_GONE], [SERIES]]],
])(
  'a series that is deleted and restored within one listing, named again %s, keeps its cancelled occurrences',
  async (_order, pages) => {
    await begin();
    await listing([[SERIES, CANCELLED]], 'incremental');
    await listing(pages, 'incremental');
    expect(await rows()).toEqual([row(SERIES), row(CANCELLED)]);
    expect(await instances()).toEqual(['2027-01-08T10:00:00+01:00']);
  },
);

test.each([
  ['on the same page', [[SERIES_GONE, CANCELLED], []]],
  ['a page earlier', [[CANCELLED], [SERIES_GONE]]],
  ['a page later', [[SERIES_GONE], [CANCELLED]]],
  ['pages later', [[SERIES_GONE], [CANCELLED], []]],
  ['not at all', [[SERIES_GONE], [], []]],
])(
  'a deleted series deletes its cancelled occurrence permanently, named %s',
  async (_order, pages) => {
    await begin();
    await listing([[SERIES, CANCELLED]], 'incremental');
    await listing(pages, 'incremental');
    expect(await rows()).toEqual([]);
    await listing([[SERIES]], 'incremental');
    expect(await rows()).toEqual([row(SERIES)]);
  },
);

test('keeps a stored confirmed exception when only the tombstone of its series is listed', async () => {
  await begin();
  await listing([[SERIES, MOVED, CANCELLED]], 'incremental');
  await listing([[SERIES_GONE]], 'incremental');
  expect(await rows()).toEqual([row(MOVED)]);
});

test('a full sync without the series keeps its listed occurrences and deletes the others', async () => {
  await begin();
  await listing([[SERIES, MOVED, CANCELLED]], 'incremental');
  await listing([[MOVED, CANCELLED]], 'full');
  expect(await rows()).toEqual([row(MOVED)]);
  await listing([[MOVED]], 'full');
  await listing([[SERIES]], 'incremental');
  expect(await rows()).toEqual([row(SERIES), row(MOVED)]);
});

test('the feed has one event for each change of a row', async () => {
  await begin();
  const { id } = (await world.store.accounts.list())[0]!;
  const changes = async (): Promise<string[]> =>
    (await rowChanges(world.store, id, 0n, 10_000))
      .filter((event) => event.id.startsWith('aaaa1'))
      .map((event) => `${event.op} ${event.id}`);
  const before = (await changes()).length;
  await listing([[CANCELLED], [SERIES, MOVED]], 'incremental');
  await listing([[{ ...MOVED, status: 'cancelled' }, SERIES_GONE]], 'incremental');
  expect((await changes()).slice(before)).toEqual([
    'created aaaa1',
    `created ${MOVED.id}`,
    `created ${CANCELLED.id}`,
    'deleted aaaa1',
    `deleted ${MOVED.id}`,
    `deleted ${CANCELLED.id}`,
  ]);
});

test('the mirror equals Google for series a guest has left and occurrences without a series, by verify', async () => {
  await begin();
  await world.database.pool.query(
    `UPDATE syncline.collections SET phase = 'pending', cursor = '{"phase":"pending"}' WHERE kind = 'calendar-events'`,
  );
  const act = async (action: string, eventId: string, event: object = {}): Promise<string> =>
    (
      (await world.control.actAs(email, { action, calendarId: email, eventId, event })) as {
        eventId: string;
      }
    ).eventId;
  const [kept, left] = ['keptseries', 'leftseries'];
  for (const id of [kept, left])
    await act('event-create', id, { recurrence: ['RRULE:FREQ=DAILY;COUNT=20'] });
  for (const id of [kept, left]) await act('event-cancel-instance', id);
  await act('event-cancel-orphan', 'latecomer');
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  await act('event-leave-series', left);
  await act('event-create', 'latecomer', { recurrence: ['RRULE:FREQ=DAILY;COUNT=20'] });
  await act('event-cancel-orphan', 'nobodys');
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const { id } = (await world.store.accounts.list())[0]!;
  expect(await verifyAccount(world.rt, world, id, 'calendar')).toMatchObject(NO_DRIFT);
  await act('event-delete', kept);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
