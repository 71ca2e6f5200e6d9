import { startApi, type ApiWorld } from '../support/api-world.js';
import { startWorld, type World } from '../support/world.js';

/* Calendars over HTTP, mirrored from the simulator. */

let world: World;
let api: ApiWorld;
let key: string;
let account: string;
interface Event {
  calendarId: string;
  event: { id: string };
}
let exported: Event[];

beforeAll(async () => {
  world = await startWorld({
    seed: 1_504,
    accounts: 1,
    messagesPerAccount: 5,
    calendarsPerAccount: 2,
    eventsPerCalendar: 40,
  });
  await world.catchUp();
  api = await startApi({ on: world });
  key = await api.key();
  account = (await world.store.accounts.list())[0]!.id;
  exported = [];
  for await (const event of world.store.mirror.events(account)) exported.push(event as Event);
}, 120_000);
afterAll(async () => {
  await api.close();
  await world.close();
});

interface List<Row> {
  data: Row[];
  next: string | null;
  seq: number;
  epoch: number;
  freshness: { asOf: string | null; phase: string; complete: boolean };
}

const get = (path: string): ReturnType<ApiWorld['send']> =>
  api.send('GET', `/v1/accounts/${account}/${path}`, { key });

/** Follows `next` to the end. */
async function all<Row>(path: string, limit: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor = ''; ;) {
    const { status, json } = await get(`${path}?limit=${limit}${cursor}`);
    expect(status).toBe(200);
    const { data, next } = json as List<Row>;
    rows.push(...data);
    if (next === null) return rows;
    expect(data).toHaveLength(limit);
    cursor = `&cursor=${next}`;
  }
}

const sorted = (events: readonly Event[]): Event[] =>
  events.toSorted((one, other) => (one.event.id < other.event.id ? -1 : 1));

test('the calendars are those of the calendar list', async () => {
  const rows = await all<{ id: string; isPrimary: boolean }>('calendars', 1);
  expect(rows.map(({ id }) => id).sort()).toEqual(await world.store.mirror.calendarIds(account));
  expect(rows.filter(({ isPrimary }) => isPrimary)).toHaveLength(1);
});

test('the pages of each calendar have each event once, as export gives it', async () => {
  for (const calendarId of await world.store.mirror.calendarIds(account)) {
    const rows = await all<Event>(`calendars/${encodeURIComponent(calendarId)}/events`, 7);
    expect(sorted(rows)).toEqual(sorted(exported.filter((one) => one.calendarId === calendarId)));
  }
  expect(exported.length).toBeGreaterThan(50);
});

test('the primary calendar has a name', async () => {
  const rows = await all<Event>('calendars/primary/events', 500);
  const { email } = (await world.store.accounts.list())[0]!;
  expect(sorted(rows)).toEqual(sorted(exported.filter(({ calendarId }) => calendarId === email)));
  expect(rows.length).toBeGreaterThan(10);
  const [one] = rows;
  expect((await get(`calendars/primary/events/${one!.event.id}`)).json).toEqual(one);
});

test('what is not there, or in another calendar, is not found', async () => {
  const [one] = exported;
  const other = exported.find(({ calendarId }) => calendarId !== one!.calendarId)!;
  for (const path of [
    'calendars/unknown/events',
    `calendars/unknown/events/${one!.event.id}`,
    `calendars/${encodeURIComponent(other.calendarId)}/events/${one!.event.id}-unknown`,
    `calendars/${encodeURIComponent(other.calendarId)}/events/%00`,
  ])
    expect([path, (await get(path)).status]).toEqual([path, 404]);
});

test('a cursor belongs to its calendar', async () => {
  const { json } = await get('calendars/primary/events?limit=1');
  const { next } = json as List<Event>;
  expect((await get(`calendars/primary/events?limit=1&cursor=${next}`)).status).toBe(200);
  for (const path of [
    'calendars',
    `calendars/${encodeURIComponent(exported.find(({ calendarId }) => calendarId !== (json as List<Event>).data[0]!.calendarId)!.calendarId)}/events`,
  ])
    expect((await get(`${path}?cursor=${next}`)).status).toBe(400);
});

test('a list of events has the freshness of its calendar', async () => {
  const { json } = await get('calendars/primary/events?limit=1');
  const { seq, epoch, freshness } = json as List<Event>;
  const position = await world.store.feed.position(account);
  expect([epoch, seq]).toEqual([position.epoch, Number(position.seq)]);
  const known = (await world.store.accounts.list())[0]!;
  const collection = known.collections.find(({ externalId }) => externalId === known.email)!;
  expect(freshness).toMatchObject({
    asOf: collection.caughtUpAt!.toISOString(),
    phase: 'incremental',
    complete: true,
  });
});
