import { syncCollection, verifyAccount, type Outcome, type SyncPolicy } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { exited, startProgram, stopAll } from '../support/processes.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

const CAUGHT_UP = { kind: 'caught-up', changes: expect.any(Number) };

/*
 * What a full listing lacks is deleted when there is evidence for it, and kept when Google still
 * has it.
 */

let world: World;
let email: string;
afterEach(() => world.close());

async function begin(options: Partial<Parameters<typeof startWorld>[0]> = {}): Promise<void> {
  world = await startWorld({
    seed: 113,
    accounts: 1,
    messagesPerAccount: 60,
    calendarsPerAccount: 2,
    eventsPerCalendar: 20,
    ...options,
  });
  email = (await world.control.accounts())[0]!.email;
  await world.catchUp();
}

/** As the worker passes it: the time before a second listing is the engine's own. */
const PRODUCT_POLICY = { activeMs: 60_000, idleMs: 900_000 };
const MINUTE = { ...PRODUCT_POLICY, confirmAfterMs: 60_000 };
const SOON = { ...MINUTE, confirmAfterMs: 100 };

const idOf = async (kind: string): Promise<string> =>
  (
    await world.database.pool.query<{ id: string }>(
      'SELECT id FROM syncline.collections WHERE kind = $1 AND (kind <> $2 OR external_id = $3)',
      [kind, 'calendar-events', email],
    )
  ).rows[0]!.id;

/** Runs until the collection rests. */
async function run(kind: string, policy: SyncPolicy = MINUTE, sliceMs = 60_000): Promise<Outcome> {
  for (;;) {
    const outcome = await syncCollection(
      world.rt,
      { store: world.store, google: world.google, policy, mirror: world.mirror },
      await idOf(kind),
      { sliceMs, signal: new AbortController().signal },
    );
    if (outcome.kind !== 'more') return outcome;
  }
}

async function count(table: string): Promise<number> {
  const found = await world.database.pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM syncline.${table}`,
  );
  return found.rows[0]!.n;
}

const calls = async (method: string): Promise<number> =>
  (await world.control.ledger()).methods[method]?.calls ?? 0;

async function feedEnd(): Promise<bigint> {
  const { id } = (await world.store.accounts.list())[0]!;
  return (await rowChanges(world.store, id, 0n, 100_000)).at(-1)?.seq ?? 0n;
}

const held = async (kind: string): Promise<Record<string, unknown>> =>
  (
    await world.database.pool.query<Record<string, unknown>>(
      'SELECT held_since IS NOT NULL AS held, held_rows AS rows, held_for AS waits, held_discards AS discards FROM syncline.collections WHERE id = $1',
      [await idOf(kind)],
    )
  ).rows[0]!;
const NOT_HELD = { held: false, rows: null, waits: null, discards: 0 };

async function deleteMessages(n: number): Promise<void> {
  const ids = (await world.control.truth(email, 'gmail')).slice(0, n);
  for (const { id } of ids) await world.control.actAs(email, { action: 'delete', messageId: id });
}

describe.each([
  ['calendar-list', 'calendarList.list', 'calendar_events', 44],
  ['calendar-events', 'events.list', 'calendar_events', 44],
  ['gmail', 'messages.list', 'gmail_messages', 60],
])('one empty full listing of %s', (kind, method, table, rows) => {
  test('deletes nothing and makes no events; the collection is listed again and catches up', async () => {
    await begin();
    const before = [await count(table), await count('calendars'), await feedEnd()];
    expect(before[0]).toBe(rows);
    await world.control.fault({
      kind: kind === 'gmail' ? 'expire-history' : 'invalid-sync-token',
      email,
    });
    await world.control.fault({ kind: 'empty-listing', method, email, count: 1 });
    expect(await run(kind)).toMatchObject({ kind: 'held' });
    expect([await count(table), await count('calendars'), await feedEnd()]).toEqual(before);
    expect(await held(kind)).toMatchObject({ held: true, waits: 'new-listing', discards: 1 });
    await world.database.pool.query(
      `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{hold,notBeforeMs}', '0') WHERE cursor ? 'hold'`,
    );
    expect(await run(kind, SOON)).toEqual(CAUGHT_UP);
    expect([await count(table), await count('calendars'), await feedEnd()]).toEqual(before);
    expect(await held(kind)).toEqual(NOT_HELD);
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  });
});

test.each([
  ['calendar-events', 'events.list', 'items', 3, 'new-listing'],
  ['calendar-events', 'events.list', 'items', 1, 'second-listing'],
  ['gmail', 'messages.list', 'messages', 1, 'new-listing'],
])(
  'a full listing of %s (%s) whose %s %d has no id deletes nothing, and waits for a %s',
  async (kind, method, list, place, waits) => {
    await begin();
    const before = [await count('calendar_events'), await count('gmail_messages')];
    await world.control.fault({
      kind: kind === 'gmail' ? 'expire-history' : 'invalid-sync-token',
      email,
    });
    const patch = { [list]: { [place]: { id: null } } };
    // The refusal of the sync token counts as an answer.
    const answers = kind === 'gmail' ? 1 : 2;
    await world.control.fault({ kind: 'altered-answer', method, patch, email, count: answers });
    expect(await run(kind)).toMatchObject({ kind: 'held' });
    expect(await held(kind)).toMatchObject({ held: true, waits });
    await world.database.pool.query(
      `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{hold,notBeforeMs}', '0') WHERE cursor ? 'hold'`,
    );
    expect(await run(kind, SOON)).toEqual(CAUGHT_UP);
    expect([await count('calendar_events'), await count('gmail_messages')]).toEqual(before);
    expect(await held(kind)).toEqual(NOT_HELD);
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  },
);

test('a listing that omits some of many messages is discarded when Google still has them', async () => {
  await begin();
  await world.control.fault({ kind: 'expire-history', email });
  await world.control.fault({
    kind: 'omitting-listing',
    method: 'messages.list',
    share: 0.3,
    count: 1,
  });
  await run('gmail');
  expect(await count('gmail_messages')).toBe(60);
  expect(await held('gmail')).toMatchObject({ held: true, waits: 'new-listing' });
});

test('a large sweep waits for a second listing a minute later, while incremental syncs continue', async () => {
  await begin({ mirror: { exclude: ['spam'] } });
  await world.control.fault({ kind: 'expire-history', email });
  await deleteMessages(30);
  const before = await count('gmail_messages');
  const earliestMs = Date.now();
  const outcome = await run('gmail', PRODUCT_POLICY);
  expect(outcome).toMatchObject({
    kind: 'held',
    reason: expect.stringMatching(/^held: .* \d+ items/),
  });
  const untilMs = (outcome as { until: Date }).until.getTime();
  expect(untilMs).toBeGreaterThanOrEqual(earliestMs + 60_000);
  expect(untilMs).toBeLessThanOrEqual(Date.now() + 60_000);
  expect(await count('gmail_messages')).toBe(before);
  expect(await held('gmail')).toMatchObject({ held: true, waits: 'second-listing', discards: 0 });
  // New mail comes in, and an explicit deletion is not held.
  const { messageId } = (await world.control.actAs(email, {
    action: 'deliver',
    labelIds: ['INBOX'],
  })) as { messageId: string };
  expect(await run('gmail')).toMatchObject({ kind: 'held' });
  expect(await count('gmail_messages')).toBe(before + 1);
  await world.control.actAs(email, { action: 'delete', messageId });
  expect(await run('gmail')).toMatchObject({ kind: 'held' });
  expect(await count('gmail_messages')).toBe(before);
  // It is not served meanwhile: `wait` waits.
  const since = await world.store.schedule.requestSync(null);
  await run('gmail');
  const behind = await world.store.schedule.behindSince(null, since);
  expect(behind.find((one) => one.kind === 'gmail')).toMatchObject({
    reason: expect.stringContaining('held'),
  });
  const { id } = (await world.store.accounts.list())[0]!;
  expect(await verifyAccount(world.rt, world, id, 'gmail', { catchUpMs: 0 })).toMatchObject({
    held: [{ kind: 'gmail', waitsFor: 'second-listing' }],
  });
  await world.database.pool.query(
    `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{hold,notBeforeMs}', '0') WHERE cursor ? 'hold'`,
  );
  expect(await run('gmail')).toEqual(CAUGHT_UP);
  const kept = (message: Record<string, unknown>): boolean =>
    !(message['labelIds'] as string[]).includes('SPAM');
  expect(await world.drift(kept)).toMatchObject(NO_DRIFT);
  expect(await held('gmail')).toEqual(NOT_HELD);
  expect(await count('held_items')).toBe(0);
  const fullSyncs = await world.database.pool.query(
    "SELECT full_syncs_today FROM syncline.collections WHERE kind = 'gmail'",
  );
  expect(fullSyncs.rows).toEqual([{ full_syncs_today: 1 }]);
});

test('a matching message count of the mailbox replaces the second listing', async () => {
  await begin();
  await world.control.fault({ kind: 'expire-history', email });
  await deleteMessages(30);
  expect(await run('gmail')).toEqual(CAUGHT_UP);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('the second listing deletes only what both lack, also in runs of one page each', async () => {
  await begin({ largestPage: 7 });
  await world.control.fault({ kind: 'invalid-sync-token', email });
  const events = (await world.control.truth(email, 'calendar')).filter(
    (row) => row['calendarId'] === email,
  );
  const before = await count('calendar_events');
  for (const { event } of events.slice(0, 12) as { event: { id: string } }[])
    await world.control
      .actAs(email, { action: 'event-delete', calendarId: email, eventId: event.id })
      .catch(() => undefined);
  expect(await run('calendar-events', MINUTE, 0)).toMatchObject({ kind: 'held' });
  expect(await count('calendar_events')).toBe(before);
  await world.database.pool.query(
    `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{hold,notBeforeMs}', '0') WHERE cursor ? 'hold'`,
  );
  expect(await run('calendar-events', MINUTE, 0)).toEqual(CAUGHT_UP);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a full sync that begins when the second listing is due confirms the held sweep without a new wait', async () => {
  await begin();
  const events = (await world.control.truth(email, 'calendar')).filter(
    (row) => row['calendarId'] === email,
  );
  await world.control.fault({ kind: 'invalid-sync-token', email });
  for (const { event } of events.slice(0, 12) as { event: { id: string } }[])
    await world.control
      .actAs(email, { action: 'event-delete', calendarId: email, eventId: event.id })
      .catch(() => undefined);
  const full = { full: true, resource: 'calendar' } as const;
  expect(await run('calendar-events', MINUTE)).toMatchObject({ kind: 'held' });
  // Before the minute is over it waits on, to the same moment.
  const due = await heldUntil();
  await world.store.schedule.requestSync(null, full);
  expect(await run('calendar-events', MINUTE)).toMatchObject({ kind: 'held' });
  expect(await heldUntil()).toEqual(due);
  await world.database.pool.query(
    "UPDATE syncline.collections SET held_until = 'epoch' WHERE held_since IS NOT NULL",
  );
  await world.store.schedule.requestSync(null, full);
  expect(await run('calendar-events', MINUTE)).toEqual(CAUGHT_UP);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

async function heldUntil(): Promise<unknown> {
  const { rows } = await world.database.pool.query(
    'SELECT held_until FROM syncline.collections WHERE held_since IS NOT NULL',
  );
  return rows;
}

test('rows excluded by a changed policy are deleted without a second listing', async () => {
  await begin();
  const trashed = (await world.control.truth(email, 'gmail')).slice(0, 30);
  for (const { id } of trashed)
    await world.control.actAs(email, { action: 'trash', messageId: id });
  await world.catchUp();
  world.mirror = { exclude: ['trash'] };
  const gets = await calls('messages.get');
  await world.store.schedule.requestSync(null, { full: true, resource: 'gmail' });
  expect(await run('gmail')).toEqual(CAUGHT_UP);
  const kept = (message: Record<string, unknown>): boolean =>
    !(message['labelIds'] as string[]).includes('TRASH');
  expect(await world.drift(kept)).toMatchObject(NO_DRIFT);
  expect((await calls('messages.get')) - gets).toBeLessThanOrEqual(60);
});

test('a full sync with nothing to sweep requests nothing by id', async () => {
  await begin();
  const methods = ['events.get', 'calendarList.get', 'labels.get'];
  const before = (await world.control.ledger()).methods;
  await world.store.schedule.requestSync(null, { full: true });
  await world.catchUp();
  const after = (await world.control.ledger()).methods;
  expect(methods.map((method) => after[method]?.calls ?? 0)).toEqual([0, 0, 0]);
  expect(after['getProfile']!.calls - before['getProfile']!.calls).toBe(1);
});

test('why, verify and wait report that a calendar is held', async () => {
  await begin();
  await world.control.fault({ kind: 'invalid-sync-token', email });
  await world.control.fault({ kind: 'empty-listing', method: 'events.list', email, count: 1 });
  await run('calendar-events');
  expect(await world.store.accounts.countHeldSweeps()).toEqual({
    gmail: 0,
    'calendar-list': 0,
    'calendar-events': 1,
    'contacts-connections': 0,
    'contacts-other': 0,
    'contacts-groups': 0,
  });
  const cli = (...args: string[]): ReturnType<typeof exited> =>
    exited(startProgram('cli', world.env, args));
  const why = await cli('why', email);
  expect(why.stdout).toMatch(/held: a full listing lacked \d+ items .* until it is listed again/);
  const verified = await cli('verify', email, '--resource', 'calendar');
  expect(verified.stdout).toMatch(/calendar: .* 0 extra[^]*held: a full listing lacked/);
  const waited = await cli('wait', email, '--timeout', '2');
  expect([waited.code, waited.stdout + waited.stderr]).toEqual([
    1,
    expect.stringContaining('held: '),
  ]);
  await stopAll();
});
