import { startApi, type ApiWorld } from '../support/api-world.js';
import { startWorld, type World } from '../support/world.js';

/* What happens to an account and its collections is in the account's feed, in the order of the commits. */

let world: World;
let api: ApiWorld;
let key: string;
let id: string;

beforeAll(async () => {
  world = await startWorld({
    seed: 8_022,
    accounts: 1,
    messagesPerAccount: 5,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
  });
  await world.catchUp();
  api = await startApi({ on: world });
  key = await api.key({ scopes: ['feed:read', 'accounts:write'] });
  id = (await world.store.accounts.list())[0]!.id;
});
afterAll(async () => {
  await api.close();
  await world.close();
});

/** The events of accounts and collections after a number: `collection mailbox created`. */
async function lifecycleAfter(after: bigint): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ id: string; name: string }>(
    "SELECT id, kind AS name FROM syncline.collections UNION ALL SELECT id, 'the' FROM syncline.accounts",
  );
  const names = new Map(rows.map((row) => [row.id, row.name]));
  const events = await world.store.feed.changes(id, after, 1_000);
  return events.flatMap(({ entity, id: of, op, origin, calendarId }) => {
    if (entity !== 'account' && entity !== 'collection') return [];
    expect([calendarId, origin]).toEqual([null, 'live']);
    return [`${names.get(of) ?? 'gone'} ${entity} ${op}`];
  });
}

const end = async (): Promise<bigint> => (await world.store.feed.position(id)).seq;

/** Events that a step adds. */
async function during(step: () => Promise<unknown>): Promise<string[]> {
  const before = await end();
  await step();
  return lifecycleAfter(before);
}

test('the feed begins with the account and its collections, and has each change of phase', async () => {
  const all = await lifecycleAfter(0n);
  expect(all.slice(0, 3).sort()).toEqual([
    'calendar-list collection created',
    'gmail collection created',
    'the account created',
  ]);
  expect(all.filter((event) => event.startsWith('gmail'))).toEqual([
    'gmail collection created',
    'gmail collection updated',
    'gmail collection updated',
  ]);
  const calendar = all.filter((event) => event.startsWith('calendar-events'));
  expect(calendar[0]).toBe('calendar-events collection created');
  const quiet = await during(() => world.catchUp());
  expect(quiet).toEqual([]);
});

test('a pause and its end are events of the account; a request that changes nothing is none', async () => {
  const patch = (paused: boolean) => () =>
    api.send('PATCH', `/v1/accounts/${id}`, { key, body: { paused } });
  expect(await during(patch(true))).toEqual(['the account updated']);
  expect(await during(patch(true))).toEqual([]);
  expect(await during(patch(false))).toEqual(['the account updated']);
});

test('an account with another address has an event', async () => {
  const { pool } = world.database;
  const rename = (email: string) => () =>
    pool.query('UPDATE syncline.accounts SET email = $1', [email]);
  const [{ email }] = (await pool.query('SELECT email FROM syncline.accounts')).rows as [
    { email: string },
  ];
  expect(await during(rename('another@example.com'))).toEqual(['the account updated']);
  expect(await during(rename(email))).toEqual(['the account updated']);
});

test('parking a collection, and its end, are events after those of the rows', async () => {
  const { collections } = (await world.store.accounts.list())[0]!;
  const gmail = collections.find(({ kind }) => kind === 'gmail')!;
  const claim = await world.store.leases.claim(gmail.id);
  if (claim.kind !== 'claimed') throw new Error(`the lease is not free: ${claim.kind}`);
  const parking = { cause: 'items' as const, reason: 'for a test', nextInMs: 60_000 };
  expect(await during(() => world.store.leases.park(claim.lease, parking))).toEqual([
    'gmail collection updated',
  ]);
  await world.store.accounts.resume(id);
  expect(await during(() => world.catchUp())).toEqual([]);
  const before = await end();
  await world.database.pool.query('DELETE FROM syncline.gmail_messages');
  await world.store.schedule.requestSync(null, { full: true, resource: 'gmail' });
  await world.catchUp();
  const entities = (await world.store.feed.changes(id, before, 1_000)).map(({ entity }) => entity);
  expect(entities.filter((entity) => entity === 'message')).toHaveLength(5);
  expect(await lifecycleAfter(before)).toEqual([
    'gmail collection updated',
    'gmail collection updated',
  ]);
});

test('a removed resource is an event of the account, and its collections are deleted', async () => {
  const { resourceErasure } = world.store;
  const removed = await during(async () => {
    await resourceErasure.begin(id, 'calendar');
    while (!(await resourceErasure.eraseSome(id, 'calendar')).done);
  });
  // The calendar list, and the events of the person's calendar and of the holidays.
  expect(removed.sort()).toEqual([
    ...Array<string>(3).fill('gone collection deleted'),
    'the account updated',
  ]);
});

test('the feed has no gap, and folds to the account and its collections', async () => {
  const events = await world.store.feed.changes(id, 0n, 10_000);
  expect(events.map(({ seq }) => Number(seq))).toEqual(events.map((_, at) => at + 1));
  const live = new Set<string>();
  for (const { entity, id: of, op } of events) {
    if (entity !== 'account' && entity !== 'collection') continue;
    expect([op, live.has(of)]).toEqual([op, op !== 'created']);
    if (op === 'deleted') live.delete(of);
    else live.add(of);
  }
  const { rows } = await world.database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.accounts UNION ALL SELECT id FROM syncline.collections WHERE state = 'active'",
  );
  expect([...live].sort()).toEqual(rows.map((row) => row.id).sort());
});
