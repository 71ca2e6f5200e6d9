import { isBusy } from '@syncline/control/calendar/free-busy';
import { startApi, type ApiWorld } from '../support/api-world.js';

/* When accounts are busy, over HTTP. */

let api: ApiWorld;
let key: string;
let ada: string;
let grace: string;
let globex: string;

beforeAll(async () => {
  api = await startApi();
  key = await api.key();
  ada = await api.account({ email: 'ada@example.com', tenant: 'acme' });
  grace = await api.account({ email: 'grace@example.com', tenant: 'acme' });
  globex = await api.account({ email: 'alan@example.com', tenant: 'globex' });
  for (const [account, id, zone, isPrimary] of [
    [ada, 'ada@example.com', 'Europe/Berlin', true],
    [ada, 'team', 'UTC', false],
    [grace, 'grace@example.com', 'UTC', true],
  ])
    await api.database.pool.query(
      "INSERT INTO syncline.calendars (account_id, id, time_zone, is_primary, resource) VALUES ($1, $2, $3, $4, '{}')",
      [account, id, zone, isPrimary],
    );
  const on = (start: string, end: string): object => ({
    start: { dateTime: `2026-03-02T${start}:00Z` },
    end: { dateTime: `2026-03-02T${end}:00Z` },
  });
  await put(ada, 'ada@example.com', [
    on('09:00', '10:00'),
    on('09:30', '10:30'),
    on('10:30', '11:00'),
    { ...on('12:00', '13:00'), status: 'cancelled' },
    { ...on('12:00', '13:00'), transparency: 'transparent' },
    {
      ...on('12:00', '13:00'),
      attendees: [{ responseStatus: 'declined' }, { self: true, responseStatus: 'declined' }],
    },
    { ...on('14:00', '15:00'), attendees: [{ self: true, responseStatus: 'needsAction' }] },
    { start: { date: '2026-03-03' }, end: { date: '2026-03-04' } },
    {
      ...on('16:00', '16:30'),
      recurrence: ['RRULE:FREQ=DAILY;COUNT=3'],
    },
  ]);
  await put(ada, 'team', [on('20:00', '21:00')]);
  await put(grace, 'grace@example.com', [on('08:00', '09:15'), on('23:00', '23:00')]);
  await api.database.pool.query(
    `INSERT INTO syncline.collections (id, account_id, kind, external_id, phase, caught_up_at)
     VALUES (gen_random_uuid(), $1, 'calendar-events', 'ada@example.com', 'incremental', '2026-03-01T00:00:00Z')`,
    [ada],
  );
});
afterAll(() => api.close());

async function put(account: string, calendarId: string, events: object[]): Promise<void> {
  for (const [at, event] of events.entries())
    await api.database.pool.query(
      `INSERT INTO syncline.calendar_events (account_id, calendar_id, id, status, is_recurring, resource)
       VALUES ($1, $2, $3, 'confirmed', $4, $5)`,
      [
        account,
        calendarId,
        `e${at}`,
        'recurrence' in event,
        JSON.stringify({ id: `e${at}`, status: 'confirmed', ...event }),
      ],
    );
}

interface Busy {
  accounts: {
    accountId: string;
    busy: { start: string; end: string }[];
    freshness: { asOf: string | null } | null;
    excluded: { calendarId: string | null; reason: string }[];
  }[];
  busy: { start: string; end: string }[] | null;
}

const ask = (body: object, more = {}): ReturnType<ApiWorld['send']> =>
  api.send('POST', '/v1/free-busy', {
    key,
    body: { timeMin: '2026-03-02T00:00:00Z', timeMax: '2026-03-04T16:10:00Z', ...body },
    ...more,
  });

const short = ({ start, end }: { start: string; end: string }): string =>
  `${start.slice(8, 16)}–${end.slice(8, 16)}`;

const ADA = [
  '02T09:00–02T11:00',
  '02T14:00–02T15:00',
  '02T16:00–02T16:30',
  // The day of Berlin, and the series within it.
  '02T23:00–03T23:00',
  '04T16:00–04T16:10',
];

test('busy intervals are merged, cut to the range, and leave out what does not block the time', async () => {
  const { status, json } = await ask({ accounts: [ada] });
  expect(status).toBe(200);
  const { accounts, busy } = json as Busy;
  expect(accounts[0]!.busy.map(short)).toEqual(ADA);
  expect(accounts[0]).toMatchObject({
    accountId: ada,
    freshness: { asOf: '2026-03-01T00:00:00.000Z' },
    excluded: [],
  });
  expect(busy).toBeNull();
});

test('accounts keep the order of the request, and merge adds when any of them is busy', async () => {
  const { accounts, busy } = (await ask({ accounts: [grace, ada], merge: true })).json as Busy;
  expect(accounts.map(({ accountId }) => accountId)).toEqual([grace, ada]);
  expect(accounts[0]!.busy.map(short)).toEqual(['02T08:00–02T09:15']);
  expect(busy!.map(short)).toEqual(['02T08:00–02T11:00', ...ADA.slice(1)]);
});

test('what is missing is named: accounts that the key may not see, and unknown calendars', async () => {
  const body = { accounts: [ada, grace, globex, UNKNOWN], calendars: ['primary', 'team'] };
  const ofTenant = await api.key({ tenant: 'acme' });
  const { accounts } = (await ask(body, { key: ofTenant })).json as Busy;
  expect(accounts.map(({ excluded }) => excluded)).toEqual([
    [],
    [{ calendarId: 'team', reason: 'no-calendar' }],
    [{ calendarId: null, reason: 'no-account' }],
    [{ calendarId: null, reason: 'no-account' }],
  ]);
  expect(accounts[0]!.busy.map(short)).toContain('02T20:00–02T21:00');
  expect(accounts.slice(2).map(({ busy, freshness }) => [busy, freshness])).toEqual([
    [[], null],
    [[], null],
  ]);
});

const UNKNOWN = '00000000-0000-4000-8000-000000000000';
const DAY_MS = 86_400_000;
const idsOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => UNKNOWN.slice(0, -3) + String(i).padStart(3, '0'));
const after = (ms: number): string =>
  new Date(Date.parse('2026-03-02T00:00:00Z') + ms).toISOString();

test.each<[string, object, number]>([
  ['50 accounts', { accounts: idsOf(50) }, 200],
  ['51 accounts', { accounts: idsOf(51) }, 400],
  ['no account', { accounts: [] }, 400],
  ['an account twice', { accounts: [UNKNOWN, UNKNOWN] }, 400],
  ['92 days', { accounts: [UNKNOWN], timeMax: after(92 * DAY_MS) }, 200],
  ['a moment more', { accounts: [UNKNOWN], timeMax: after(92 * DAY_MS + 1) }, 400],
  ['an empty range', { accounts: [UNKNOWN], timeMax: after(0) }, 400],
  ['50 calendars', { accounts: [UNKNOWN], calendars: Array<string>(50).fill('c') }, 200],
  ['51 calendars', { accounts: [UNKNOWN], calendars: Array<string>(51).fill('c') }, 400],
  ['a calendar with NUL', { accounts: [UNKNOWN], calendars: ['\u0000'] }, 400],
])('a request with %s is answered with its status', async (_what, body, status) => {
  expect((await ask(body)).status).toBe(status);
});

test.each<[string, object, boolean]>([
  ['without fields', {}, true],
  ['shown as busy', { transparency: 'opaque' }, true],
  ['with attendees of another form', { attendees: 'nobody' }, true],
  ['with a hostile attendee', { attendees: [null, 1, 'x', { self: 'true' }] }, true],
  ['that another attendee declined', { attendees: [{ responseStatus: 'declined' }] }, true],
  ['that the owner declined', { attendees: [{ self: true, responseStatus: 'declined' }] }, false],
  ['shown as available', { transparency: 'transparent' }, false],
  ['that is cancelled', { status: 'cancelled' }, false],
])('an event %s blocks the time: %p', (_what, event, blocks) => {
  expect(isBusy(event as Record<string, unknown>)).toBe(blocks);
});
