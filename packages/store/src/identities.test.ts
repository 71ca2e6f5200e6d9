import { storeFixture, type StoreFixture } from '../../../test/support/database.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

async function connect(email: string, tenant = 'acme', refreshToken = `1//${email}`) {
  return (
    await fixture.store.accounts.import({ email, refreshToken, tenant, resources: ['gmail'] })
  ).id;
}

async function row(accountId: string): Promise<Record<string, unknown>> {
  const { rows } = await fixture.database.pool.query(
    'SELECT email, google_sub, identity_id, grant_number, verified_grant FROM syncline.accounts WHERE id = $1',
    [accountId],
  );
  return rows[0] as Record<string, unknown>;
}

const identities = async (): Promise<number> =>
  (await fixture.database.pool.query('SELECT 1 FROM syncline.identities')).rowCount ?? 0;

const keys = async (): Promise<string[]> =>
  (
    await fixture.database.pool.query<{ key: string }>(
      "SELECT kind || ' ' || value AS key FROM syncline.identity_keys ORDER BY 1",
    )
  ).rows.map(({ key }) => key);

test('accounts of one sub in several tenants share an identity, which is deleted with the last of them', async () => {
  const { store } = fixture;
  const [one, two] = [
    await connect('ben@example.com', 'one'),
    await connect('ben@example.com', 'two'),
  ];
  for (const id of [one, two])
    expect(
      await store.identities.bind(id, 0, { sub: '7', address: 'ben@example.com' }),
    ).toMatchObject({ kind: 'bound', merged: [], renamedFrom: null });
  expect((await row(one))['identity_id']).toBe((await row(two))['identity_id']);
  expect(await store.identities.accountsSharing(one)).toMatchObject([
    { id: one, tenant: 'one' },
    { id: two, tenant: 'two' },
  ]);
  expect(await keys()).toEqual(['address ben@example.com', 'sub 7']);
  await erase(one);
  expect(await identities()).toBe(1);
  await erase(two);
  expect([await identities(), await keys()]).toEqual([0, []]);
});

async function erase(accountId: string): Promise<void> {
  await fixture.store.removal.begin(accountId);
  for (let done = false; !done;) ({ done } = await fixture.store.removal.eraseSome(accountId));
}

test('two identities with the same sub are merged with the accounts of both', async () => {
  const { store } = fixture;
  const [one, two] = [
    await connect('ben@example.com', 'one'),
    await connect('old@example.com', 'two'),
  ];
  await store.identities.bind(one, 0, { sub: null, address: 'ben@example.com' });
  await store.identities.bind(two, 0, { sub: '7', address: 'old@example.com' });
  expect(await identities()).toBe(2);
  const before = (await row(one))['identity_id'];
  const bound = await store.identities.bind(one, 0, { sub: '7', address: 'ben@example.com' });
  expect(bound).toMatchObject({ kind: 'bound', merged: [before] });
  expect((await row(one))['identity_id']).toBe((await row(two))['identity_id']);
  expect(await keys()).toEqual(['address ben@example.com', 'sub 7']);
});

test('an address that Google gave to another person moves to the other identity, and the two stay apart', async () => {
  const { store } = fixture;
  const [one, two] = [
    await connect('ben@example.com', 'one'),
    await connect('ben@example.com', 'two'),
  ];
  await store.identities.bind(one, 0, { sub: '7', address: 'ben@example.com' });
  await store.identities.bind(two, 0, { sub: '8', address: 'ben@example.com' });
  expect((await row(one))['identity_id']).not.toBe((await row(two))['identity_id']);
  expect(await keys()).toEqual(['address ben@example.com', 'sub 7', 'sub 8']);
  expect(await store.identities.find('default', { sub: null, address: 'BEN@example.com' })).toBe(
    (await row(two))['identity_id'],
  );
  expect(await store.identities.find('other', { sub: '8', address: null })).toBeNull();
});

test('an identity that was matched by address alone does not pass its sub to other accounts', async () => {
  const { store } = fixture;
  const [one, two] = [
    await connect('ben@example.com', 'one'),
    await connect('ben@example.com', 'two'),
  ];
  await store.identities.bind(one, 0, { sub: null, address: 'ben@example.com' });
  await store.identities.bind(two, 0, { sub: '8', address: 'ben@example.com' });
  expect((await row(one))['identity_id']).toBe((await row(two))['identity_id']);
  expect(await row(one)).toMatchObject({ google_sub: null });
  expect(await row(two)).toMatchObject({ google_sub: '8' });
});

test('eight accounts of one person that are bound at once get the same identity', async () => {
  const ids = await Promise.all(
    Array.from({ length: 8 }, (_, n) => connect('ben@example.com', `t${n}`)),
  );
  await Promise.all(
    ids.map((id) => fixture.store.identities.bind(id, 0, { sub: '7', address: 'ben@example.com' })),
  );
  expect(await identities()).toBe(1);
  expect(await fixture.store.identities.accountsSharing(ids[0]!)).toHaveLength(8);
});

test("the address becomes Google's, the earlier one becomes an alias, and lookups prefer addresses to aliases", async () => {
  const { store } = fixture;
  const id = await connect('Ann@Example.com');
  expect(
    await store.identities.bind(id, 0, { sub: '7', address: 'ann@example.com' }),
  ).toMatchObject({
    renamedFrom: null,
  });
  expect(await row(id)).toMatchObject({ email: 'Ann@Example.com' });
  expect(
    await store.identities.bind(id, 0, { sub: '7', address: 'Ann.Smith@example.com' }),
  ).toMatchObject({ renamedFrom: 'Ann@Example.com' });
  expect(await store.accounts.list(['ANN@example.COM'])).toMatchObject([
    { id, email: 'Ann.Smith@example.com', aliases: ['ann@example.com'] },
  ]);
  expect(await store.accounts.named(['ANN@example.COM', 'nobody@example.com'])).toEqual([
    {
      id,
      email: 'Ann.Smith@example.com',
      tenant: 'acme',
      state: 'active',
      reason: null,
      resources: ['gmail'],
      aliases: ['ann@example.com'],
    },
  ]);
  expect(await connect('ann@EXAMPLE.com')).toBe(id);
  expect(await connect('ANN.SMITH@example.com')).toBe(id);
});

test('a mailbox is not renamed onto an address that another account of the tenant has', async () => {
  const { store } = fixture;
  const [id] = [await connect('ann@example.com'), await connect('Taken@example.com')];
  expect(await store.identities.bind(id, 0, { sub: '7', address: 'taken@example.com' })).toEqual({
    kind: 'address-taken',
  });
  expect(await row(id)).toMatchObject({ email: 'ann@example.com', identity_id: null });
});

test('a new refresh token is a new grant and is unverified', async () => {
  const { store } = fixture;
  const id = await connect('ann@example.com');
  await store.identities.bind(id, 0, { sub: '7', address: 'ann@example.com' });
  await connect('ann@example.com');
  expect(await row(id)).toMatchObject({ grant_number: 0, verified_grant: 0 });
  await connect('ann@example.com', 'acme', '1//another');
  expect(await row(id)).toMatchObject({ grant_number: 1, verified_grant: 0 });
  expect(await store.identities.bind(id, 0, { sub: '7', address: 'ann@example.com' })).toEqual({
    kind: 'grant-replaced',
  });
});

test('addresses are unique in a tenant whatever their case, and the spelling that was given is shown', async () => {
  const { store } = fixture;
  const id = await connect('User3@Demo.Example');
  expect(await connect('user3@demo.example')).toBe(id);
  expect(await connect('user3@demo.example', 'other')).not.toBe(id);
  expect((await store.accounts.list(['USER3@demo.example'])).map(({ email }) => email)).toEqual([
    'User3@Demo.Example',
    'user3@demo.example',
  ]);
});

test('only a different sub on both sides shows that no other account of the project needs an unchecked grant', async () => {
  const { store } = fixture;
  const id = await connect('ann@example.com', 'one');
  const others = async (sub: string | null): Promise<boolean> =>
    (await store.removal.grantUse(id, { sub, address: 'new@example.com' })).maySupportOthers;
  // The fixture's account is not bound to an identity.
  expect([await others('7'), await others(null)]).toEqual([true, true]);
  await erase(fixture.accountId);
  expect([await others('7'), await others(null)]).toEqual([false, false]);
  const other = await connect('ben@example.com', 'two');
  await store.identities.bind(other, 0, { sub: null, address: 'ben@example.com' });
  expect(await others('7')).toBe(true);
  await store.identities.bind(other, 0, { sub: '8', address: 'ben@example.com' });
  expect([await others('7'), await others('8'), await others(null)]).toEqual([false, true, true]);
  await store.identities.bind(id, 0, { sub: '8', address: 'ann@example.com' });
  expect(await store.removal.grantUse(id)).toMatchObject({ isChecked: true, sharedWith: ['two'] });
});
