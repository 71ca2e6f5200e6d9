import { syncCollection, type Outcome } from '@syncline/sync';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/*
 * A message that Google has just named, or that the mirror holds, is not deleted because its get
 * answers 404: history names what is deleted, and without history the answer is repeated. Dates of
 * retries are brought forward here; item-failures.test.ts has the delays.
 */

const POLICY = { activeMs: 600_000, idleMs: 900_000, confirmAfterMs: 100 };
const RUNS_LIMIT = 40;

let world: World;
let email: string;
let accountId: string;
let mailbox: string;

async function connect(messages: number): Promise<void> {
  world = await startWorld({
    seed: 97,
    threadLength: 1,
    accounts: 1,
    messagesPerAccount: messages,
    calendarsPerAccount: 0,
    eventsPerCalendar: 0,
  });
  email = (await world.control.accounts())[0]!.email;
  accountId = (await world.store.accounts.list())[0]!.id;
  mailbox = (
    await world.database.pool.query<{ id: string }>(
      "SELECT id FROM syncline.collections WHERE kind = 'gmail'",
    )
  ).rows[0]!.id;
}
afterEach(() => world.close());

function run(sliceMs = 60_000): Promise<Outcome> {
  return syncCollection(
    world.rt,
    { store: world.store, google: world.google, policy: POLICY, mirror: world.mirror },
    mailbox,
    { sliceMs, signal: new AbortController().signal },
  );
}

/** Runs until the mailbox is caught up, or `limit` times; every date is brought forward. */
async function runs(limit = RUNS_LIMIT): Promise<string[]> {
  const ends: string[] = [];
  while (ends.length < limit && ends.at(-1) !== 'caught-up') {
    await endDelays();
    ends.push((await run()).kind);
  }
  return ends;
}

async function endDelays(): Promise<void> {
  const { pool } = world.database;
  await pool.query("UPDATE syncline.failing_items SET retry_at = now() - interval '1 ms'");
  await pool.query("UPDATE syncline.full_sync_items SET not_before = now() - interval '1 ms'");
  await pool.query(
    `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{hold,notBeforeMs}', '0') WHERE cursor ? 'hold'`,
  );
}

const truth = async (): Promise<string[]> =>
  (await world.control.truth(email, 'gmail')).map((message) => String(message['id'])).sort();

async function idsIn(table: string, column: string): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    `SELECT ${column} AS id FROM syncline.${table} ORDER BY 1`,
  );
  return rows.map(({ id }) => id);
}
const stored = (): Promise<string[]> => idsIn('gmail_messages', 'id');
const failing = (): Promise<string[]> => idsIn('failing_items', 'item_id');

const state = async (): Promise<object> =>
  (
    await world.database.pool.query<object>(
      "SELECT phase, parked FROM syncline.collections WHERE kind = 'gmail'",
    )
  ).rows[0]!;
const SYNCED = { phase: 'incremental', parked: null };

async function deletions(): Promise<number> {
  const changes = await rowChanges(world.store, accountId, 0n, 100_000);
  return changes.filter(({ op }) => op === 'deleted').length;
}

async function notFound(ids: readonly string[]): Promise<void> {
  for (const id of ids) await world.control.spoil(id, '404', { method: 'messages.get' });
}

const gets = async (): Promise<number> =>
  (await world.control.ledger()).methods['messages.get']?.calls ?? 0;

/** Adds rows of messages that Google does not have, as a lost deletion leaves them. */
async function addRows(count: number): Promise<string[]> {
  const columns =
    'thread_id, history_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource';
  const { rows } = await world.database.pool.query<{ id: string }>(
    `INSERT INTO syncline.gmail_messages (account_id, id, ${columns})
     SELECT m.account_id, 'ffffffffffff' || to_char(n, 'FM0000'), ${columns} FROM
       (SELECT * FROM syncline.gmail_messages LIMIT 1) m, generate_series(1, $1) AS n RETURNING id`,
    [count],
  );
  return rows.map(({ id }) => id);
}

test.each([1, 30])(
  'stores %i messages that a full sync lists, and whose gets answered 404 several times',
  async (count) => {
    await connect(80);
    await notFound((await truth()).slice(20, 20 + count));
    // The second retry is a minute after the first.
    await runs(4);
    expect(await state()).toEqual(SYNCED);
    expect([(await stored()).length, (await failing()).length]).toEqual([80 - count, count]);
    await world.control.clearFaults();
    expect((await runs()).at(-1)).toBe('caught-up');
    expect([await stored(), await failing()]).toEqual([await truth(), []]);
  },
);

test('asks again for many listed messages whose gets answer 404, however long', async () => {
  await connect(80);
  await notFound((await truth()).slice(20, 50));
  expect(await runs(14)).not.toContain('caught-up');
  expect([await state(), (await failing()).length]).toEqual([SYNCED, 30]);
  await world.control.clearFaults();
  expect((await runs()).at(-1)).toBe('caught-up');
  expect([await stored(), await failing()]).toEqual([await truth(), []]);
});

test('stores every message of a mailbox whose gets all answered 404 for a time', async () => {
  await connect(60);
  await world.control.fault({ kind: '404', method: 'messages.get' });
  expect(await runs(12)).not.toContain('caught-up');
  expect(await state()).toEqual(SYNCED);
  await world.control.clearFaults();
  expect((await runs()).at(-1)).toBe('caught-up');
  expect([await stored(), await failing()]).toEqual([await truth(), []]);
});

test('completes a full sync while most messages are deleted, with the deletions that history names', async () => {
  await connect(120);
  while (!('fetched' in (await cursor()))) await run(0);
  const doomed = (await truth()).slice(10);
  for (const messageId of doomed) await world.control.actAs(email, { action: 'delete', messageId });
  const before = await gets();
  expect((await runs()).at(-1)).toBe('caught-up');
  expect([await stored(), await failing(), await state()]).toEqual([await truth(), [], SYNCED]);
  // Three gets of a message on the list, and none after history has named its deletion.
  expect((await gets()) - before).toBeLessThanOrEqual(3 * 120);
});

const cursor = async (): Promise<object> =>
  (
    await world.database.pool.query<{ cursor: object }>(
      "SELECT cursor FROM syncline.collections WHERE kind = 'gmail'",
    )
  ).rows[0]!.cursor ?? {};

test('keeps stored messages that a requested full sync lists, and whose gets answer 404', async () => {
  await connect(60);
  await runs();
  await notFound((await truth()).slice(0, 30));
  await world.store.schedule.requestSync([accountId], { full: true });
  await runs(12);
  expect([await stored(), await deletions(), await state()]).toEqual([await truth(), 0, SYNCED]);
  await world.control.clearFaults();
  expect((await runs()).at(-1)).toBe('caught-up');
  expect([await failing(), await deletions()]).toEqual([[], 0]);
});

test('keeps a stored message that is read again when its get answers 404 once', async () => {
  await connect(20);
  await runs();
  const [id = ''] = await truth();
  await world.control.spoil(id, '404', { method: 'messages.get', count: 1 });
  await world.store.quarantine.wantMessages(accountId, [id]);
  expect((await runs()).at(-1)).toBe('caught-up');
  expect([await stored(), await deletions()]).toEqual([await truth(), 0]);
});

test('keeps many stored messages that are read again while their gets answer 404', async () => {
  await connect(60);
  await runs();
  const ids = (await truth()).slice(0, 50);
  await notFound(ids);
  await world.store.quarantine.wantMessages(accountId, ids);
  expect(await runs(12)).not.toContain('caught-up');
  expect([await stored(), await deletions(), await state()]).toEqual([await truth(), 0, SYNCED]);
  await world.control.clearFaults();
  expect((await runs()).at(-1)).toBe('caught-up');
  expect([await failing(), await deletions()]).toEqual([[], 0]);
});

test.each([
  [3, 60],
  [12, 60],
  [50, 60],
])(
  'deletes %i rows of messages that Google does not have, beside %i others',
  async (count, messages) => {
    await connect(messages);
    await runs();
    await world.store.quarantine.wantMessages(accountId, await addRows(count));
    expect((await runs()).at(-1)).toBe('caught-up');
    expect([await stored(), await failing(), await state()]).toEqual([await truth(), [], SYNCED]);
  },
);

test('syncs new mail while messages are not found', async () => {
  await connect(40);
  await runs();
  const ids = (await truth()).slice(0, 10);
  await notFound(ids);
  await world.store.quarantine.wantMessages(accountId, ids);
  for (let n = 0; n < 3; n++) {
    await endDelays();
    await run();
  }
  const { messageId } = (await world.control.actAs(email, {
    action: 'deliver',
    subject: 'new',
  })) as { messageId: string };
  await endDelays();
  await run();
  expect(await stored()).toContain(messageId);
});
