import { storeFixture, type StoreFixture } from '../../../test/support/database.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
  // The feed is not read here, and thousands of calendars would be events of one account.
  await fixture.database.pool.query('ALTER TABLE syncline.collections DISABLE TRIGGER USER');
});
afterAll(() => fixture.close());
beforeEach(() => fixture.database.pool.query('DELETE FROM syncline.accounts'));

const QUEUE = { resource: 'calendar' as const, full: true };

/**
 * Creates calendars of a tenant that are due. The first is due for `sinceSeconds`, each later one
 * for less time.
 */
async function dueCalendars(tenant: string, count: number, sinceSeconds: number): Promise<void> {
  await fixture.database.pool.query({
    text: `WITH account AS (INSERT INTO syncline.accounts (id, tenant, email, address) VALUES (gen_random_uuid(), $1, $1 || '@example.com', $1 || '@example.com') RETURNING id)
           INSERT INTO syncline.collections (id, account_id, tenant, kind, external_id, next_sync_at)
           SELECT gen_random_uuid(), account.id, $1, 'calendar-events', 'c' || n, now() - ($3 - n * 0.0001) * interval '1 s' FROM account, generate_series(1, $2) AS n`,
    values: [tenant, count, sinceSeconds],
  });
}

const claimTenants = async (limit: number): Promise<string[]> =>
  (await fixture.store.schedule.claimDue({ limit, visibilityMs: 30_000, queue: QUEUE })).map(
    (due) => due.tenant,
  );
const times = (tenants: readonly string[], tenant: string): number =>
  tenants.filter((name) => name === tenant).length;

test('every tenant gets its share, however much one of them has due and since when', async () => {
  await dueCalendars('large', 500, 600);
  await dueCalendars('small', 3, 60);
  await dueCalendars('single', 1, 1);
  const tenants = await claimTenants(12);
  expect([times(tenants, 'small'), times(tenants, 'single'), tenants.length]).toEqual([3, 1, 12]);
});

test('nor by being claimed one at a time: a tenant with a lead counts on from there', async () => {
  await dueCalendars('large', 50, 600);
  await dueCalendars('late', 2, 60);
  const claimOne = async (lead: [string, number][]): Promise<object[]> =>
    fixture.store.schedule.claimDue({
      limit: 1,
      visibilityMs: 30_000,
      queue: QUEUE,
      lead: new Map(lead),
    });
  expect(await claimOne([])).toMatchObject([{ tenant: 'large', round: 1 }]);
  expect(
    await claimOne([
      ['large', 1],
      ['gone {}"', 7],
    ]),
  ).toMatchObject([{ tenant: 'late', round: 1 }]);
  expect(
    await claimOne([
      ['large', 1],
      ['late', 1],
    ]),
  ).toMatchObject([{ tenant: 'large', round: 2 }]);
  expect(await claimOne([['large', 3]])).toMatchObject([{ tenant: 'late', round: 1 }]);
  expect(await claimOne([['large', 3]])).toMatchObject([{ tenant: 'large', round: 4 }]);
});

test('what a small tenant does not need is not kept for it', async () => {
  await dueCalendars('large', 40, 600);
  await dueCalendars('small', 2, 60);
  const tenants = await claimTenants(100);
  expect([times(tenants, 'large'), times(tenants, 'small')]).toEqual([40, 2]);
});

test('a tenant that fills the whole window does not hide other tenants', async () => {
  await dueCalendars('huge', 12_000, 600);
  await dueCalendars('late', 3, 1);
  const tenants = await claimTenants(10);
  expect([times(tenants, 'huge'), times(tenants, 'late')]).toEqual([5, 3]);
});

test('a tenant that fills the whole window does not hide others from a queue with room for one job', async () => {
  await dueCalendars('huge', 12_000, 600);
  await dueCalendars('late', 1, 1);
  expect(await claimTenants(1)).toEqual(['huge', 'late']);
});

test('a queue gets only its own collections, and newly connected ones are marked as onboarding', async () => {
  await dueCalendars('ada', 2, 600);
  const { pool } = fixture.database;
  await pool.query(
    `UPDATE syncline.collections SET phase = 'incremental', generation = 1 WHERE external_id = 'c1'`,
  );
  await pool.query(
    `UPDATE syncline.collections SET phase = 'full', generation = 1, progress_done = 5000 WHERE external_id = 'c2'`,
  );
  await dueCalendars('bob', 1, 60);
  const fullSyncs = await fixture.store.schedule.claimDue({
    limit: 10,
    visibilityMs: 30_000,
    queue: QUEUE,
  });
  expect(fullSyncs.map((due) => [due.tenant, due.onboarding]).toSorted()).toEqual([
    ['ada', false],
    ['bob', true],
  ]);
  expect(await fixture.store.schedule.claimDue({ limit: 10, visibilityMs: 30_000 })).toMatchObject([
    { tenant: 'ada', phase: 'incremental' },
  ]);
});

test('schedulers that claim at once share what is due, and nothing is claimed twice', async () => {
  await dueCalendars('ada', 60, 600);
  await dueCalendars('bob', 60, 600);
  const claims = await Promise.all(
    Array.from({ length: 6 }, () =>
      fixture.store.schedule.claimDue({ limit: 40, visibilityMs: 30_000, queue: QUEUE }),
    ),
  );
  const ids = claims.flat().map((due) => due.id);
  expect(new Set(ids).size).toBe(ids.length);
  for (;;) {
    const more = await fixture.store.schedule.claimDue({
      limit: 40,
      visibilityMs: 30_000,
      queue: QUEUE,
    });
    if (more.length === 0) break;
    ids.push(...more.map((due) => due.id));
  }
  expect(new Set(ids).size).toBe(120);
});
