import { NO_DRIFT } from '../support/drift.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/* Contacts, other contacts and contact groups, through the People API's lists. */

let world: World;
let email: string;
let accountId: string;
beforeEach(async () => {
  world = await startWorld({
    seed: 301,
    accounts: 1,
    messagesPerAccount: 0,
    calendarsPerAccount: 1,
    eventsPerCalendar: 0,
    contactsPerAccount: 24,
    largestPage: 7,
    shortPeoplePages: true,
    resources: ['contacts'],
  });
  email = (await world.control.accounts())[0]!.email;
  accountId = (await world.store.accounts.list())[0]!.id;
  await world.catchUp();
});
afterEach(() => world.close());

const rows = async <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
  (await world.database.pool.query(text, values)).rows as Row[];

const idsOf = async (table: string): Promise<string[]> =>
  (await rows<{ id: string }>(`SELECT id FROM syncline.${table} ORDER BY id`)).map(({ id }) => id);

const lastSeq = async (): Promise<bigint> => (await world.store.feed.position(accountId)).seq;

/** `contact people/c1 created`, sorted. */
const changesAfter = async (seq: bigint): Promise<string[]> =>
  (await rowChanges(world.store, accountId, seq, 1_000))
    .map(({ entity, id, op }) => `${entity} ${id} ${op}`)
    .sort();

/** The rows that the feed, folded from its beginning, says to exist. */
async function folded(): Promise<string[]> {
  const live = new Set<string>();
  for (const { entity, id, op } of await rowChanges(world.store, accountId, 0n, 10_000)) {
    const key = `${entity} ${id}`;
    expect(live.has(key)).toBe(op !== 'created');
    if (op === 'deleted') live.delete(key);
    else live.add(key);
  }
  return [...live].sort();
}

async function stored(): Promise<string[]> {
  const tables = [
    ['contact', 'contacts'],
    ['other_contact', 'other_contacts'],
    ['contact_group', 'contact_groups'],
  ] as const;
  const keys = await Promise.all(
    tables.map(async ([entity, table]) => (await idsOf(table)).map((id) => `${entity} ${id}`)),
  );
  return keys.flat().sort();
}

const act = (order: object): { resourceName?: string } =>
  world.simulator.act(email, order as Parameters<World['simulator']['act']>[1]);

test('a full sync mirrors the three lists, each in a collection of its own', async () => {
  expect(await world.drift()).toMatchObject({ ...NO_DRIFT, checked: { contacts: 24 + 12 + 11 } });
  expect(
    await rows('SELECT kind, external_id, phase FROM syncline.collections ORDER BY kind'),
  ).toEqual([
    { kind: 'contacts-connections', external_id: 'connections', phase: 'incremental' },
    { kind: 'contacts-groups', external_id: 'contactGroups', phase: 'incremental' },
    { kind: 'contacts-other', external_id: 'otherContacts', phase: 'incremental' },
  ]);
  expect(await folded()).toEqual(await stored());
});

test('columns have the names, addresses, numbers and groups that the resource has', async () => {
  const person = {
    names: [{ givenName: 'Ada', familyName: 'Lovelace' }],
    emailAddresses: [{ value: 'ada@example.com' }, { value: 'a.l@example.com' }],
    phoneNumbers: [{ value: '+44 20 1234 5678' }],
  };
  const { resourceName } = act({ action: 'contact-create', person });
  const group = act({ action: 'group-create', name: 'Analysts' });
  act({ action: 'group-add', resourceName, groupName: group.resourceName });
  await world.catchUp();
  expect(
    await rows(
      'SELECT display_name, email_addresses, phone_numbers, group_ids FROM syncline.contacts WHERE id = $1',
      [resourceName],
    ),
  ).toEqual([
    {
      display_name: 'Ada Lovelace',
      email_addresses: ['ada@example.com', 'a.l@example.com'],
      phone_numbers: ['+44 20 1234 5678'],
      group_ids: ['contactGroups/myContacts', group.resourceName],
    },
  ]);
  expect(
    await rows('SELECT name, type FROM syncline.contact_groups WHERE id = $1', [
      group.resourceName,
    ]),
  ).toEqual([{ name: 'Analysts', type: 'USER_CONTACT_GROUP' }]);
});

test('incremental syncs apply what users do, and give the same rows as a full sync', async () => {
  for (let round = 0; round < 4; round++) {
    world.simulator.actAtRandom(60);
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  }
  const before = await lastSeq();
  await world.store.schedule.requestSync(null, { full: true });
  await world.catchUp();
  expect(await changesAfter(before)).toEqual([]);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await folded()).toEqual(await stored());
});

test.each([
  ['with a tombstone', true],
  ['without a tombstone', false],
])('a merged contact is deleted with its former name, reported %s', async (_how, tombstone) => {
  const [kept, merged] = await idsOf('contacts');
  const before = await lastSeq();
  act({ action: 'contact-merge', resourceName: kept, formerName: merged, tombstone });
  await world.catchUp();
  expect(await changesAfter(before)).toEqual(
    [`contact ${kept} updated`, `contact ${merged} deleted`].sort(),
  );
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a contact that is linked with a Google account has one row, under its new name', async () => {
  const [former] = await idsOf('contacts');
  const before = await lastSeq();
  const { resourceName } = act({
    action: 'contact-link',
    resourceName: former,
    tombstone: false,
  });
  await world.catchUp();
  expect(await changesAfter(before)).toEqual(
    [`contact ${former} deleted`, `contact ${resourceName} created`].sort(),
  );
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  // Its former name comes again with each of its changes.
  act({ action: 'contact-update', resourceName });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a deleted group disappears, and its members remain without it', async () => {
  const { resourceName: groupName } = act({ action: 'group-create', name: 'Choir' });
  const members = (await idsOf('contacts')).slice(0, 3);
  for (const resourceName of members) act({ action: 'group-add', resourceName, groupName });
  await world.catchUp();
  const inGroup = async (): Promise<unknown[]> =>
    rows('SELECT id FROM syncline.contacts WHERE $1 = ANY(group_ids) ORDER BY id', [groupName]);
  expect(await inGroup()).toEqual(members.map((id) => ({ id })));
  const before = await lastSeq();
  act({ action: 'group-delete', resourceName: groupName });
  await world.catchUp();
  expect(await inGroup()).toEqual([]);
  expect(await changesAfter(before)).toEqual(
    [...members.map((id) => `contact ${id} updated`), `contact_group ${groupName} deleted`].sort(),
  );
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('an other contact that becomes a contact moves from one table to the other', async () => {
  const [other] = await idsOf('other_contacts');
  const before = await lastSeq();
  const { resourceName } = act({ action: 'other-promote', resourceName: other });
  await world.catchUp();
  expect(await changesAfter(before)).toEqual(
    [`contact ${resourceName} created`, `other_contact ${other} deleted`].sort(),
  );
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('hostile texts are cleaned, and a name that cannot be stored quarantines its contact alone', async () => {
  const [cleaned, unstorable] = await idsOf('contacts');
  await world.control.fault({
    kind: 'altered-answer',
    item: cleaned,
    patch: { names: [{ displayName: 'A\0da\ud800' }], emailAddresses: 'none' },
  });
  await world.control.fault({
    kind: 'altered-answer',
    item: unstorable,
    patch: { resourceName: 'people/c\ud800' },
  });
  act({ action: 'contact-update', resourceName: cleaned });
  act({ action: 'contact-update', resourceName: unstorable });
  act({ action: 'contact-create' });
  await world.catchUp();
  expect(
    await rows('SELECT display_name, email_addresses FROM syncline.contacts WHERE id = $1', [
      cleaned,
    ]),
  ).toEqual([{ display_name: 'Ada\ufffd', email_addresses: [] }]);
  const aside = await world.store.quarantine.list([accountId]);
  expect(aside).toMatchObject([
    {
      kind: 'contacts-connections',
      itemId: expect.stringMatching(/^unstorable-/),
      reason: expect.stringContaining('surrogate'),
    },
  ]);
  await world.control.clearFaults();
  await world.store.quarantine.retry(
    accountId,
    aside.map(({ itemId }) => itemId),
  );
  await world.catchUp();
  expect(await world.store.quarantine.list([accountId])).toEqual([]);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
