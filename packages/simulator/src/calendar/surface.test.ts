import { Client, type Json } from '../../test-support/client.js';
import type { ActionName, ActionOrder } from '../control/act.js';
import { startSimulator, type Simulator } from '../simulator.js';

let simulator: Simulator;
let client: Client;
let email: string;

beforeEach(async () => {
  simulator = await startSimulator({
    accounts: 2,
    messagesPerAccount: 0,
    calendarsPerAccount: 3,
    eventsPerCalendar: 40,
    nowMs: Date.UTC(2026, 5, 1, 12),
  });
  email = simulator.accounts()[0]!.email;
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
});
afterEach(() => simulator.close());

interface Listing {
  items: Json[];
  syncToken: string;
  pages: number;
}

/**
 * Lists like a correct client: the same parameters and the same sync token with each page token,
 * and the new sync token from the last page.
 */
async function listAll(
  path: string,
  parameters: Record<string, string> = {},
  from = client,
): Promise<Listing> {
  const items: Json[] = [];
  for (let pages = 1, pageToken = ''; ; pages++) {
    const query = new URLSearchParams({
      ...parameters,
      ...(pageToken === '' ? {} : { pageToken }),
    });
    const { json, status } = await from.get(`${path}?${query}`);
    expect(status).toBe(200);
    items.push(...json.items);
    expect('nextPageToken' in json).not.toBe('nextSyncToken' in json);
    if (json.nextPageToken === undefined) return { items, syncToken: json.nextSyncToken, pages };
    pageToken = json.nextPageToken;
  }
}

const eventsOf = (calendarId: string): string =>
  `/calendar/v3/calendars/${encodeURIComponent(calendarId)}/events`;
const truth = (calendarId: string): unknown[] =>
  simulator
    .calendarTruth(email)
    .filter((one) => one.calendarId === calendarId)
    .map((one) => one.event);
const byId = (a: Json, b: Json): number => (a.id < b.id ? -1 : 1);

describe('calendarList', () => {
  const LIST = '/calendar/v3/users/me/calendarList';

  test('lists own and subscribed calendars with role, summary and time zone', async () => {
    const { items } = await listAll(LIST, { maxResults: '2' });
    expect(items.map((entry) => [entry.primary ?? false, entry.accessRole])).toEqual([
      [true, 'owner'],
      [false, 'owner'],
      [false, 'owner'],
      [false, 'reader'],
    ]);
    expect(items.map((entry) => entry.id)).toEqual([
      email,
      expect.stringMatching(/^c_[0-9a-f]{64}@group\.calendar\.google\.com$/),
      expect.anything(),
      'en.usa#holiday@group.v.calendar.google.com',
    ]);
    for (const entry of items)
      expect([typeof entry.summary, typeof entry.timeZone, entry.etag]).toEqual([
        'string',
        'string',
        expect.stringMatching(/^".+"$/),
      ]);
  });

  test('an incremental list has the changes, including deleted entries', async () => {
    const { syncToken } = await listAll(LIST);
    expect((await listAll(LIST, { syncToken })).items).toEqual([]);
    const { calendarId } = simulator.act(email, { action: 'calendar-create', name: 'New' });
    const gone = simulator.act(email, { action: 'calendar-delete', calendarId: calendarId! });
    const other = simulator.act(email, { action: 'calendar-create' });
    const delta = await listAll(LIST, { syncToken });
    expect(delta.items.map((entry) => [entry.id, entry.deleted])).toEqual([
      [gone.calendarId, true],
      [other.calendarId, undefined],
    ]);
    expect((await client.get(eventsOf(gone.calendarId!))).status).toBe(404);
  });

  test('refuses parameters that a sync token forbids', async () => {
    const { syncToken } = await listAll(LIST);
    for (const extra of ['minAccessRole=owner', 'showDeleted=false', 'showHidden=false'])
      expect(
        (await client.get(`${LIST}?syncToken=${encodeURIComponent(syncToken)}&${extra}`)).status,
      ).toBe(400);
    expect((await client.get(`${LIST}?syncToken=garbage`)).status).toBe(400);
  });
});

describe('events.list', () => {
  test('a full list by pages has every event once, including cancelled occurrences; primary is an alias', async () => {
    const { items, pages } = await listAll(eventsOf('primary'), { maxResults: '7' });
    expect(pages).toBeGreaterThan(5);
    expect(items.sort(byId)).toEqual(truth(email));
    const cancelled = items.filter((event) => event.status === 'cancelled');
    expect(cancelled.length).toBeGreaterThan(0);
    for (const event of cancelled)
      expect(Object.keys(event)).toEqual([
        'kind',
        'etag',
        'id',
        'status',
        'recurringEventId',
        'originalStartTime',
      ]);
  });

  test('a page may be requested with its token alone', async () => {
    const first = (await client.get(`${eventsOf(email)}?maxResults=7&showDeleted=true`)).json;
    const second = (
      await client.get(`${eventsOf(email)}?pageToken=${encodeURIComponent(first.nextPageToken)}`)
    ).json;
    expect(second.items).toHaveLength(7);
    expect(second.items[0].id).not.toBe(first.items[0].id);
  });

  test('a full list and its incremental lists equal the calendar after any changes', async () => {
    const mirror = new Map<string, Json>();
    const apply = (events: Json[]): void => {
      for (const event of events) {
        if (event.status === 'cancelled' && event.recurringEventId === undefined)
          mirror.delete(event.id);
        else mirror.set(event.id, event);
      }
    };
    let { items, syncToken } = await listAll(eventsOf(email), { maxResults: '9' });
    apply(items);
    for (let round = 0; round < 12; round++) {
      for (const action of [
        'event-create',
        'event-update',
        'event-delete',
        'event-cancel-instance',
        'event-move-instance',
      ] as const)
        simulator.act(email, { action, calendarId: email });
      ({ items, syncToken } = await listAll(eventsOf(email), { maxResults: '3', syncToken }));
      apply(items);
      const rows = [...mirror.values()]
        .filter(
          (event) => event.recurringEventId === undefined || mirror.has(event.recurringEventId),
        )
        .sort(byId);
      expect(rows).toEqual(truth(email));
    }
  });

  test('deleted events are bare in an incremental list, whole with showDeleted, absent from a full list', async () => {
    const { syncToken } = await listAll(eventsOf(email));
    const { eventId } = simulator.act(email, {
      action: 'event-create',
      calendarId: email,
      event: { recurrence: [] },
    });
    simulator.act(email, { action: 'event-delete', calendarId: email, eventId: eventId! });
    const { items } = await listAll(eventsOf(email), { syncToken });
    expect(items).toEqual([
      { kind: 'calendar#event', etag: expect.anything(), id: eventId, status: 'cancelled' },
    ]);
    const [whole] = (await listAll(eventsOf(email), { syncToken, showDeleted: 'true' })).items;
    expect([whole.status, typeof whole.summary]).toEqual(['cancelled', 'string']);
    expect((await listAll(eventsOf(email))).items.some((event) => event.id === eventId)).toBe(
      false,
    );
    expect((await client.get(`${eventsOf(email)}/${eventId}`)).json.status).toBe('cancelled');
  });

  const SERIES = { recurrence: ['RRULE:FREQ=DAILY;COUNT=5'] };
  const act = (action: ActionName, order: Partial<ActionOrder> = {}): string =>
    simulator.act(email, { action, calendarId: email, ...order }).eventId!;
  const living = (): string[] => truth(email).map((event) => (event as Json).id);
  const changedSince = async (syncToken: string): Promise<Map<string, Json>> =>
    new Map(
      (await listAll(eventsOf(email), { syncToken })).items.map((event): [string, Json] => [
        event.id,
        event,
      ]),
    );

  test('deleting a series deletes its exceptions; an incremental list names the series and its changed occurrences', async () => {
    const eventId = act('event-create', { event: SERIES });
    const cancelled = act('event-cancel-instance', { eventId });
    const moved = act('event-move-instance', { eventId });
    const { syncToken } = await listAll(eventsOf(email));
    act('event-delete', { eventId });
    const changed = await changedSince(syncToken);
    expect([...changed.keys()].sort()).toEqual([eventId, moved].sort());
    expect(changed.get(moved)).toMatchObject({ status: 'cancelled', recurringEventId: eventId });
    const listed = (await listAll(eventsOf(email))).items.map((event) => event.id);
    for (const id of [eventId, moved, cancelled]) expect(listed).not.toContain(id);
  });

  test('a guest who leaves a series keeps its changed occurrences', async () => {
    const eventId = act('event-create', { event: SERIES });
    const cancelled = act('event-cancel-instance', { eventId });
    const moved = act('event-move-instance', { eventId });
    const { syncToken } = await listAll(eventsOf(email));
    act('event-leave-series', { eventId });
    const changed = await changedSince(syncToken);
    expect([changed.get(eventId)!.status, changed.get(moved)!.status]).toEqual([
      'cancelled',
      'confirmed',
    ]);
    const kept = living();
    expect(kept).toContain(moved);
    for (const id of [eventId, cancelled]) expect(kept).not.toContain(id);
    expect((await listAll(eventsOf(email))).items.map((event) => event.id)).toContain(moved);
  });

  test('a cancelled occurrence without its series is listed and is not an event until the series exists', async () => {
    const occurrence = act('event-cancel-orphan', { eventId: 'unknownseries' });
    const listed = (await listAll(eventsOf(email))).items.find((event) => event.id === occurrence);
    expect(listed).toMatchObject({ status: 'cancelled', recurringEventId: 'unknownseries' });
    expect(living()).not.toContain(occurrence);
    act('event-create', { eventId: 'unknownseries', event: SERIES });
    expect(living()).toContain(occurrence);
  });

  test("an invalid token gives 410 with the recorded body; a malformed one or another calendar's gives 400", async () => {
    const { syncToken } = await listAll(eventsOf(email));
    const list = (await client.get('/calendar/v3/users/me/calendarList')).json.items;
    const with_ = (token: string, id = email): ReturnType<Client['get']> =>
      client.get(`${eventsOf(id)}?syncToken=${encodeURIComponent(token)}`);
    expect([
      (await with_(syncToken, list[1].id)).status,
      (await with_('CPDAlvWDx70CEPDAlvWDx70CGAU=')).status,
    ]).toEqual([400, 400]);
    simulator.faults.add({ kind: 'invalid-sync-token', email });
    const message = 'Sync token is no longer valid, a full sync is required.';
    const answer = await with_(syncToken);
    expect([answer.status, answer.json]).toEqual([
      410,
      {
        error: {
          errors: [
            {
              domain: 'calendar',
              reason: 'fullSyncRequired',
              message,
              locationType: 'parameter',
              location: 'syncToken',
            },
          ],
          code: 410,
          message,
        },
      },
    ]);
    expect((await with_((await listAll(eventsOf(email))).syncToken)).status).toBe(200);
    simulator.clock.advance(29 * 86_400_000);
    const renewed = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
    expect(
      (await renewed.get(`${eventsOf(email)}?syncToken=${encodeURIComponent(syncToken)}`)).status,
    ).toBe(410);
  });

  test('parameters that a sync token forbids give 400; lists by order, text or change end without a token', async () => {
    const { syncToken } = await listAll(eventsOf(email));
    for (const extra of [
      'timeMin=2026-01-01T00:00:00Z',
      'timeMax=2026-01-01T00:00:00Z',
      'q=x',
      'orderBy=updated',
      'iCalUID=x',
      'updatedMin=2026-01-01T00:00:00Z',
      'showDeleted=false',
    ]) {
      expect(
        (await client.get(`${eventsOf(email)}?syncToken=${encodeURIComponent(syncToken)}&${extra}`))
          .status,
      ).toBe(400);
    }
    for (const query of ['orderBy=updated', 'q=stand-up'])
      expect('nextSyncToken' in (await client.get(`${eventsOf(email)}?${query}`)).json).toBe(false);
    expect(
      'nextSyncToken' in (await client.get(`${eventsOf(email)}?timeMin=2026-01-01T00:00:00Z`)).json,
    ).toBe(true);
  });

  test('time bounds are exclusive and need an offset and a positive length', async () => {
    const start = { dateTime: '2026-06-10T10:00:00Z', timeZone: 'UTC' };
    const end = { dateTime: '2026-06-10T11:00:00Z', timeZone: 'UTC' };
    const { calendarId } = simulator.act(email, { action: 'calendar-create' });
    simulator.act(email, {
      action: 'event-create',
      calendarId: calendarId!,
      event: { start, end, recurrence: undefined } as never,
    });
    const count = async (query: string): Promise<number> =>
      (await client.get(`${eventsOf(calendarId!)}?${query}`)).json.items?.length;
    expect([
      await count('timeMin=2026-06-10T11:00:00Z'),
      await count('timeMin=2026-06-10T10:59:59Z'),
      await count('timeMax=2026-06-10T10:00:00Z'),
      await count('timeMax=2026-06-10T12:00:01%2B02:00'),
    ]).toEqual([0, 1, 0, 1]);
    const reason = async (query: string): Promise<unknown> => {
      const { status, json } = await client.get(`${eventsOf(calendarId!)}?${query}`);
      return [status, json.error.errors[0].reason];
    };
    expect(await reason('timeMin=2026-06-10T11:00:00')).toEqual([400, 'badRequest']);
    expect(await reason('timeMin=2026-06-10T11:00:00Z&timeMax=2026-06-10T11:00:00Z')).toEqual([
      400,
      'timeRangeEmpty',
    ]);
    expect(await reason('updatedMin=2020-06-10T11:00:00Z')).toEqual([410, 'updatedMinTooLongAgo']);
  });

  test('the holiday calendar is shared and read-only', async () => {
    const holidays = 'en.usa#holiday@group.v.calendar.google.com';
    const { json } = await client.get(eventsOf(holidays));
    expect([json.accessRole, json.items.length]).toEqual(['reader', 4]);
    expect(() => simulator.act(email, { action: 'event-create', calendarId: holidays })).toThrow(
      'no such calendar',
    );
  });

  test("another user's calendar gives 404", async () => {
    expect((await client.get(eventsOf(simulator.accounts()[1]!.email))).json).toEqual({
      error: {
        errors: [{ domain: 'global', reason: 'notFound', message: 'Not Found' }],
        code: 404,
        message: 'Not Found',
      },
    });
  });
});

test('lists with short and empty pages are complete', async () => {
  await simulator.close();
  simulator = await startSimulator({
    accounts: 1,
    messagesPerAccount: 0,
    eventsPerCalendar: 40,
    shortCalendarPages: true,
    nowMs: Date.UTC(2026, 5, 1),
  });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
  const { items, pages } = await listAll(eventsOf(email));
  expect(items.sort(byId)).toEqual(truth(email));
  expect(pages).toBeGreaterThan(1);
});

describe('single events', () => {
  test('a weekly series keeps its local time over a change of daylight saving, without its exceptions', async () => {
    const { calendarId } = simulator.act(email, { action: 'calendar-create' });
    const event = {
      summary: 'Weekly',
      start: { dateTime: '2026-10-19T09:00:00+02:00', timeZone: 'Europe/Berlin' },
      end: { dateTime: '2026-10-19T10:00:00+02:00', timeZone: 'Europe/Berlin' },
      recurrence: [
        'RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4',
        'EXDATE;TZID=Europe/Berlin:20261021T090000',
      ],
    };
    const { eventId } = simulator.act(email, {
      action: 'event-create',
      calendarId: calendarId!,
      event,
    });
    const { json } = await client.get(
      `${eventsOf(calendarId!)}?singleEvents=true&orderBy=startTime`,
    );
    expect(
      json.items.map((one: Json) => [one.id, one.start.dateTime, one.recurringEventId]),
    ).toEqual([
      [`${eventId}_20261019T070000Z`, '2026-10-19T09:00:00+02:00', eventId],
      [`${eventId}_20261026T080000Z`, '2026-10-26T09:00:00+01:00', eventId],
      [`${eventId}_20261028T080000Z`, '2026-10-28T09:00:00+01:00', eventId],
    ]);
    expect('recurrence' in json.items[0]).toBe(false);
    expect(
      (await client.get(`${eventsOf(calendarId!)}/${eventId}_20261026T080000Z`)).json.start
        .dateTime,
    ).toBe('2026-10-26T09:00:00+01:00');
    expect((await client.get(`${eventsOf(calendarId!)}/${eventId}_20261027T080000Z`)).status).toBe(
      404,
    );
    expect(
      (await client.get(`${eventsOf(calendarId!)}/${eventId}/instances`)).json.items,
    ).toHaveLength(3);
  });

  test('all-day series, intervals and ends', async () => {
    const { calendarId } = simulator.act(email, { action: 'calendar-create' });
    const dates = async (recurrence: string[]): Promise<string[]> => {
      const { eventId } = simulator.act(email, {
        action: 'event-create',
        calendarId: calendarId!,
        event: { start: { date: '2026-01-31' }, end: { date: '2026-02-01' }, recurrence },
      });
      return (
        await client.get(
          `${eventsOf(calendarId!)}/${eventId}/instances?timeMax=2027-01-01T00:00:00Z`,
        )
      ).json.items.map((one: Json) => one.start.date);
    };
    expect(await dates(['RRULE:FREQ=DAILY;INTERVAL=3;UNTIL=20260206'])).toEqual([
      '2026-01-31',
      '2026-02-03',
      '2026-02-06',
    ]);
    expect(await dates(['RRULE:FREQ=MONTHLY;COUNT=3'])).toEqual([
      '2026-01-31',
      '2026-03-31',
      '2026-05-31',
    ]);
    expect(await dates(['RDATE;VALUE=DATE:20260301', 'RRULE:FREQ=YEARLY;COUNT=1'])).toEqual([
      '2026-01-31',
      '2026-03-01',
    ]);
  });
});
