import type { RouteId } from '@syncline/contract';
import type { ApiWorld } from './api-world.js';

interface ReadExample {
  path: string;
  status: number;
  key?: string;
  body?: object;
}

/** The routes that read an account's rows. */
type ReadRoute = Extract<
  RouteId,
  `${'messages' | 'attachments' | 'threads' | 'labels' | 'calendars' | 'events' | 'contacts' | 'instances' | 'freeBusy'}.${string}`
>;

const RANGE = 'timeMin=2026-03-01T00:00:00Z&timeMax=2026-03-02T00:00:00Z';

/** Parameters without which a request of the route is not valid. */
export const REQUIRED_QUERIES: Partial<Record<RouteId, string>> = {
  'instances.list': RANGE,
  'instances.ofCalendar': RANGE,
};

/** Requests of each read that give its own answers, about rows that are stored for it. */
export const READ_EXAMPLES: Record<
  ReadRoute,
  (o: { world: ApiWorld; accountId: string }) => Promise<ReadExample[]>
> = {
  'messages.list': async (o) => [
    { path: `${await readable(o)}/messages?label=INBOX&include=text&limit=1`, status: 200 },
    {
      path: `${await readable(o)}/messages?include=html`,
      status: 403,
      key: await o.world.key({ scopes: ['mail:metadata'] }),
    },
  ],
  'messages.get': async (o) => [
    { path: `${await readable(o)}/messages/m1?include=text,html,resource`, status: 200 },
    { path: `${await readable(o)}/messages/unknown`, status: 404 },
  ],
  'messages.source': async (o) => [
    { path: `${await readable(o)}/messages/m1/source`, status: 200 },
    { path: `${await readable(o)}/messages/m2/source`, status: 409 },
    { path: `${await readable(o)}/messages/m2/source?fetch=true`, status: 422 },
    { path: `${await readable(o)}/messages/unknown/source`, status: 404 },
  ],
  'attachments.get': async (o) => [
    { path: `${await readable(o)}/messages/m1/attachments/unknown`, status: 404 },
    { path: `${await readable(o)}/messages/m1/attachments/2`, status: 422 },
    { path: `${await readable(o)}/messages/m1/attachments/1`, status: 503 },
  ],
  'threads.list': async (o) => [{ path: `${await readable(o)}/threads?limit=1`, status: 200 }],
  'threads.get': async (o) => [
    { path: `${await readable(o)}/threads/t1`, status: 200 },
    { path: `${await readable(o)}/threads/unknown`, status: 404 },
  ],
  'labels.list': async (o) => [{ path: `${await readable(o)}/labels`, status: 200 }],
  'calendars.list': async (o) => [{ path: `${await readable(o)}/calendars`, status: 200 }],
  'events.list': async (o) => [
    { path: `${await readable(o)}/calendars/primary/events`, status: 200 },
    { path: `${await readable(o)}/calendars/unknown/events`, status: 404 },
  ],
  'events.get': async (o) => [
    { path: `${await readable(o)}/calendars/c1/events/e1`, status: 200 },
    { path: `${await readable(o)}/calendars/c1/events/unknown`, status: 404 },
  ],
  'instances.list': async (o) => [
    { path: `${await readable(o)}/instances?${RANGE}&calendars=primary`, status: 200 },
    { path: `${await crowded(o)}/instances?${RANGE}`, status: 422 },
  ],
  'instances.ofCalendar': async (o) => [
    { path: `${await readable(o)}/calendars/c1/instances?${RANGE}`, status: 200 },
    { path: `${await readable(o)}/calendars/unknown/instances?${RANGE}`, status: 404 },
    { path: `${await crowded(o)}/calendars/crowded/instances?${RANGE}`, status: 422 },
  ],
  'freeBusy.query': async (o) => [
    {
      path: '/v1/free-busy',
      status: 200,
      body: {
        accounts: [o.accountId],
        timeMin: '2026-03-01T00:00:00Z',
        timeMax: '2026-03-02T00:00:00Z',
      },
    },
  ],
  'contacts.list': async (o) => [
    { path: `${await readable(o)}/contacts?kind=person&limit=1`, status: 200 },
  ],
  'contacts.get': async (o) => [
    { path: `${await readable(o)}/contacts/people%2Fc1`, status: 200 },
    { path: `${await readable(o)}/contacts/people%2Funknown`, status: 404 },
  ],
};

/** Stores a row of each kind. @returns the path of the account */
async function readable({
  world,
  accountId,
}: {
  world: ApiWorld;
  accountId: string;
}): Promise<string> {
  for (const statement of [
    `INSERT INTO syncline.gmail_threads (account_id, id, message_count, first_message_at, last_message_at) VALUES ($1, 't1', 1, 'epoch', 'epoch')`,
    `INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, snippet, resource) VALUES ($1, 'm1', 't1', 1, '{INBOX}', 'epoch', '', '{}')`,
    `INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, snippet, size_estimate, resource) VALUES ($1, 'm2', 't1', 1, '{}', 'epoch', '', 60000000, '{}')`,
    `INSERT INTO syncline.gmail_sources (account_id, message_id, source) VALUES ($1, 'm1', 'From: a')`,
    `INSERT INTO syncline.gmail_attachments (account_id, message_id, part_id, position, filename, mime_type, size)
     VALUES ($1, 'm1', '1', 1, 'a.txt', 'text/plain', 1), ($1, 'm1', '2', 2, 'b.txt', 'text/plain', 60000000)`,
    `INSERT INTO syncline.gmail_labels (account_id, id, name, type, resource) VALUES ($1, 'INBOX', 'INBOX', 'system', '{}')`,
    `INSERT INTO syncline.calendars (account_id, id, is_primary, resource) VALUES ($1, 'c1', true, '{}')`,
    `INSERT INTO syncline.calendar_events (account_id, calendar_id, id, status, is_recurring, resource) VALUES ($1, 'c1', 'e1', 'confirmed', false, '{}')`,
    `INSERT INTO syncline.contacts (account_id, id, resource) VALUES ($1, 'people/c1', '{}')`,
  ])
    await world.database.pool.query(`${statement} ON CONFLICT DO NOTHING`, [accountId]);
  return `/v1/accounts/${accountId}`;
}

/** Stores a calendar with more events than one request reads. @returns the path of the account */
async function crowded({
  world,
  accountId,
}: {
  world: ApiWorld;
  accountId: string;
}): Promise<string> {
  for (const statement of [
    `INSERT INTO syncline.calendars (account_id, id, is_primary, resource) VALUES ($1, 'crowded', false, '{}')`,
    `INSERT INTO syncline.calendar_events (account_id, calendar_id, id, status, is_recurring, resource)
     SELECT $1, 'crowded', 'e' || n, 'confirmed', false, '{}' FROM generate_series(1, 20001) AS n`,
  ])
    await world.database.pool.query(`${statement} ON CONFLICT DO NOTHING`, [accountId]);
  return `/v1/accounts/${accountId}`;
}
