import { auditCollection, isAuditDue } from '../../packages/sync/src/audit.js';
import { collectionModule } from '../../packages/sync/src/resources/index.js';
import { NO_DRIFT } from '../support/drift.js';
import { mailboxSteps } from '../support/mailbox-steps.js';
import { startWorld, type World } from '../support/world.js';
import type { Lease } from '@syncline/store';
import { syncCollection, verifyAccount, type Outcome } from '@syncline/sync';

/*
 * Listings of Google's that have no end. Each collection rests with its reason, its rows stay, and
 * it continues later by itself.
 */

let world: World;
afterEach(() => world.close());

const SMALL = { seed: 41, accounts: 1, messagesPerAccount: 25, calendarsPerAccount: 2 };

async function begin(options: Parameters<typeof startWorld>[0] = {}): Promise<void> {
  world = await startWorld({ ...SMALL, eventsPerCalendar: 12, largestPage: 2, ...options });
}

interface Row {
  id: string;
  kind: string;
  parked: string | null;
  error: string | null;
  endless_listings: number;
  generation: number;
  delay_ms: string;
}

async function rows(kind: string): Promise<Row[]> {
  const found = await world.database.pool.query<Row>(
    `SELECT id, kind, parked, error, endless_listings, generation, extract(epoch FROM next_sync_at - now()) * 1000 AS delay_ms
       FROM syncline.collections WHERE kind = $1 AND external_id NOT LIKE '%holiday%' ORDER BY external_id`,
    [kind],
  );
  return found.rows;
}

/**
 * One collection of that kind, run in slices of one page until it does not continue at once.
 * @param betweenSlices what happens after each slice that has more
 */
async function run(
  kind: string,
  sliceMs = 0,
  betweenSlices: () => Promise<void> = async () => undefined,
): Promise<Outcome> {
  const id = (await rows(kind))[0]!.id;
  const deps = {
    store: world.store,
    google: world.google,
    policy: { activeMs: 60_000, idleMs: 900_000 },
    mirror: world.mirror,
  };
  for (let slices = 0; slices < 3_000; slices++) {
    const outcome = await syncCollection(world.rt, deps, id, {
      sliceMs,
      signal: new AbortController().signal,
    });
    if (outcome.kind === 'snoozed' && outcome.until.getTime() - world.rt.clock.nowMs() < 10_000)
      await world.rt.clock.sleep(outcome.until.getTime() - world.rt.clock.nowMs());
    else if (outcome.kind !== 'more') return outcome;
    await betweenSlices();
  }
  throw new Error('3,000 slices and no end');
}

const calls = async (method: string): Promise<number> =>
  (await world.control.ledger()).methods[method]?.calls ?? 0;

const count = async (table: string): Promise<number> =>
  Number(
    (await world.database.pool.query(`SELECT count(*) AS n FROM syncline.${table}`)).rows[0].n,
  );

const LISTS = [
  ['gmail', 'messages.list', 'history.list'],
  ['calendar-list', 'calendarList.list', 'calendarList.list'],
  ['calendar-events', 'events.list', 'events.list'],
] as const;
const FAULTS = [
  ['page-names-itself', /a page names itself as the next one/, 10],
  ['pages-in-a-cycle', /a page (leads back to an earlier one|names itself)/, 20],
  ['pages-repeat', /the same page comes again and again/, 20],
  ['empty-pages', /page after page is empty/, 1_000],
] as const;
const CASES = LISTS.flatMap(([kind, full, incremental]) =>
  FAULTS.map(([fault, words, most]) => ({ kind, full, incremental, fault, words, most })),
);
/**
 * A thousand pages take their time: of the full syncs one is tried so far, and of the incremental
 * ones another.
 */
const quick = (slow: string): typeof CASES =>
  CASES.filter(({ kind, fault }) => fault !== 'empty-pages' || kind === slow);

test.each(quick('gmail'))(
  'parks the full sync of $kind in runs of one page each when $fault, and syncs it in full when that is over',
  async ({ kind, full, fault, words, most }) => {
    await begin({ calendarsPerAccount: 8 });
    if (kind === 'calendar-events') await run('calendar-list');
    await world.control.fault({ kind: fault, method: full });
    const before = await calls(full);
    expect(await run(kind)).toMatchObject({
      kind: 'parked',
      reason: expect.stringMatching(words) as string,
    });
    expect((await calls(full)) - before).toBeLessThanOrEqual(most);
    expect((await rows(kind))[0]).toMatchObject({ parked: 'endless', endless_listings: 1 });

    await world.control.clearFaults();
    await world.catchUp();
    expect((await rows(kind))[0]).toMatchObject({ parked: null, error: null, endless_listings: 0 });
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  },
);

test.each(quick('calendar-events'))(
  'parks the incremental sync of $kind when $fault, keeps every row, and continues from its position afterwards',
  async ({ kind, incremental, fault, words, most }) => {
    await begin();
    await world.catchUp();
    world.simulator.actAtRandom(30);
    await world.control.fault({ kind: fault, method: incremental });
    const before = await calls(incremental);
    expect(await run(kind)).toMatchObject({
      kind: 'parked',
      reason: expect.stringMatching(words) as string,
    });
    // An empty page that names itself is asked for 20 times more.
    expect((await calls(incremental)) - before).toBeLessThanOrEqual(Math.max(most, 21));
    const [row] = await rows(kind);
    expect(row).toMatchObject({ parked: 'endless', generation: 1 });

    await world.control.clearFaults();
    await world.catchUp();
    expect(await rows(kind)).toContainEqual(
      expect.objectContaining({ id: row?.id, parked: null, error: null, generation: 1 }),
    );
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  },
);

/** Each page without news counts as a hundred, so that the test needs no thousand of them. */
async function skipIdlePages(): Promise<void> {
  await world.database.pool.query(
    `UPDATE syncline.collections
        SET cursor = jsonb_set(cursor, '{idle,pages}', to_jsonb(least(999, (cursor #>> '{idle,pages}')::int + 99)))
      WHERE cursor #> '{idle,pages}' IS NOT NULL`,
  );
}

test.each(LISTS.filter(([kind]) => kind !== 'calendar-list'))(
  'parks the full sync of %s when pages keep returning known items, in other selections and versions',
  async (kind, method) => {
    await begin({
      messagesPerAccount: 45,
      calendarsPerAccount: 25,
      eventsPerCalendar: 25,
      largestPage: 20,
    });
    if (kind === 'calendar-events') await run('calendar-list', 5_000);
    await world.control.fault({ kind: 'pages-without-news', method });
    const before = await calls(method);
    expect(await run(kind, 0, skipIdlePages)).toMatchObject({
      kind: 'parked',
      reason: expect.stringMatching(/nothing new/) as string,
    });
    expect((await calls(method)) - before).toBeLessThanOrEqual(40);
    await world.control.clearFaults();
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  },
);

test('waits longer after each listing without an end, although pages are committed', async () => {
  await begin();
  await world.control.fault({ kind: 'pages-repeat', method: 'messages.list' });
  const delays: number[] = [];
  for (let times = 0; times < 4; times++) {
    await run('gmail', 5_000);
    delays.push(Math.round(Number((await rows('gmail'))[0]!.delay_ms) / 60_000));
  }
  expect(delays[0]).toBeGreaterThanOrEqual(13);
  expect(delays[0]).toBeLessThanOrEqual(17);
  expect(delays[1]! / delays[0]!).toBeGreaterThan(6);
  expect(delays[2]! / delays[1]!).toBeGreaterThan(4);
  expect(delays[3]).toBeLessThanOrEqual(800);
  expect((await rows('gmail'))[0]?.endless_listings).toBe(4);
});

test('a full sync with an endless list sweeps nothing', async () => {
  await begin();
  await world.catchUp();
  const stored = [await count('gmail_messages'), await count('calendar_events')];
  await world.control.fault({ kind: 'pages-repeat' });
  await world.database.pool.query(
    'UPDATE syncline.collections SET full_sync_requested = true, requested_at = now()',
  );
  for (const kind of ['gmail', 'calendar-list', 'calendar-events'])
    expect(await run(kind)).toMatchObject({ kind: 'parked' });
  expect([await count('gmail_messages'), await count('calendar_events')]).toEqual(stored);
});

test("the account's other collections continue while one is parked", async () => {
  await begin();
  await world.control.fault({ kind: 'page-names-itself', method: 'messages.list' });
  await run('gmail');
  await run('calendar-list', 5_000);
  await run('calendar-events', 5_000);
  expect(await count('calendar_events')).toBeGreaterThan(0);
  expect(await rows('calendar-list')).toMatchObject([{ parked: null, error: null }]);
});

test('short and empty pages of a list with an end do not park the collection', async () => {
  await begin({ shortGmailPages: true, shortCalendarPages: true, largestPage: 8 });
  await world.catchUp();
  world.simulator.actAtRandom(40);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await rows('gmail')).toMatchObject([{ parked: null, endless_listings: 0 }]);
});

test('an endless list of a label removes it from no message', async () => {
  await begin();
  await world.catchUp();
  await world.control.fault({ kind: 'expire-history' });
  // The list of all messages is whole: only pages of labels come after its last one.
  await (await mailboxSteps(world)).stepUntil((cursor) => cursor['step'] === 'labels');
  await world.control.fault({ kind: 'empty-pages', method: 'messages.list' });
  expect(await run('gmail')).toMatchObject({ kind: 'parked' });
  const labelled = async (): Promise<number> =>
    Number(
      (
        await world.database.pool.query(
          'SELECT count(*) AS n FROM syncline.gmail_messages WHERE cardinality(label_ids) > 0',
        )
      ).rows[0].n,
    );
  expect(await labelled()).toBeGreaterThan(0);
  await world.control.clearFaults();
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('an endless list of older mail does not delay new mail', async () => {
  await begin({ mirror: { windowDays: 30 } });
  await world.catchUp();
  world.mirror = {};
  await world.control.fault({ kind: 'pages-repeat', method: 'messages.list' });
  expect(await run('gmail', 5_000)).toMatchObject({
    kind: 'snoozed',
    reason: expect.stringContaining('older mail has no end') as string,
  });
  const { email } = (await world.control.accounts())[0]!;
  const { messageId } = (await world.control.actAs(email, { action: 'deliver' })) as {
    messageId: string;
  };
  const before = await calls('messages.list');
  expect(await run('gmail', 5_000)).toMatchObject({ kind: 'snoozed' });
  expect(await calls('messages.list')).toBe(before);
  const found = await world.database.pool.query(
    'SELECT id FROM syncline.gmail_messages WHERE id = $1',
    [messageId],
  );
  expect(found.rows).toHaveLength(1);
});

test.each(['gmail', 'calendar'] as const)(
  'a comparison of %s with endless lists ends with that reason',
  async (resource) => {
    await begin();
    await world.catchUp();
    for (const method of ['messages.list', 'events.list', 'calendarList.list'])
      await world.control.fault({ kind: 'pages-repeat', method });
    const accountId = (await world.database.pool.query('SELECT id FROM syncline.accounts')).rows[0]
      .id;
    await expect(
      verifyAccount(world.rt, { store: world.store, google: world.google }, accountId, resource),
    ).rejects.toThrow("Google's listing has no end");
  },
);

test.each(['gmail', 'calendar-list', 'calendar-events'])(
  'an audit of %s with an endless list begins again hours later, not with the next run',
  async (kind) => {
    await begin();
    await world.catchUp();
    await world.database.pool.query(
      "UPDATE syncline.collections SET full_sync_started_at = now() - interval '2 days'",
    );
    for (const method of ['messages.list', 'events.list', 'calendarList.list'])
      await world.control.fault({ kind: 'pages-repeat', method });
    const id = (await rows(kind))[0]!.id;
    const policy = { activeMs: 1, idleMs: 1, auditEveryMs: 1 };
    const deps = { store: world.store, google: world.google, policy };
    const first = await claimed(id);
    const cursor = collectionModule(first.kind).parseCursor(first.cursor);
    await auditCollection(world.rt, deps, first, cursor, new AbortController().signal);
    await world.store.leases.finish(first, { result: 'more', nextInMs: 0, error: null });
    const second = await claimed(id);
    expect(isAuditDue(policy, second, 0.5)).toBe(false);
    expect(second.auditPausedMs).toBeLessThan(-5 * 3_600_000);
  },
);

async function claimed(id: string): Promise<Lease> {
  const claim = await world.store.leases.claim(id);
  if (claim.kind !== 'claimed') throw new Error(`the collection is ${claim.kind}`);
  return claim.lease;
}
