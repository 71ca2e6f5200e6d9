import { ROUTES, type Route, type RouteId } from '@syncline/contract';
import { SCOPES } from '@syncline/contract/scopes';
import { REQUIRED_QUERIES } from '../support/api-read-examples.js';
import { startApi, type ApiWorld } from '../support/api-world.js';

/* Who may call what: every route of the table with every kind of key. */

let world: ApiWorld;
let acmeAccount: string;
let acmeOperation: string;
let globexAccount: string;
let acmeKeyId: string;
/** A key of each kind that is not accepted. */
const refused: Record<string, string | null> = {};

beforeAll(async () => {
  world = await startApi();
  acmeAccount = await world.account({ email: 'ada@example.com', tenant: 'acme' });
  globexAccount = await world.account({ email: 'grace@example.com', tenant: 'globex' });
  const admin = await world.key();
  acmeKeyId = idOf(await world.key({ tenant: 'acme' }));
  const made = await world.send('POST', `/v1/accounts/${acmeAccount}/verifications`, {
    key: admin,
  });
  acmeOperation = (made.json as { id: string }).id;
  await makeKeys(admin);
});
afterAll(() => world.close());

async function makeKeys(good: string): Promise<void> {
  const revoked = await world.key();
  await world.store.apiKeys.revoke(idOf(revoked));
  const expired = await world.key({ expiresInMs: 1 });
  await world.database.pool.query(
    "UPDATE syncline.api_keys SET expires_at = now() - interval '1 s' WHERE id = $1",
    [idOf(expired)],
  );
  const other = await world.key();
  Object.assign(refused, {
    none: null,
    malformed: 'synk_x',
    'with a wrong checksum': `${good.slice(0, -1)}${good.endsWith('a') ? 'b' : 'a'}`,
    'with a wrong prefix': good.replace('synk', 'sink'),
    unknown: await unknownKey(),
    'of another id': `${other.slice(0, 16)}${good.slice(16)}`,
    revoked,
    expired,
  });
}

function idOf(key: string): string {
  return key.slice(5, 15);
}

/** A well-formed key that is not stored. */
async function unknownKey(): Promise<string> {
  const key = await world.key();
  await world.database.pool.query('DELETE FROM syncline.api_keys WHERE id = $1', [idOf(key)]);
  return key;
}

const table = Object.entries(ROUTES) as [RouteId, Route][];
const secured = table.filter(([, { scope }]) => scope !== null);

/** A request of the route that would work, about the account, operation or key of acme. */
function requestOf({ path, accountIn, body }: Route): { path: string; body?: object } {
  const id = idIn(path);
  const query = accountIn === 'query' ? `?account=${acmeAccount}` : '';
  return {
    path: `${path.replace('{id}', id)}${query}`,
    ...(body === null ? {} : { body: bodyOf(path) }),
  };
}

function idIn(path: string): string {
  if (path.includes('operations')) return acmeOperation;
  return path.includes('api-keys') ? acmeKeyId : acmeAccount;
}

function bodyOf(path: string): object {
  if (path === '/v1/quota/plan') return { account: acmeAccount };
  if (path === '/v1/api-keys') return { name: 'new', scopes: ['feed:read'] };
  if (path.startsWith('/v1/quarantine')) return { account: acmeAccount, ids: ['x'] };
  if (path === '/v1/accounts')
    return { email: 'new@example.com', refreshToken: '1//new', tenant: 'acme' };
  return path === '/v1/accounts/{id}' ? { paused: true } : {};
}

/** Everything that a request could change. */
async function rows(): Promise<string> {
  const tables = [
    'accounts',
    'collections',
    'credentials',
    'operations',
    'refetch_items',
    'quarantined_items',
    'idempotent_requests',
  ];
  const found = await Promise.all(
    tables.map((name) =>
      world.database.pool.query(
        `SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) AS hash FROM syncline.${name} t`,
      ),
    ),
  );
  return found.map(({ rows: [row] }) => (row as { hash: string }).hash).join();
}

test('the table has secured routes, and every scope of a route exists', () => {
  expect(secured.length).toBeGreaterThan(10);
  for (const [id, { scope }] of secured)
    expect([id, scope === 'any' || SCOPES.some((one) => one === scope)]).toEqual([id, true]);
});

test.each(secured)(
  '%s: a key that is not accepted changes nothing and learns nothing',
  async (_id, route) => {
    const before = await rows();
    const { path, body } = requestOf(route);
    const answers = new Set<string>();
    for (const [kind, key] of Object.entries(refused)) {
      const answer = await world.send(route.method, path, { key, body });
      expect([kind, answer.status]).toEqual([kind, 401]);
      answers.add(JSON.stringify({ ...(answer.json as object), instance: '' }));
    }
    expect(answers.size).toBe(1);
    expect(await rows()).toBe(before);
  },
);

test.each(secured.filter(([, { scope }]) => scope !== 'any'))(
  '%s: a key with every scope but its own is refused',
  async (_id, route) => {
    const before = await rows();
    const key = await world.key({ scopes: SCOPES.filter((scope) => scope !== route.scope) });
    const { path, body } = requestOf(route);
    const answer = await world.send(route.method, path, { key, body });
    expect(answer).toMatchObject({
      status: 403,
      json: { type: 'urn:syncline:problem:missing-scope', scope: route.scope },
    });
    expect(await rows()).toBe(before);
  },
);

test.each(
  secured.filter(
    ([id, { accountIn }]) =>
      accountIn !== undefined || ['operations.get', 'keys.revoke', 'keys.rotate'].includes(id),
  ),
)('%s: what belongs to another tenant is not found', async (id, route) => {
  const before = await rows();
  const key = await world.key({ tenant: 'globex' });
  const { path: ofRoute, body } = requestOf(route);
  const required = REQUIRED_QUERIES[id];
  const path = required === undefined ? ofRoute : `${ofRoute}?${required}`;
  const answer = await world.send(route.method, path, { key, body });
  expect(answer.status).toBe(404);
  const unknown = await world.send(route.method, path.replace(acmeAccount, OTHER_ID), {
    key,
    body: JSON.parse(JSON.stringify(body ?? null).replaceAll(acmeAccount, OTHER_ID)) ?? undefined,
  });
  expect(withoutInstance(answer.json)).toEqual(withoutInstance(unknown.json));
  expect(await rows()).toBe(before);
});

const OTHER_ID = '00000000-0000-4000-8000-000000000000';

function withoutInstance(problem: unknown): object {
  return { ...(problem as object), instance: '' };
}

test('lists show a key of one tenant only its rows', async () => {
  await world.database.pool.query(
    "INSERT INTO syncline.quarantined_items (account_id, collection_id, item_id, reason) SELECT account_id, id, 'item', 'for a test' FROM syncline.collections WHERE kind = 'gmail'",
  );
  await world.database.pool.query(
    "INSERT INTO syncline.quota_ledger (account_id, day, method, calls, units) SELECT id, (now() AT TIME ZONE 'America/Los_Angeles')::date, 'gmail.messages.get', 1, 20 FROM syncline.accounts",
  );
  const key = await world.key({ tenant: 'globex' });
  for (const path of ['/v1/accounts', '/v1/accounts?tenant=acme', '/v1/quarantine', '/v1/quota']) {
    const { status, text } = await world.send('GET', path, { key });
    expect([path, status, text.includes(acmeAccount), text.includes('ada@')]).toEqual([
      path,
      200,
      false,
      false,
    ]);
    expect([path, text.includes(globexAccount)]).toEqual([path, !path.includes('acme')]);
  }
  const everyTenant = await world.send('GET', '/v1/accounts', { key: await world.key() });
  expect(everyTenant.text).toContain(acmeAccount);
});

test('a key is neither read from the address nor from a cookie', async () => {
  const key = await world.key();
  const inQuery = await world.send('GET', `/v1/accounts?key=${key}`);
  const inCookie = await world.send('GET', '/v1/accounts', { headers: { Cookie: `key=${key}` } });
  expect([inQuery.status, inCookie.status]).toEqual([401, 401]);
});

test('guesses from one address are limited, and good keys go on', async () => {
  const other = await startApi({ on: world, failureLimit: 20 });
  const statuses: number[] = [];
  for (let i = 0; i < 22; i++) statuses.push((await other.send('GET', '/v1/accounts')).status);
  expect(statuses).toEqual([...Array<number>(20).fill(401), 429, 429]);
  expect((await other.send('GET', '/v1/accounts', { key: await world.key() })).status).toBe(200);
  await other.close();
});
