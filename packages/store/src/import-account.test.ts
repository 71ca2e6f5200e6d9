import { storeFixture, type StoreFixture } from '../../../test/support/database.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

const ben = {
  email: 'ben@example.com',
  refreshToken: '1//ben',
  tenant: 'acme',
  resources: ['gmail' as const, 'calendar' as const],
};
const accountOf = async (email: string): Promise<unknown> =>
  (await fixture.store.accounts.list([email]))[0];

test('a new account is active, its collections are due at once and carry its tenant, and its token opens again', async () => {
  const { id, created } = await fixture.store.accounts.import(ben);
  expect(created).toBe(true);
  expect(await accountOf(ben.email)).toMatchObject({
    id,
    tenant: 'acme',
    project: 'default',
    state: 'active',
    reason: null,
    collections: [
      { kind: 'gmail', externalId: 'mailbox', phase: 'pending' },
      { kind: 'calendar-list', externalId: 'calendars', phase: 'pending' },
    ],
  });
  const { rows } = await fixture.database.pool.query(
    'SELECT tenant, next_sync_at <= now() AS due FROM syncline.collections WHERE account_id = $1',
    [id],
  );
  expect(rows).toEqual([
    { tenant: 'acme', due: true },
    { tenant: 'acme', due: true },
  ]);
  expect(await fixture.store.vault.grant(id, 'default')).toMatchObject({ refreshToken: '1//ben' });
});

test('of eight imports of one address at a time one connects it, and the others renew it', async () => {
  const done = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      fixture.store.accounts.import({ ...ben, refreshToken: `1//${i}` }),
    ),
  );
  expect(done.filter(({ created }) => created)).toHaveLength(1);
  expect(new Set(done.map(({ id }) => id)).size).toBe(1);
  const { rows } = await fixture.database.pool.query(
    'SELECT count(*)::int AS collections FROM syncline.collections WHERE account_id = $1',
    [done[0]?.id],
  );
  expect(rows).toEqual([{ collections: 2 }]);
});

test('a second import of an address keeps its resources and adds the new ones; another tenant gets another account', async () => {
  const { id } = await fixture.store.accounts.import({ ...ben, resources: ['calendar'] });
  expect(await fixture.store.accounts.import(ben)).toEqual({
    id,
    created: false,
  });
  const { rows } = await fixture.database.pool.query(
    'SELECT resources FROM syncline.accounts WHERE id = $1',
    [id],
  );
  expect(rows).toEqual([{ resources: ['calendar', 'gmail'] }]);
  expect((await fixture.store.accounts.import({ ...ben, tenant: 'other' })).created).toBe(true);
});

test('a new token activates an account that waited for one, and leaves a paused account paused', async () => {
  const { id } = await fixture.store.accounts.import(ben);
  const put = async (state: string): Promise<void> => {
    await fixture.database.pool.query(
      "UPDATE syncline.accounts SET state = $2, reason = 'said so' WHERE id = $1",
      [id, state],
    );
    await fixture.database.pool.query(
      "UPDATE syncline.collections SET next_sync_at = 'infinity', error = 'refused', failures = 3, parked = 'scope' WHERE account_id = $1",
      [id],
    );
    await fixture.store.accounts.import(ben);
  };
  const resting = async (): Promise<unknown[]> =>
    (
      await fixture.database.pool.query(
        "SELECT a.state, a.reason, next_sync_at = 'infinity' AS waits, error, failures, parked FROM syncline.accounts a JOIN syncline.collections c ON c.account_id = a.id WHERE a.id = $1 AND c.kind = 'gmail'",
        [id],
      )
    ).rows;
  await put('reauth_required');
  expect(await resting()).toEqual([
    { state: 'active', reason: null, waits: false, error: null, failures: 0, parked: null },
  ]);
  await put('paused');
  expect(await resting()).toEqual([
    {
      state: 'paused',
      reason: 'said so',
      waits: true,
      error: 'refused',
      failures: 3,
      parked: 'scope',
    },
  ]);
  await put('active');
  expect(await resting()).toMatchObject([{ state: 'active', waits: false, parked: null }]);
});

test('an import of an account that is being removed is refused and changes nothing', async () => {
  const { id } = await fixture.store.accounts.import(ben);
  await fixture.database.pool.query(
    "UPDATE syncline.accounts SET state = 'removing' WHERE id = $1",
    [id],
  );
  await expect(fixture.store.accounts.import({ ...ben, refreshToken: '1//new' })).rejects.toThrow(
    'the account is being removed; import it again when that is done',
  );
  expect(await fixture.store.vault.grant(id, 'default')).toMatchObject({ refreshToken: '1//ben' });
});

test('resources that are left out leave a known account as it is, and a new one gets both', async () => {
  const { resources: _left, ...unsaid } = ben;
  const resourcesOf = async (id: string): Promise<unknown> =>
    (
      await fixture.database.pool.query(
        'SELECT resources, (SELECT count(*)::int FROM syncline.collections WHERE account_id = accounts.id) AS collections FROM syncline.accounts WHERE id = $1',
        [id],
      )
    ).rows[0];
  const { id } = await fixture.store.accounts.import({ ...ben, resources: ['gmail'] });
  await fixture.store.accounts.import(unsaid);
  expect(await resourcesOf(id)).toEqual({ resources: ['gmail'], collections: 1 });
  const fresh = await fixture.store.accounts.import({ ...unsaid, email: 'new@example.com' });
  expect(await resourcesOf(fresh.id)).toEqual({
    resources: ['calendar', 'gmail'],
    collections: 2,
  });
});

test('an import that would take a resource away is refused with the command for it, and changes nothing', async () => {
  const { id } = await fixture.store.accounts.import(ben);
  const again = { ...ben, refreshToken: '1//other', resources: ['gmail' as const] };
  await expect(fixture.store.accounts.import(again)).rejects.toThrow(
    'syncline accounts resources ben@example.com --remove calendar --tenant acme --yes',
  );
  expect(await fixture.store.vault.grant(id)).toMatchObject({ refreshToken: '1//ben' });
});
