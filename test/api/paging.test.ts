import { encodeCursor } from '@syncline/contract';
import fc from 'fast-check';
import { startApi, type ApiWorld } from '../support/api-world.js';

/* Lists: a row that stays is in exactly one page, whatever comes and goes between the pages. */

let world: ApiWorld;
let key: string;

beforeAll(async () => {
  world = await startApi();
  key = await world.key();
});
afterAll(() => world.close());

interface Page {
  data: { id: string; itemId: string }[];
  next: string | null;
}

/** Reads every page; `between` runs after each. */
async function readAll(
  path: string,
  between: () => Promise<void> = async () => undefined,
): Promise<Page['data']> {
  const rows: Page['data'] = [];
  for (let next: string | null = ''; next !== null;) {
    const cursor = next === '' ? '' : `&cursor=${next}`;
    const page: Page = (await world.send('GET', `${path}${cursor}`, { key })).json as Page;
    rows.push(...page.data);
    ({ next } = page);
    await between();
  }
  return rows;
}

test('accounts that stay are listed exactly once while others come, go and are renamed', async () => {
  const stay = new Set<string>();
  for (let i = 0; i < 12; i++)
    stay.add(
      await world.account({
        email: `stays-${i}@example.com`,
        tenant: ['a', 'b', 'B', 'é'][i % 4]!,
      }),
    );
  const gone: string[] = [];
  for (let i = 0; i < 8; i++)
    gone.push(await world.account({ email: `goes-${i}@example.com`, tenant: 'b' }));
  for (const limit of [1, 3, 7]) {
    let step = 0;
    const listed = await readAll(`/v1/accounts?limit=${limit}`, async () => {
      step += 1;
      await world.account({ email: `comes-${limit}-${step}@example.com`, tenant: 'b' });
      const leaver = gone.pop();
      if (leaver !== undefined) await erase(leaver);
      await world.database.pool.query(
        'UPDATE syncline.accounts SET email = $2, address = $2 WHERE id = (SELECT id FROM syncline.accounts WHERE id = ANY($1) ORDER BY md5(id::text || $2) LIMIT 1)',
        [[...stay], `renamed-${limit}-${step}@example.com`],
      );
      // New accounts stop at some time, so that the list ends.
      if (step > 40) throw new Error('the list does not end');
    }).catch((error: unknown) => error as Error);
    if (listed instanceof Error) throw listed;
    const found = listed.map(({ id }) => id);
    expect(found.filter((id) => stay.has(id)).toSorted()).toEqual([...stay].toSorted());
    expect(new Set(found).size).toBe(found.length);
  }
});

async function erase(id: string): Promise<void> {
  await world.store.removal.begin(id);
  while (!(await world.store.removal.eraseSome(id)).done);
}

test('items in quarantine are listed exactly once, for any ids and page size', async () => {
  const id = await world.account({ email: 'quarantine@example.com', tenant: 'q' });
  const ids = [
    ...new Set(fc.sample(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }), 60)),
  ];
  await world.database.pool.query(
    "INSERT INTO syncline.quarantined_items (account_id, collection_id, item_id, reason) SELECT account_id, id, item, 'for a test' FROM syncline.collections, unnest($2::text[]) AS item WHERE account_id = $1 AND kind = 'gmail'",
    [id, ids],
  );
  for (const limit of [1, 7, 500]) {
    const listed = await readAll(`/v1/quarantine?account=${id}&limit=${limit}`);
    expect(listed.map(({ itemId }) => itemId).toSorted()).toEqual(ids.toSorted());
  }
});

test('a forged cursor is refused, and never an error', async () => {
  const query = { limit: 50 };
  for (const [route, path, params] of [
    ['accounts.list', '/v1/accounts', { tenant: null }],
    ['quarantine.list', '/v1/quarantine', { tenant: null }],
  ] as const)
    for (const position of [
      ['a', 'no-id'],
      ['\u0000', UNKNOWN],
      ['no-id', UNKNOWN, 'a'],
      [UNKNOWN, UNKNOWN, '\u0000'],
    ]) {
      const cursor = encodeCursor({ route, params, query }, position);
      const answer = await world.send('GET', `${path}?cursor=${cursor}`, { key });
      expect([path, position, answer.status]).toEqual([path, position, 400]);
    }
});

const UNKNOWN = '00000000-0000-4000-8000-000000000000';

test('a cursor of another filter, tenant or list is refused', async () => {
  const { next } = (await world.send('GET', '/v1/accounts?limit=1', { key })).json as Page;
  const refused = [
    `/v1/accounts?state=active&cursor=${next}`,
    `/v1/quarantine?cursor=${next}`,
    `/v1/accounts?cursor=${next?.slice(0, -2)}`,
  ];
  for (const path of refused)
    expect(await world.send('GET', path, { key })).toMatchObject({
      status: 400,
      json: { type: 'urn:syncline:problem:bad-cursor' },
    });
  const ofTenant = await world.key({ tenant: 'a' });
  expect(
    (await world.send('GET', `/v1/accounts?limit=1&cursor=${next}`, { key: ofTenant })).status,
  ).toBe(400);
});
