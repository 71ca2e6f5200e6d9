import { syncCollection, verifyAccount } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/* What deletes contacts that a full listing lacks, and what finds rows that differ from Google. */

let world: World;
let email: string;
let accountId: string;
beforeEach(async () => {
  world = await startWorld({
    seed: 304,
    accounts: 1,
    messagesPerAccount: 0,
    calendarsPerAccount: 1,
    eventsPerCalendar: 0,
    contactsPerAccount: 20,
    resources: ['contacts'],
  });
  email = (await world.control.accounts())[0]!.email;
  accountId = (await world.store.accounts.list())[0]!.id;
  await world.catchUp();
});
afterEach(() => world.close());

const query = async <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
  (await world.database.pool.query(text, values)).rows as Row[];

const deletedSince = async (seq: bigint): Promise<string[]> =>
  (await rowChanges(world.store, accountId, seq, 1_000))
    .filter(({ op }) => op === 'deleted')
    .map(({ id }) => id);

const lastSeq = async (): Promise<bigint> => (await world.store.feed.position(accountId)).seq;

async function fullSync(): Promise<void> {
  await world.store.schedule.requestSync(null, { full: true });
  await world.catchUp();
}

test.each(['people.connections.list', 'otherContacts.list', 'contactGroups.list'])(
  'an empty answer of %s deletes nothing',
  async (method) => {
    const before = await lastSeq();
    await world.control.fault({ kind: 'empty-listing', method, count: 1 });
    await fullSync();
    expect(await deletedSince(before)).toEqual([]);
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    expect(await query('SELECT count(*)::int AS held FROM syncline.held_items')).toEqual([
      { held: 0 },
    ]);
  },
);

test('a few other contacts are deleted by two listings that lack them, as no call reads one of them', async () => {
  const book = world.simulator.world.get(email)!.contacts;
  const others = book.others.current().map(({ id }) => id);
  const kept = others[0]!;
  const before = await lastSeq();
  await world.control.fault({ kind: 'invalid-sync-token', method: 'otherContacts.list' });
  for (const id of others.slice(1)) book.deleteOther(id, world.simulator.clock.nowMs());
  await world.catchUp();
  expect((await deletedSince(before)).sort()).toEqual(others.slice(1).sort());
  expect(await query('SELECT id FROM syncline.other_contacts')).toEqual([{ id: kept }]);
  expect((await world.rt.metrics.sweepsConfirmed.get()).values).toMatchObject([
    { labels: { kind: 'contacts-other' }, value: 1 },
  ]);
});

test('contacts that were deleted while the sync token expired are asked for by name and swept', async () => {
  const book = world.simulator.world.get(email)!.contacts;
  const some = book.contacts.current().slice(0, 3);
  const before = await lastSeq();
  await world.control.fault({ kind: 'invalid-sync-token', method: 'people.connections.list' });
  for (const { id } of some) book.deleteContact(id, world.simulator.clock.nowMs());
  await world.catchUp();
  expect((await deletedSince(before)).sort()).toEqual(some.map(({ id }) => id).sort());
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('verification finds rows that differ, and a repair restores them', async () => {
  const clean = { missing: [], extra: [], stale: [], unread: [] };
  expect(await verifyAccount(world.rt, world, accountId, 'contacts')).toEqual({
    resource: 'contacts',
    checked: 20 + 10 + 11,
    ...clean,
  });
  const broken = await breakRows();
  const report = await verifyAccount(world.rt, world, accountId, 'contacts', { catchUpMs: 0 });
  expect(report).toMatchObject({
    missing: [broken.missing],
    extra: ['people/c0'],
    stale: [broken.stale],
  });
  await fullSync();
  expect(await verifyAccount(world.rt, world, accountId, 'contacts')).toMatchObject(clean);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a list without its scope is unread in a verification, and the others are compared', async () => {
  const fault = await world.control.fault({
    kind: '403-insufficient-scope',
    method: 'otherContacts.list',
  });
  expect(
    await verifyAccount(world.rt, world, accountId, 'contacts', { catchUpMs: 0 }),
  ).toMatchObject({
    checked: 31,
    missing: [],
    extra: [],
    unread: ['people.otherContacts.list'],
  });
  await world.control.endFault((fault as { id: number }).id);
});

test('an audit finds rows that differ, and the next run repairs them', async () => {
  const broken = await breakRows();
  const before = await lastSeq();
  const policy = { activeMs: 60_000, idleMs: 900_000, auditEveryMs: 3_600_000 };
  await query(
    "UPDATE syncline.collections SET full_sync_started_at = now() - interval '2 h', next_sync_at = now()",
  );
  for (const { id } of await query<{ id: string }>('SELECT id FROM syncline.collections'))
    await syncCollection(world.rt, { ...world, policy }, id, {
      sliceMs: 5_000,
      signal: new AbortController().signal,
    });
  expect(
    await query(
      'SELECT c.kind, a.checked, a.drift FROM syncline.collection_audits a JOIN syncline.collections c ON c.id = a.collection_id ORDER BY c.kind',
    ),
  ).toEqual([
    { kind: 'contacts-connections', checked: '20', drift: 2 },
    { kind: 'contacts-groups', checked: '11', drift: 1 },
    { kind: 'contacts-other', checked: '10', drift: 0 },
  ]);
  await world.catchUp();
  expect(
    (await rowChanges(world.store, accountId, before, 100))
      .map(({ id, op }) => `${id} ${op}`)
      .sort(),
  ).toEqual([`${broken.missing} created`, `${broken.stale} updated`, 'people/c0 deleted'].sort());
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

/** Deletes a group's row, adds a contact that Google does not have, and changes another one. */
async function breakRows(): Promise<{ missing: string; stale: string }> {
  const [missing] = await query<{ id: string }>(
    "DELETE FROM syncline.contact_groups WHERE id = (SELECT min(id) FROM syncline.contact_groups WHERE type = 'USER_CONTACT_GROUP') RETURNING id",
  );
  const [stale] = await query<{ id: string }>(
    `UPDATE syncline.contacts SET resource = resource || '{"etag":"another"}' WHERE id = (SELECT min(id) FROM syncline.contacts) RETURNING id`,
  );
  await query(
    `INSERT INTO syncline.contacts (account_id, id, resource) VALUES ($1, 'people/c0', '{"resourceName":"people/c0"}')`,
    [accountId],
  );
  return { missing: missing!.id, stale: stale!.id };
}
