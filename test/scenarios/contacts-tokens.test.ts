import { syncCollection, type Outcome } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/* The life of the People API's sync tokens: seven days from the full sync on. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const CONNECTIONS = 'people.connections.list';
const LISTS = [CONNECTIONS, 'otherContacts.list', 'contactGroups.list'];

let world: World;
let email: string;
let accountId: string;
afterEach(() => world.close());

async function mirrored(options: Partial<Parameters<typeof startWorld>[0]> = {}): Promise<void> {
  world = await startWorld({
    seed: 302,
    accounts: 1,
    messagesPerAccount: 0,
    calendarsPerAccount: 1,
    eventsPerCalendar: 0,
    contactsPerAccount: 24,
    resources: ['contacts'],
    ...options,
  });
  email = (await world.control.accounts())[0]!.email;
  accountId = (await world.store.accounts.list())[0]!.id;
  await world.catchUp();
}

/** Runs the collection once, as a worker does. */
async function run(kind: string, sliceMs = 5_000): Promise<Outcome> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.collections WHERE kind = $1',
    [kind],
  );
  const deps = { ...world, policy: { activeMs: 60_000, idleMs: 900_000 } };
  return syncCollection(world.rt, deps, rows[0]!.id, {
    sliceMs,
    signal: new AbortController().signal,
  });
}

interface Row {
  kind: string;
  generation: number;
  cursor: Record<string, unknown>;
  full_syncs_today: number;
  parked: string | null;
  error: string | null;
}

const collections = async (): Promise<Row[]> =>
  (
    await world.database.pool.query<Row>(
      'SELECT kind, generation, cursor, full_syncs_today, parked, error FROM syncline.collections ORDER BY kind',
    )
  ).rows;

const generations = async (): Promise<number[]> =>
  (await collections()).map(({ generation }) => generation);

const deletions = async (): Promise<number> =>
  (await rowChanges(world.store, accountId, 0n, 10_000)).filter(({ op }) => op === 'deleted')
    .length;

const refusedLists = async (): Promise<number> => {
  const { methods } = await world.control.ledger();
  return LISTS.reduce((sum, method) => sum + (methods[method]?.faulted ?? 0), 0);
};

test('an expired sync token starts a full sync at once, which keeps the rows', async () => {
  await mirrored();
  await world.control.fault({ kind: 'invalid-sync-token', method: CONNECTIONS });
  world.simulator.act(email, { action: 'contact-create' });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await deletions()).toBe(0);
  expect(await collections()).toMatchObject([
    { kind: 'contacts-connections', generation: 2, full_syncs_today: 1 },
    { kind: 'contacts-groups', generation: 1, full_syncs_today: 0 },
    { kind: 'contacts-other', generation: 1, full_syncs_today: 0 },
  ]);
});

test('a sync token that expires in the midst of an incremental listing starts a full sync', async () => {
  await mirrored({ largestPage: 4 });
  for (let i = 0; i < 12; i++) world.simulator.act(email, { action: 'contact-create' });
  expect(await run('contacts-connections', 0)).toMatchObject({ kind: 'more' });
  const [connections] = await collections();
  expect(connections!.cursor).toMatchObject({
    phase: 'incremental',
    pageToken: expect.any(String),
  });
  await world.control.fault({ kind: 'invalid-sync-token', method: CONNECTIONS });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await deletions()).toBe(0);
  expect((await generations())[0]).toBe(2);
});

test('a page token that expires in the midst of a listing begins the listing again', async () => {
  await mirrored({ largestPage: 4 });
  for (let i = 0; i < 12; i++) world.simulator.act(email, { action: 'contact-create' });
  expect(await run('contacts-connections', 0)).toMatchObject({ kind: 'more' });
  await world.database.pool.query(
    `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{pageToken}', '"forgotten"') WHERE kind = 'contacts-connections'`,
  );
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect((await generations())[0]).toBe(1);
});

test('a sync token that does not suit the parameters of a later version starts a full sync', async () => {
  await mirrored();
  await world.database.pool.query(
    `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{syncToken}', '"of another version"')`,
  );
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await generations()).toEqual([2, 2, 2]);
});

test('full syncs are renewed on the sixth day, before a token expires', async () => {
  await mirrored();
  world.passTime(4 * DAY_MS + 23 * HOUR_MS);
  world.simulator.act(email, { action: 'contact-create' });
  await world.catchUp();
  expect(await generations()).toEqual([1, 1, 1]);
  world.passTime(DAY_MS);
  const refused = await refusedLists();
  await world.catchUp();
  expect(await generations()).toEqual([2, 2, 2]);
  expect(await refusedLists()).toBe(refused);
  // The next full sync is due from the beginning of this one on.
  world.passTime(6 * DAY_MS);
  await world.catchUp();
  expect(await generations()).toEqual([3, 3, 3]);
  expect((await collections()).map((row) => row.full_syncs_today)).toEqual([0, 0, 0]);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await deletions()).toBe(0);
});

test('renewals of accounts that were connected together are spread over a day', async () => {
  await mirrored({ accounts: 8, contactsPerAccount: 1 });
  const due = (await collections()).map(({ cursor }) => Number(cursor['relistAtMs']));
  expect(due).toHaveLength(24);
  const nowMs = world.rt.clock.nowMs();
  for (const atMs of due) {
    expect(atMs - nowMs).toBeGreaterThan(5 * DAY_MS - HOUR_MS);
    expect(atMs - nowMs).toBeLessThan(6 * DAY_MS);
  }
  expect(Math.max(...due) - Math.min(...due)).toBeGreaterThan(6 * HOUR_MS);
});

test('a mirror that nobody synced for eight days is synced in full without an expired token', async () => {
  await mirrored();
  world.simulator.act(email, { action: 'contact-delete' });
  world.passTime(8 * DAY_MS);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect((await collections()).map((row) => row.full_syncs_today)).toEqual([0, 0, 0]);
});

test('a full sync beyond the quota of its first page is tried again after a minute or two', async () => {
  await mirrored();
  await world.control.fault({ kind: '429-full-sync', method: CONNECTIONS, count: 1 });
  await world.store.schedule.requestSync(null, { full: true });
  const nowMs = world.rt.clock.nowMs();
  const outcome = await run('contacts-connections');
  expect(outcome).toMatchObject({ kind: 'snoozed' });
  const waitMs = outcome.kind === 'snoozed' ? outcome.until.getTime() - nowMs : 0;
  expect(waitMs).toBeGreaterThanOrEqual(60_000);
  expect(waitMs).toBeLessThan(125_000);
});

test('changes that reach the lists after minutes are found by a later sync', async () => {
  await mirrored({ propagationDelayMs: 5 * 60_000 });
  world.passTime(10 * 60_000);
  await world.catchUp();
  const { resourceName } = world.simulator.act(email, { action: 'contact-create' });
  await world.catchUp();
  expect(await world.drift()).toMatchObject({ missing: [`${email} contacts ${resourceName}`] });
  world.passTime(6 * 60_000);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a missing scope parks its own list only, and a new consent resumes it', async () => {
  world = await startWorld({
    seed: 303,
    accounts: 1,
    messagesPerAccount: 0,
    calendarsPerAccount: 1,
    eventsPerCalendar: 0,
    contactsPerAccount: 6,
    resources: ['contacts'],
    scopes: ['openid', 'userinfo.email', 'contacts.readonly'],
  });
  email = (await world.control.accounts())[0]!.email;
  expect(await run('contacts-connections')).toMatchObject({ kind: 'caught-up' });
  expect(await run('contacts-groups')).toMatchObject({ kind: 'caught-up' });
  expect(await run('contacts-other')).toMatchObject({
    kind: 'parked',
    reason: expect.stringContaining('the grant does not cover "Other contacts"'),
  });
  expect(await collections()).toMatchObject([
    { kind: 'contacts-connections', parked: null, error: null },
    { kind: 'contacts-groups', parked: null, error: null },
    { kind: 'contacts-other', parked: 'scope' },
  ]);
  expect(await world.store.accounts.list()).toMatchObject([{ state: 'active' }]);
  const refreshToken = world.simulator.consent(email, [
    'openid',
    'userinfo.email',
    'contacts.readonly',
    'contacts.other.readonly',
  ]);
  await world.store.accounts.import({ email, refreshToken, tenant: 'default' });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
