import { randomBytes, randomUUID } from 'node:crypto';
import { testDatabase, testRuntime, type TestDatabase } from '../../../test/support/database.js';
import { migrate, openStore, type Store } from './index.js';

/* Addresses compare without case whatever the database's collation; `C` knows ASCII letters only. */

const UPPER = 'ÄNNE@BÜCHER.example';
const LOWER = 'änne@bücher.example';
/** The same letters, each umlaut as two characters. */
const DECOMPOSED = LOWER.normalize('NFD');

let server: TestDatabase;
let name: string;
let store: Store;

beforeAll(async () => {
  server = await testDatabase();
});
afterAll(() => server.drop());
beforeEach(async () => {
  name = `collation_${randomUUID().slice(0, 8)}`;
  await server.pool.query(
    `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
  );
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  await migrate(url.href);
  store = await openStore(testRuntime(), {
    databaseUrl: url.href,
    masterKey: randomBytes(32),
    poolSize: 2,
  });
});
afterEach(async () => {
  await store.close();
  await server.pool.query(`DROP DATABASE ${name} WITH (FORCE)`);
});

function connect(email: string, tenant = 'default'): Promise<{ id: string; created: boolean }> {
  return store.accounts.import({
    email,
    tenant,
    refreshToken: `1//${email}`,
    resources: ['gmail'],
  });
}

test.each([LOWER, DECOMPOSED])(
  'an import in another spelling (%j) renews the account',
  async (email) => {
    const { id } = await connect(UPPER);
    expect(await connect(email)).toEqual({ id, created: false });
    expect(await store.accounts.list([email])).toMatchObject([{ id, email: UPPER }]);
    expect(await store.accounts.named([email])).toMatchObject([{ id, email: UPPER }]);
  },
);

test('an account that is renamed to the address of another one is not renamed', async () => {
  await connect(UPPER);
  const { id } = await connect('other@bücher.example');
  expect(await store.identities.bind(id, 0, { sub: '7', address: LOWER })).toEqual({
    kind: 'address-taken',
  });
});

test('a spelling that differs in case alone renames nothing, and a former address finds the account', async () => {
  const { id } = await connect(UPPER);
  const bind = (address: string): Promise<object> =>
    store.identities.bind(id, 0, { sub: '7', address });
  expect(await bind(LOWER)).toMatchObject({ renamedFrom: null });
  expect(await bind('new@bücher.example')).toMatchObject({ renamedFrom: UPPER });
  expect(await store.accounts.list([UPPER])).toMatchObject([{ id, aliases: [LOWER] }]);
  expect(await connect(UPPER)).toEqual({ id, created: false });
});

test('an identity is found by its address in another case, and shared by accounts that name it so', async () => {
  const [one, two] = [await connect(UPPER, 'one'), await connect(LOWER, 'two')];
  const bound = await store.identities.bind(one.id, 0, { sub: null, address: UPPER });
  const { identityId } = bound as { identityId: string };
  expect(await store.identities.find('default', { sub: null, address: LOWER })).toBe(identityId);
  expect(await store.removal.grantUse(one.id)).toMatchObject({ sharedWith: ['two'] });
  expect(await store.identities.bind(two.id, 0, { sub: null, address: LOWER })).toMatchObject({
    identityId,
  });
});
