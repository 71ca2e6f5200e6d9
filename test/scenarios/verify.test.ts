import { repairDrift, verifyAccount } from '@syncline/sync';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
let accountId: string;
beforeEach(async () => {
  world = await startWorld({
    seed: 51,
    accounts: 1,
    messagesPerAccount: 60,
    calendarsPerAccount: 2,
    eventsPerCalendar: 20,
  });
  await world.catchUp();
  accountId = (await world.store.accounts.list())[0]!.id;
});
afterEach(() => world.close());

/** A fleet is at work meanwhile: what verify finds is looked at again once the fleet has caught up. */
async function verify(
  resource: 'gmail' | 'calendar',
  sample?: number,
): ReturnType<typeof verifyAccount> {
  const over = new AbortController();
  const fleet = (async () => {
    while (!over.signal.aborted) await world.catchUp();
  })();
  const report = await verifyAccount(
    world.rt,
    world,
    accountId,
    resource,
    sample === undefined ? {} : { sample },
  );
  over.abort();
  await fleet;
  return report;
}

test('a complete mirror passes, and everything in it is compared', async () => {
  expect(await verify('gmail')).toEqual({
    resource: 'gmail',
    checked: 60,
    missing: [],
    extra: [],
    stale: [],
    unread: [],
  });
  const calendar = await verify('calendar');
  expect(calendar).toMatchObject({ missing: [], extra: [], stale: [] });
  expect(calendar.checked).toBe((await world.drift()).checked.events);
});

test('a missing row, an extra row and a changed row are each named', async () => {
  const { pool } = world.database;
  const ids = (
    await pool.query<{ id: string }>('SELECT id FROM syncline.gmail_messages ORDER BY id LIMIT 3')
  ).rows.map((row) => row.id);
  await pool.query('DELETE FROM syncline.gmail_messages WHERE id = $1', [ids[0]]);
  await pool.query("UPDATE syncline.gmail_messages SET subject = 'another' WHERE id = $1", [
    ids[1],
  ]);
  await pool.query(
    "UPDATE syncline.gmail_bodies SET text_plain = 'another' WHERE message_id = $1",
    [ids[2]],
  );
  await pool.query(
    "INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource) SELECT account_id, 'ffffffffffffffff', thread_id, history_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource FROM syncline.gmail_messages LIMIT 1",
  );
  expect(await verify('gmail')).toEqual({
    resource: 'gmail',
    checked: 60,
    missing: [ids[0]],
    extra: ['ffffffffffffffff'],
    stale: [ids[1], ids[2]],
    unread: [],
  });
  const event = (
    await pool.query<{ calendar_id: string; id: string }>(
      'SELECT calendar_id, id FROM syncline.calendar_events ORDER BY id LIMIT 1',
    )
  ).rows[0]!;
  await pool.query(
    'UPDATE syncline.calendar_events SET resource = resource || \'{"summary":"another"}\' WHERE calendar_id = $1 AND id = $2',
    [event.calendar_id, event.id],
  );
  expect(await verify('calendar')).toMatchObject({
    missing: [],
    extra: [],
    stale: [`${event.calendar_id}/${event.id}`],
  });
});

test('a full sync repairs what verify found', async () => {
  await world.database.pool.query(
    "UPDATE syncline.gmail_bodies SET text_plain = 'another' WHERE message_id IN (SELECT id FROM syncline.gmail_messages ORDER BY id LIMIT 5)",
  );
  await world.database.pool.query(
    'DELETE FROM syncline.gmail_messages WHERE id IN (SELECT id FROM syncline.gmail_messages ORDER BY id DESC LIMIT 5)',
  );
  await world.store.schedule.requestSync([accountId], { full: true });
  await world.catchUp();
  expect(await world.drift()).toMatchObject({ missing: [], extra: [], stale: [] });
});

test('repair requests and repairs exactly what differs, with change events', async () => {
  const { pool } = world.database;
  const ids = (
    await pool.query<{ id: string }>('SELECT id FROM syncline.gmail_messages ORDER BY id LIMIT 3')
  ).rows.map((row) => row.id);
  await pool.query('DELETE FROM syncline.gmail_messages WHERE id = $1', [ids[0]]);
  await pool.query(
    "UPDATE syncline.gmail_bodies SET text_plain = 'another' WHERE message_id = $1",
    [ids[1]],
  );
  await pool.query(
    "INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource) SELECT account_id, 'ffffffffffffffff', thread_id, history_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource FROM syncline.gmail_messages LIMIT 1",
  );
  const event = (
    await pool.query<{ id: string }>(
      'DELETE FROM syncline.calendar_events WHERE id = (SELECT min(id) FROM syncline.calendar_events) RETURNING id',
    )
  ).rows[0]!;
  const reports = [await verify('gmail'), await verify('calendar')];
  const seq = (await pool.query<{ feed_seq: string }>('SELECT feed_seq FROM syncline.accounts'))
    .rows[0]!.feed_seq;
  const gets = (await world.control.ledger()).methods['messages.get']!.calls;
  const { collections } = (await world.store.accounts.list())[0]!;
  const deps = { ...world, policy: { activeMs: 60_000, idleMs: 900_000, confirmAfterMs: 100 } };
  for (const report of reports) {
    const collectionIds = collections
      .filter(({ kind }) => kind.startsWith(report.resource))
      .map(({ id }) => id);
    expect(await repairDrift(world.rt, deps, { accountId, collectionIds }, report)).toBeNull();
  }
  expect(await world.drift()).toMatchObject({ missing: [], extra: [], stale: [] });
  // Three gets of the message that Google does not have, two of them beside one that it has.
  expect((await world.control.ledger()).methods['messages.get']!.calls - gets).toBe(2 + 3 + 2);
  const changes = (await rowChanges(world.store, accountId, BigInt(seq), 100))
    .map(({ entity, id, op, origin }) => `${origin} ${entity} ${id} ${op}`)
    .sort();
  expect(changes).toEqual(
    [
      `repair event ${event.id} created`,
      `repair message ${ids[0]} created`,
      `repair message ${ids[1]} updated`,
      'repair message ffffffffffffffff deleted',
    ].sort(),
  );
});

test('a sample finds missing, extra and relabelled messages by listing, and changed content among the sampled ones', async () => {
  const { pool } = world.database;
  const ids = (
    await pool.query<{ id: string }>('SELECT id FROM syncline.gmail_messages ORDER BY id LIMIT 3')
  ).rows.map((row) => row.id);
  await pool.query('DELETE FROM syncline.gmail_messages WHERE id = $1', [ids[0]]);
  await pool.query("UPDATE syncline.gmail_messages SET label_ids = '{SPAM}' WHERE id = $1", [
    ids[1],
  ]);
  await pool.query(
    "UPDATE syncline.gmail_bodies SET text_plain = 'another' WHERE message_id = $1",
    [ids[2]],
  );
  const gets = (await world.control.ledger()).methods['messages.get']!.calls;
  expect(await verify('gmail', 0)).toEqual({
    resource: 'gmail',
    checked: 60,
    missing: [ids[0]],
    extra: [],
    stale: [ids[1]],
    unread: [],
  });
  expect((await world.control.ledger()).methods['messages.get']!.calls - gets).toBe(2);
  expect(await verify('gmail', 60)).toMatchObject({ missing: [ids[0]], stale: [ids[1], ids[2]] });
});

test('a repair that is not possible reports the reason and stays requested', async () => {
  const { rows } = await world.database.pool.query<{ id: string }>(
    'DELETE FROM syncline.gmail_messages WHERE id = (SELECT min(id) FROM syncline.gmail_messages) RETURNING id',
  );
  const account = (await world.store.accounts.list())[0]!;
  const mailbox = account.collections.find(({ kind }) => kind === 'gmail')!;
  const report = {
    resource: 'gmail',
    checked: 60,
    missing: [rows[0]!.id],
    extra: [],
    stale: [],
    unread: [],
  } as const;
  const deps = { ...world, policy: { activeMs: 60_000, idleMs: 900_000 } };
  const repair = (): Promise<string | null> =>
    repairDrift(
      world.rt,
      deps,
      { accountId, collectionIds: [mailbox.id] },
      { ...report, missing: [...report.missing], extra: [], stale: [], unread: [] },
      0,
    );
  const held = await world.store.leases.claim(mailbox.id);
  expect(await repair()).toBe('a worker has the lease');
  if (held.kind === 'claimed')
    await world.store.leases.finish(held.lease, { result: 'more', nextInMs: 0, error: null });
  await world.store.accounts.pause(accountId);
  expect(await repair()).toContain('not active');
  await world.store.accounts.resume(accountId);
  await world.catchUp();
  expect(await world.drift()).toMatchObject({ missing: [], extra: [], stale: [] });
});

test('verify beside a full sync stays under the limit of calls in flight, reads long threads whole, and runs once at a time', async () => {
  await world.close();
  world = await startWorld({
    seed: 52,
    accounts: 1,
    messagesPerAccount: 240,
    threadLength: 2,
    calendarsPerAccount: 1,
    eventsPerCalendar: 0,
    latencyMs: 40,
  });
  accountId = (await world.store.accounts.list())[0]!.id;
  await world.catchUp();
  const before = (await world.control.ledger()).methods;
  const fullSync = (async () => {
    await world.store.schedule.requestSync([accountId], { resource: 'gmail', full: true });
    await world.catchUp();
  })();
  const both = await Promise.allSettled(
    [1, 2].map(() => verifyAccount(world.rt, world, accountId, 'gmail')),
  );
  const refused = both.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
  expect(String(refused?.reason)).toContain(
    `another comparison of this mailbox is under way, by process ${process.pid} on `,
  );
  const verified = both.find(({ status }) => status === 'fulfilled');
  expect(verified).toMatchObject({ value: { checked: 240, missing: [], extra: [], stale: [] } });
  await fullSync;
  const { violations, methods } = await world.control.ledger();
  expect(violations.total).toBe(0);
  expect(methods['threads.get']!.calls).toBeGreaterThan((before['threads.get']?.calls ?? 0) * 2);
});
