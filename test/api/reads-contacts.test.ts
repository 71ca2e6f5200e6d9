import { startApi, type ApiWorld } from '../support/api-world.js';
import { startWorld, type World } from '../support/world.js';

/* Contacts over HTTP, mirrored from the simulator. */

interface Contact {
  kind: 'person' | 'other' | 'group';
  resource: { resourceName: string };
}
interface List {
  data: Contact[];
  next: string | null;
  seq: number;
  epoch: number;
  freshness: { asOf: string | null; phase: string; complete: boolean };
}

let world: World;
let api: ApiWorld;
let key: string;
let account: string;
let exported: Contact[];

beforeAll(async () => {
  world = await startWorld({
    seed: 1_505,
    accounts: 1,
    messagesPerAccount: 0,
    calendarsPerAccount: 1,
    contactsPerAccount: 30,
    resources: ['contacts'],
  });
  await world.catchUp();
  api = await startApi({ on: world });
  key = await api.key();
  account = (await world.store.accounts.list())[0]!.id;
  exported = [];
  for await (const one of world.store.mirror.documents(account, 'contacts'))
    exported.push(one as Contact);
}, 120_000);
afterAll(async () => {
  await api.close();
  await world.close();
});

const get = (path: string): ReturnType<ApiWorld['send']> =>
  api.send('GET', `/v1/accounts/${account}/${path}`, { key });

/** Follows `next` to the end; `between` runs after each page. */
async function all(
  query: string,
  between: () => Promise<unknown> = async () => undefined,
): Promise<Contact[]> {
  const rows: Contact[] = [];
  for (let cursor = '', pages = 1; pages < 500; pages++) {
    const { status, json } = await get(`contacts?${query}${cursor}`);
    expect(status).toBe(200);
    const { data, next } = json as List;
    rows.push(...data);
    if (next === null) return rows;
    cursor = `&cursor=${next}`;
    await between();
  }
  throw new Error('the list has no end');
}

const nameOf = ({ resource }: Contact): string => resource.resourceName;
const sorted = (contacts: readonly Contact[]): Contact[] =>
  contacts.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));

test('the pages of each kind, and of all, have each contact once, as export gives it', async () => {
  for (const limit of [1, 7, 500])
    expect(sorted(await all(`limit=${limit}`))).toEqual(sorted(exported));
  for (const kind of ['person', 'other', 'group'] as const) {
    const ofKind = exported.filter((one) => one.kind === kind);
    expect(ofKind.length).toBeGreaterThan(0);
    expect(sorted(await all(`kind=${kind}&limit=3`))).toEqual(sorted(ofKind));
  }
});

test('one contact is found by its resource name, with the freshness of its own list', async () => {
  const [known] = await world.store.accounts.list();
  for (const [kind, collection] of [
    ['person', 'contacts-connections'],
    ['other', 'contacts-other'],
    ['group', 'contacts-groups'],
  ] as const) {
    const one = exported.find((contact) => contact.kind === kind)!;
    const { json, headers } = await get(`contacts/${encodeURIComponent(nameOf(one))}`);
    expect(json).toEqual(one);
    const { caughtUpAt } = known!.collections.find((other) => other.kind === collection)!;
    expect(JSON.parse(headers.get('syncline-freshness')!)).toMatchObject({
      asOf: caughtUpAt!.toISOString(),
    });
  }
  for (const name of ['people%2Funknown', 'people', '%00', '..%2F..'])
    expect([name, (await get(`contacts/${name}`)).status]).toEqual([name, 404]);
});

test('contacts that stay are given exactly once while others come and go', async () => {
  let step = 0;
  const { pool } = world.database;
  const listed = await all('limit=4', async () => {
    step += 1;
    // Names before, between and after those of the mirror.
    for (const [table, name] of [
      ['contact_groups', `contactGroups/0-${step}`],
      ['other_contacts', `otherContacts/c-${step}`],
      ['contacts', `people/c${step}-comes`],
    ])
      await pool.query(
        `INSERT INTO syncline.${table} (account_id, id, resource) VALUES ($1, $2, jsonb_build_object('resourceName', $2::text))`,
        [account, name],
      );
    await pool.query('DELETE FROM syncline.contacts WHERE account_id = $1 AND id = $2', [
      account,
      `people/c${step - 1}-comes`,
    ]);
  });
  for (const table of ['contact_groups', 'other_contacts', 'contacts'])
    await pool.query(
      `DELETE FROM syncline.${table} WHERE account_id = $1 AND NOT id = ANY($2::text[])`,
      [account, exported.map(nameOf)],
    );
  const names = listed.map(nameOf);
  expect(new Set(names).size).toBe(names.length);
  const stayed = exported.map(nameOf);
  expect(names.filter((name) => stayed.includes(name)).sort()).toEqual(stayed.sort());
});

test('a list of contacts has the freshness of what it reads, and is not sent again unchanged', async () => {
  const { json, headers } = await get('contacts?limit=1');
  const { seq, epoch, freshness } = json as List;
  const position = await world.store.feed.position(account);
  expect([epoch, seq]).toEqual([position.epoch, Number(position.seq)]);
  const [known] = await world.store.accounts.list();
  const caughtUp = known!.collections.map(({ caughtUpAt }) => caughtUpAt!.toISOString()).sort();
  expect(caughtUp).toHaveLength(3);
  expect(freshness).toMatchObject({ asOf: caughtUp[0], phase: 'incremental', complete: true });
  const groups = (await get('contacts?kind=group')).json as List;
  const ofGroups = known!.collections.find(({ kind }) => kind === 'contacts-groups')!;
  expect(groups.freshness.asOf).toBe(ofGroups.caughtUpAt!.toISOString());
  const again = await api.send('GET', `/v1/accounts/${account}/contacts?limit=1`, {
    key,
    headers: { 'If-None-Match': headers.get('etag') ?? '' },
  });
  expect(again.status).toBe(304);
});

test('a cursor belongs to its kind, and other kinds are refused', async () => {
  const { next } = (await get('contacts?kind=person&limit=1')).json as List;
  expect((await get(`contacts?kind=person&limit=9&cursor=${next}`)).status).toBe(200);
  for (const query of [`cursor=${next}`, `kind=other&cursor=${next}`, 'kind=people', 'kind='])
    expect([query, (await get(`contacts?${query}`)).status]).toEqual([query, 400]);
  const poor = await api.key({ scopes: ['mail:metadata', 'calendar:read'] });
  expect(await api.send('GET', `/v1/accounts/${account}/contacts`, { key: poor })).toMatchObject({
    status: 403,
    json: { scope: 'contacts:read' },
  });
});
