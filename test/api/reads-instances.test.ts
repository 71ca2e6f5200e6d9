import { listInstances } from '@syncline/control/calendar/instances';
import { startApi, type ApiWorld } from '../support/api-world.js';

/* Single events of time ranges over HTTP, with series expanded. */

let api: ApiWorld;
let key: string;
let account: string;

const PRIMARY = 'ada@example.com';
const TEAM = 'team@example.com';
const SCALE = 'zz-scale@example.com';

beforeAll(async () => {
  api = await startApi();
  key = await api.key();
  account = await api.account({ email: PRIMARY, tenant: 'acme' });
  await calendar(PRIMARY, 'Europe/Berlin', true);
  await calendar(TEAM, 'America/New_York', false);
  for (const [calendarId, event] of EVENTS) await put(calendarId, event);
}, 60_000);
afterAll(() => api.close());

interface Event {
  id: string;
  status?: string;
  start?: object;
  end?: object;
  recurrence?: string[];
  recurringEventId?: string;
  originalStartTime?: object;
}

const timed = (id: string, start: string, end: string, more: object = {}): Event => ({
  id,
  status: 'confirmed',
  start: { dateTime: start, timeZone: 'Europe/Berlin' },
  end: { dateTime: end, timeZone: 'Europe/Berlin' },
  ...more,
});

const EVENTS: [string, Event][] = [
  [
    PRIMARY,
    timed('weekly', '2026-03-02T09:00:00+01:00', '2026-03-02T10:00:00+01:00', {
      recurrence: ['RRULE:FREQ=WEEKLY'],
    }),
  ],
  [
    PRIMARY,
    timed('weekly_20260309T080000Z', '2026-03-10T15:00:00+01:00', '2026-03-10T16:00:00+01:00', {
      recurringEventId: 'weekly',
      originalStartTime: { dateTime: '2026-03-09T09:00:00+01:00', timeZone: 'Europe/Berlin' },
    }),
  ],
  [
    PRIMARY,
    {
      id: 'weekly_20260316T080000Z',
      status: 'cancelled',
      recurringEventId: 'weekly',
      originalStartTime: { dateTime: '2026-03-16T09:00:00+01:00', timeZone: 'Europe/Berlin' },
    },
  ],
  // Moved out of March: its occurrence there is gone.
  [
    PRIMARY,
    timed('weekly_20260323T080000Z', '2026-07-01T09:00:00+02:00', '2026-07-01T10:00:00+02:00', {
      recurringEventId: 'weekly',
      originalStartTime: { dateTime: '2026-03-23T09:00:00+01:00', timeZone: 'Europe/Berlin' },
    }),
  ],
  [
    PRIMARY,
    { id: 'day', status: 'confirmed', start: { date: '2026-03-05' }, end: { date: '2026-03-06' } },
  ],
  [PRIMARY, timed('long', '2026-02-20T09:00:00+01:00', '2026-03-03T09:00:00+01:00')],
  [PRIMARY, timed('same-a', '2026-03-12T09:00:00+01:00', '2026-03-12T10:00:00+01:00')],
  [PRIMARY, timed('same-b', '2026-03-12T09:00:00+01:00', '2026-03-12T09:00:00+01:00')],
  [TEAM, timed('same-a', '2026-03-12T08:00:00Z', '2026-03-12T10:00:00Z')],
  [TEAM, timed('same-c', '2026-03-12T08:00:00Z', '2026-03-12T10:00:00Z')],
  [
    TEAM,
    {
      id: 'daily',
      status: 'confirmed',
      start: { date: '2026-01-01' },
      end: { date: '2026-01-02' },
      recurrence: ['RRULE:FREQ=DAILY;INTERVAL=3'],
    },
  ],
];

async function calendar(id: string, timeZone: string, isPrimary: boolean): Promise<void> {
  await api.database.pool.query(
    "INSERT INTO syncline.calendars (account_id, id, time_zone, is_primary, resource) VALUES ($1, $2, $3, $4, '{}')",
    [account, id, timeZone, isPrimary],
  );
}

async function put(calendarId: string, event: Event): Promise<void> {
  const at = (time: object | undefined): string | null =>
    (time as { dateTime?: string } | undefined)?.dateTime ?? null;
  await api.database.pool.query(
    `INSERT INTO syncline.calendar_events (account_id, calendar_id, id, status, recurring_event_id, is_recurring, start_at, end_at, resource)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      account,
      calendarId,
      event.id,
      event.status ?? 'confirmed',
      event.recurringEventId ?? null,
      event.recurrence !== undefined,
      at(event.start),
      at(event.end),
      JSON.stringify(event),
    ],
  );
}

interface Instance {
  calendarId: string;
  event: Event;
  start: string;
  end: string;
  masterId: string | null;
  originalStart: string | null;
}
interface List {
  data: Instance[];
  next: string | null;
  truncated: boolean;
}

const get = (path: string): ReturnType<ApiWorld['send']> =>
  api.send('GET', `/v1/accounts/${account}/${path}`, { key });

const MARCH = 'timeMin=2026-03-01T00:00:00%2B01:00&timeMax=2026-04-01T00:00:00%2B02:00';
const RANGE = {
  timeMinMs: Date.parse('2026-02-28T23:00:00Z'),
  timeMaxMs: Date.parse('2026-03-31T22:00:00Z'),
};

async function all(
  path: string,
  between: () => Promise<unknown> = async () => undefined,
): Promise<Instance[]> {
  const rows: Instance[] = [];
  for (let cursor = '', pages = 1; pages < 200; pages++) {
    const { status, json } = await get(`${path}${cursor}`);
    expect([path, status]).toEqual([path, 200]);
    const { data, next } = json as List;
    rows.push(...data);
    if (next === null) return rows;
    cursor = `&cursor=${next}`;
    await between();
  }
  throw new Error('the list has no end');
}

const keyOf = ({ calendarId, event }: Instance): string => `${calendarId} ${event.id}`;

test('the instances of a calendar are those that the CLI lists, in the order of their starts', async () => {
  for (const calendarId of [PRIMARY, TEAM]) {
    const listed = await listInstances(
      api,
      { id: account },
      { ...RANGE, calendarId, limit: 1_000 },
    );
    const path = `calendars/${encodeURIComponent(calendarId)}/instances?${MARCH}`;
    const rows = await all(path);
    expect({ events: rows.map(({ event }) => event) }).toMatchObject({
      events: (listed as { events: object[] }).events,
    });
    expect(rows.length).toBeGreaterThan(5);
    const starts = rows.map(({ start }) => start);
    expect(starts).toEqual(starts.toSorted());
  }
  expect(await all(`calendars/primary/instances?${MARCH}`)).toEqual(
    await all(`calendars/${encodeURIComponent(PRIMARY)}/instances?${MARCH}`),
  );
});

test('an instance has its times, its series and its original start', async () => {
  const rows = await all(`calendars/primary/instances?${MARCH}`);
  expect(rows.map(({ event, start }) => [event.id, start])).toEqual([
    ['long', '2026-02-20T08:00:00.000Z'],
    ['weekly_20260302T080000Z', '2026-03-02T08:00:00.000Z'],
    ['day', '2026-03-04T23:00:00.000Z'],
    ['weekly_20260309T080000Z', '2026-03-10T14:00:00.000Z'],
    ['same-a', '2026-03-12T08:00:00.000Z'],
    ['same-b', '2026-03-12T08:00:00.000Z'],
    ['weekly_20260330T070000Z', '2026-03-30T07:00:00.000Z'],
  ]);
  expect(rows[3]).toMatchObject({
    end: '2026-03-10T15:00:00.000Z',
    masterId: 'weekly',
    originalStart: '2026-03-09T08:00:00.000Z',
  });
  expect(rows[2]).toMatchObject({ masterId: null, originalStart: null });
});

test('the pages of an account have each instance once, for any page size', async () => {
  const whole = await all(`instances?${MARCH}&limit=2500`);
  const byCalendar = (
    await Promise.all(
      [PRIMARY, TEAM].map((id) => all(`calendars/${encodeURIComponent(id)}/instances?${MARCH}`)),
    )
  ).flat();
  expect(whole.map(keyOf).toSorted()).toEqual(byCalendar.map(keyOf).toSorted());
  expect(whole.filter(({ start }) => start === '2026-03-12T08:00:00.000Z').map(keyOf)).toEqual([
    `${PRIMARY} same-a`,
    `${PRIMARY} same-b`,
    `${TEAM} same-a`,
    `${TEAM} same-c`,
  ]);
  for (const limit of [1, 2, 3, 5])
    expect(await all(`instances?${MARCH}&limit=${limit}`)).toEqual(whole);
  expect(await all(`instances?${MARCH}&limit=2&calendars=primary,${TEAM}`)).toEqual(whole);
});

test('instances that stay are given exactly once while events come and go', async () => {
  const stay = (await all(`instances?${MARCH}`)).map(keyOf);
  let step = 0;
  const listed = await all(`instances?${MARCH}&limit=2`, async () => {
    step += 1;
    const day = String(step + 1).padStart(2, '0');
    await put(TEAM, timed(`comes-${step}`, `2026-03-${day}T08:00:00Z`, `2026-03-${day}T09:00:00Z`));
    await put(PRIMARY, timed(`a-${step}`, '2026-03-12T08:00:00Z', '2026-03-12T09:00:00Z'));
    await api.database.pool.query(
      'DELETE FROM syncline.calendar_events WHERE account_id = $1 AND id = ANY($2)',
      [account, [`comes-${step - 2}`, `a-${step - 3}`]],
    );
  });
  await api.database.pool.query(
    "DELETE FROM syncline.calendar_events WHERE account_id = $1 AND (id LIKE 'comes-%' OR id LIKE 'a-%')",
    [account],
  );
  const keys = listed.map(keyOf);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((one) => stay.includes(one)).toSorted()).toEqual(stay.toSorted());
});

test.each<[string, number]>([
  ['instances?timeMin=2026-01-01T00:00:00Z&timeMax=2027-02-05T00:00:00Z', 200],
  ['instances?timeMin=2026-01-01T00:00:00Z&timeMax=2027-02-05T00:00:00.001Z', 400],
  ['instances?timeMin=2026-01-01T00:00:00Z&timeMax=2026-01-01T00:00:00Z', 400],
  ['instances?timeMin=0001-01-01T00:00:00Z&timeMax=0001-02-01T00:00:00Z', 200],
  ['instances?timeMin=0000-12-31T23:59:59Z&timeMax=0001-02-01T00:00:00Z', 400],
  ['instances?timeMin=9999-12-01T00:00:00Z&timeMax=9999-12-31T23:59:59.999Z', 200],
  ['instances?timeMin=9999-12-01T00:00:00Z&timeMax=9999-12-31T23:59:59-01:00', 400],
  ['instances?timeMin=2026-01-01&timeMax=2026-02-01', 400],
  ['instances?timeMin=2026-01-01T00:00:00Z', 400],
  [`instances?${MARCH}&limit=2500`, 200],
  [`instances?${MARCH}&limit=2501`, 400],
  [`instances?${MARCH}&limit=0`, 400],
  [`instances?${MARCH}&calendars=${Array<string>(50).fill('primary').join()}`, 200],
  [`instances?${MARCH}&calendars=${Array<string>(51).fill('primary').join()}`, 400],
  [`instances?${MARCH}&calendars=primary,`, 400],
  [`instances?${MARCH}&calendars=primary,unknown`, 404],
  [`calendars/unknown/instances?${MARCH}`, 404],
])('%s is answered with %d', async (path, status) => {
  expect((await get(path)).status).toBe(status);
});

test('a cursor belongs to its range and its calendars', async () => {
  const { next } = (await get(`instances?${MARCH}&limit=1`)).json as List;
  expect((await get(`instances?${MARCH}&limit=3&cursor=${next}`)).status).toBe(200);
  for (const path of [
    `instances?timeMin=2026-03-01T00:00:00Z&timeMax=2026-04-01T00:00:00Z`,
    `instances?${MARCH}&calendars=primary`,
    `calendars/primary/instances?${MARCH}`,
  ])
    expect([path, (await get(`${path}&cursor=${next}`)).status]).toEqual([path, 400]);
});

test('a rule without an end in reach hides no other event, and the answer says that it was given up', async () => {
  const before = await all(`instances?${MARCH}`);
  await put(
    PRIMARY,
    timed('endless', '2020-01-01T09:00:00Z', '2020-01-01T09:00:01Z', {
      recurrence: ['RRULE:FREQ=MINUTELY;COUNT=999999999'],
    }),
  );
  const { json } = await get(`instances?${MARCH}`);
  await api.database.pool.query(
    "DELETE FROM syncline.calendar_events WHERE account_id = $1 AND id = 'endless'",
    [account],
  );
  expect((json as List).truncated).toBe(true);
  expect((json as List).data).toEqual(before);
});

test('as many events as one request reads are expanded, and one more is refused', async () => {
  await calendar(SCALE, 'UTC', false);
  await api.database.pool.query(
    `INSERT INTO syncline.calendar_events (account_id, calendar_id, id, status, is_recurring, resource)
     SELECT $1, $2, 'n' || n, 'confirmed', false, jsonb_build_object('id', 'n' || n) FROM generate_series(1, 20000) AS n`,
    [account, SCALE],
  );
  const path = `calendars/${encodeURIComponent(SCALE)}/instances?${MARCH}`;
  expect((await get(path)).status).toBe(200);
  await put(SCALE, timed('one-more', '2026-03-12T08:00:00Z', '2026-03-12T09:00:00Z'));
  expect(await get(path)).toMatchObject({
    status: 422,
    json: { type: 'urn:syncline:problem:too-much-work' },
  });
  await api.database.pool.query(
    'DELETE FROM syncline.calendar_events WHERE account_id = $1 AND calendar_id = $2',
    [account, SCALE],
  );
});

test('a page ends before it is too large, and the next one goes on', async () => {
  await calendar('large@example.com', 'UTC', false);
  for (let i = 0; i < 4; i++)
    await put('large@example.com', {
      ...timed(`large-${i}`, `2026-03-0${i + 1}T08:00:00Z`, `2026-03-0${i + 1}T09:00:00Z`),
      description: 'x'.repeat(3_000_000),
    } as Event);
  const path = `instances?${MARCH}&calendars=large@example.com`;
  const { data, next } = (await get(path)).json as List;
  expect([data.length, next === null]).toEqual([2, false]);
  expect((await all(path)).map(({ event }) => event.id)).toEqual([
    'large-0',
    'large-1',
    'large-2',
    'large-3',
  ]);
});
