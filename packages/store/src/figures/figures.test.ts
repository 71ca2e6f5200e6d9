import { claim, storeFixture, type StoreFixture } from '../../../../test/support/database.js';
import { onSentStatement, type SentStatement } from '../../../../test/support/sent-statements.js';
import type { FleetFigures } from '../index.js';
import { countFleet } from './count.js';
import { openPool } from '../pool.js';
import { readDue, readHindered, readLate, readNotActive } from './late.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
});
afterAll(() => fixture.close());

const sql = (text: string, values?: unknown[]): Promise<{ rows: unknown[] }> =>
  fixture.database.pool.query(text, values);

/** Rolls up as if the last roll-up were so old. */
async function rollUp(lastAgo = '1 minute'): Promise<FleetFigures> {
  await sql(
    `UPDATE syncline.fleet_figures SET figures = jsonb_set(jsonb_set(figures, '{figures,asOf}', to_jsonb(now() - $1::interval)), '{counted,atMs}', '0') WHERE step = 'minute'`,
    [lastAgo],
  );
  await fixture.store.alone('roll-up', (lease) => fixture.store.figures.rollUp(lease));
  return (await fixture.store.figures.latest()) as FleetFigures;
}

async function catchUpMailbox(): Promise<void> {
  const lease = await claim(fixture, fixture.accountId, 'gmail');
  await fixture.store.leases.commitPage(lease, {
    cursor: { phase: 'incremental' },
    phase: 'incremental',
    generation: 1,
    delta: { kind: 'none' },
  });
  await fixture.store.leases.finish(lease, { result: 'caught-up', nextInMs: 600_000, error: null });
}

test('a roll-up says how fresh the fleet is, what is due and late, and what hinders it', async () => {
  expect(await fixture.store.figures.latest()).toBeNull();
  await catchUpMailbox();
  await fixture.store.processes.beat({
    service: 'worker',
    version: '1.2.3',
    load: { cpu: 0.5, rssBytes: 1, slots: { all: 16, busy: 3 } },
  });
  const fresh = await rollUp();
  expect(fresh.freshness.gmail).toMatchObject({ fresh: 1, late: 0 });
  expect(fresh.accounts.byState).toMatchObject({ active: 1, paused: 0 });
  expect(fresh.collections).toMatchObject({ isEstimate: false, total: 2 });
  expect(fresh.collections.counts).toContainEqual({
    kind: 'calendar-list',
    phase: 'pending',
    state: 'active',
    count: 1,
  });
  // The calendar list waits for its first full sync.
  expect(fresh.due).toMatchObject({
    'calendar-full': { count: 1, isMore: false },
    'gmail-incremental': { count: 0, isMore: false, oldestSeconds: 0 },
  });
  expect(fresh.processes).toMatchObject([
    { service: 'worker', version: '1.2.3', pid: process.pid, load: { slots: { busy: 3 } } },
  ]);

  await sql(
    `UPDATE syncline.collections SET promised_at = now() - interval '400 seconds', reason_code = 'transient-errors' WHERE kind = 'gmail'`,
  );
  const late = await rollUp();
  expect(late.late).toMatchObject({
    isEstimate: false,
    byKind: { gmail: { over: { 10: 1, 60: 1, 300: 1, 900: 0, 3600: 0 } } },
  });
  expect(late.late.byKind.gmail.oldestSeconds).toBeCloseTo(400, -1);
  expect(late.freshness.gmail).toMatchObject({ fresh: 0, late: 1 });
  expect(late.freshness.gmail.lateMinutes).toBeCloseTo(1, 1);
  expect(late.hindered['transient-errors']).toEqual({ count: 1, isMore: false });
});

test('a request that no run has answered makes a collection late, whatever its date', async () => {
  await catchUpMailbox();
  expect((await rollUp()).late.byKind.gmail.over[60]).toBe(0);
  await sql(
    `UPDATE syncline.collections SET caught_up_at = now() - interval '2 hours', requested_at = now() - interval '20 minutes' WHERE kind = 'gmail'`,
  );
  expect((await rollUp()).late.byKind.gmail.over).toMatchObject({ 900: 1, 3600: 0 });
  // A held sweep keeps the date of the last catching up, so requests before it are not known.
  await sql(`UPDATE syncline.collections SET held_since = now() WHERE kind = 'gmail'`);
  expect((await rollUp()).late.byKind.gmail.over[10]).toBe(0);
  await sql(`UPDATE syncline.collections SET held_since = NULL WHERE kind = 'gmail'`);
});

test('parked collections and accounts that are not active are named, and are neither fresh nor late', async () => {
  await catchUpMailbox();
  await fixture.store.leases.park(await claim(fixture, fixture.accountId, 'gmail'), {
    cause: 'policy',
    reason: 'an administrator forbids it',
    nextInMs: 3_600_000,
  });
  const parked = await rollUp();
  expect(parked.freshness.gmail).toMatchObject({ fresh: 0, late: 0 });
  expect(parked.collections.counts).toContainEqual(
    expect.objectContaining({ kind: 'gmail', state: 'parked', count: 1 }),
  );
  expect(parked.hindered['parked-policy'].count).toBe(1);
  await fixture.store.accounts.pause(fixture.accountId);
  const paused = await rollUp();
  expect(paused.accounts.byState).toMatchObject({ active: 0, paused: 1 });
  expect(paused.hindered['parked-policy'].count).toBe(0);
  expect(paused.collections.counts.map(({ state }) => state)).toEqual([
    'account-not-active',
    'account-not-active',
  ]);
  await fixture.store.accounts.resume(fixture.accountId);
});

test('a second scheduler finds that the roll-up was just made, and the history keeps a row for each minute, ten minutes and day', async () => {
  await rollUp();
  const first = await fixture.store.figures.latest();
  const again = await fixture.store.alone('roll-up', (lease) =>
    fixture.store.figures.rollUp(lease),
  );
  expect(again).toMatchObject({ result: { nextInMs: expect.any(Number) } });
  expect(await fixture.store.figures.latest()).toEqual(first);

  await sql(
    `INSERT INTO syncline.fleet_figures (step, at, figures)
     SELECT step, now() - age::interval, '{}' FROM (VALUES ('minute', '25 hours'), ('10min', '31 days'), ('day', '401 days')) AS old(step, age)`,
  );
  await rollUp();
  const { rows } = await sql(
    `SELECT step, min(at) > now() - interval '2 days' AS recent FROM syncline.fleet_figures GROUP BY step ORDER BY step`,
  );
  expect(rows).toEqual([
    { step: '10min', recent: true },
    { step: 'day', recent: true },
    { step: 'minute', recent: true },
  ]);
  const range = { from: new Date(Date.now() - 3 * 86_400_000), to: new Date(Date.now() + 60_000) };
  const history = await fixture.store.figures.history({ step: 'day', ...range });
  expect(history.at(-1)?.figures.asOf).toBeInstanceOf(Date);
});

test('a scheduler that has lost the lease writes nothing', async () => {
  const before = await fixture.store.figures.latest();
  await sql(
    `UPDATE syncline.fleet_figures SET figures = jsonb_set(figures, '{figures,asOf}', to_jsonb(now() - interval '1 minute')) WHERE step = 'minute'`,
  );
  const lost = fixture.store.figures.rollUp({ fence: () => Promise.reject(new Error('lost')) });
  await expect(lost).rejects.toThrow('lost');
  expect((await fixture.store.figures.latest())?.freshness).toEqual(before?.freshness);
});

test('a process without a heartbeat for 30 s is no longer listed, and one that ends says so', async () => {
  await sql(`UPDATE syncline.processes SET seen_at = now() - interval '31 seconds'`);
  expect(await fixture.store.processes.list()).toEqual([]);
  await fixture.store.processes.leave();
  expect((await sql('SELECT FROM syncline.processes')).rows).toEqual([]);
});

describe('in a large fleet', () => {
  const ROWS = 20_000;
  /** Accounts and collections above which tables are sampled in this test. */
  const COUNTED_ROWS = 4_000;

  beforeAll(async () => {
    // Events of these accounts are not what is tested.
    for (const table of ['accounts', 'collections'])
      await sql(`ALTER TABLE syncline.${table} DISABLE TRIGGER USER`);
    await sql(
      `INSERT INTO syncline.accounts (id, tenant, email, address, resources, state) SELECT gen_random_uuid(), 't', 'u' || n, 'u' || n, '{gmail}', CASE WHEN n % 100 = 0 THEN 'paused' ELSE 'active' END FROM generate_series(1, ${ROWS}) AS n`,
    );
    await sql(
      `INSERT INTO syncline.collections (id, account_id, kind, external_id, phase, next_sync_at, promised_at, reason_code)
       SELECT gen_random_uuid(), id, 'gmail', 'mailbox', CASE WHEN state = 'active' THEN 'incremental' ELSE 'full' END, now() + interval '1 h',
              CASE WHEN state = 'active' THEN now() - interval '2 minutes' END, CASE WHEN state = 'active' THEN 'transient-errors' END FROM syncline.accounts WHERE tenant = 't'`,
    );
    await sql(
      'INSERT INTO syncline.watches (collection_id, account_id) SELECT id, account_id FROM syncline.collections',
    );
    await sql('ANALYZE');
  });

  test('what is late, due and hindered is read exactly up to 10,000, and then known to be more', async () => {
    const { pool } = fixture.database;
    const late = await readLate(pool);
    expect(late.isMore).toBe(true);
    expect(late.byKind.gmail.over[60]).toBe(10_001);
    expect((await readHindered(pool))['transient-errors']).toEqual({
      count: 10_000,
      isMore: true,
    });
    expect((await readNotActive(pool)).byState.paused).toEqual({ count: 200, isMore: false });
  });

  test('a sample of pages says how many there are, to a few percent', async () => {
    const counts = await countFleet(fixture.database.pool, COUNTED_ROWS);
    const late = counts.lateByKind.gmail[60];
    expect(counts.collections.isEstimate).toBe(true);
    for (const number of [counts.collections.total, late, counts.accounts.total]) {
      expect(number).toBeGreaterThan(0.7 * ROWS);
      expect(number).toBeLessThan(1.3 * ROWS);
    }
  });

  test('no statement of a roll-up reads the tables of accounts, collections or watches in sequence', async () => {
    const sent: SentStatement[] = [];
    onSentStatement((statement) => sent.push(statement));
    const pool = openPool(fixture.database.url, 1);
    try {
      await readLate(pool);
      await readDue(pool);
      await readHindered(pool);
      await readNotActive(pool);
      await countFleet(pool, COUNTED_ROWS);
    } finally {
      await pool.end();
      jest.restoreAllMocks();
    }
    const statements = sent.filter(({ text }) =>
      /^\s*(?:SELECT|WITH)[^]*syncline\.(?:accounts|collections|watches)\b/.test(text),
    );
    expect(statements.length).toBeGreaterThanOrEqual(7);
    const sequential: string[] = [];
    for (const { text, values } of statements) {
      const { rows } = await sql(`EXPLAIN ${text}`, values);
      if (/Seq Scan on (?:accounts|collections|watches)/.test(JSON.stringify(rows)))
        sequential.push(`${text}\n${JSON.stringify(rows, null, 1)}`);
    }
    expect(sequential).toEqual([]);
  });
});
