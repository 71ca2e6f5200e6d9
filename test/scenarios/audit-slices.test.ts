import type { CollectionView } from '@syncline/store';
import { syncCollection, type SyncPolicy } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/* A mailbox that is far too large for one slice of an audit: pages of five ids, and a budget of a dozen pages. */

const UNITS = 70;
const POLICY: SyncPolicy = {
  activeMs: 60_000,
  idleMs: 900_000,
  auditEveryMs: 3_600_000,
  auditUnits: UNITS,
  auditPauseMs: 0,
};
let world: World;
beforeEach(async () => {
  world = await startWorld({
    seed: 92,
    accounts: 1,
    messagesPerAccount: 60,
    calendarsPerAccount: 2,
    eventsPerCalendar: 5,
    largestPage: 5,
  });
  await world.catchUp();
  await letAuditsBeDue();
});
afterEach(() => world.close());

const letAuditsBeDue = (): Promise<unknown> =>
  world.database.pool.query(
    "UPDATE syncline.collections SET full_sync_started_at = now() - interval '2 h', audited_at = NULL",
  );
const auditOf = async (kind: string): Promise<CollectionView['audit']> =>
  (await world.store.accounts.list())[0]!.collections.find((c) => c.kind === kind)!.audit;
const unitsSpent = async (): Promise<number> =>
  (await world.store.quota.today()).reduce(
    (sum, { method, units }) => sum + (method.startsWith('gmail.') ? units : 0),
    0,
  );

/** One run of every collection of a kind, with one slice of its audit. */
async function runOnce(kind: string, policy: SyncPolicy = POLICY): Promise<void> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE kind = $1 AND state = 'active'",
    [kind],
  );
  for (const { id } of rows)
    await syncCollection(world.rt, { ...world, policy }, id, {
      sliceMs: 30_000,
      signal: new AbortController().signal,
    });
}

async function breakRows(): Promise<string[]> {
  const { pool } = world.database;
  const ids = (
    await pool.query<{ id: string }>('SELECT id FROM syncline.gmail_messages ORDER BY id LIMIT 3')
  ).rows.map((row) => row.id);
  await pool.query('DELETE FROM syncline.gmail_messages WHERE id = $1', [ids[0]]);
  await pool.query("UPDATE syncline.gmail_messages SET label_ids = '{SPAM}' WHERE id = $1", [
    ids[1],
  ]);
  await pool.query(
    "UPDATE syncline.gmail_messages SET label_ids = array_append(label_ids, 'nobodys') WHERE id = $1",
    [ids[2]],
  );
  await pool.query(
    "INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource) SELECT account_id, 'ffffffffffffffff', thread_id, history_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource FROM syncline.gmail_messages LIMIT 1",
  );
  return ids;
}

test('the whole mailbox is audited in slices within the budget, and nothing is reported before the end', async () => {
  await breakRows();
  let slices = 0;
  for (; (await auditOf('gmail')).last === null && slices < 100; slices++) {
    const before = await unitsSpent();
    await runOnce('gmail');
    // The run itself looks into history, at the labels and, when there is something to repair, at those messages.
    expect((await unitsSpent()) - before).toBeLessThanOrEqual(UNITS + 2 + 1 + 4 * 20 + 5);
    const { last, inHand } = await auditOf('gmail');
    expect(last === null ? inHand : inHand === null).toBeTruthy();
  }
  expect(slices).toBeGreaterThan(5);
  expect((await auditOf('gmail')).last).toMatchObject({ checked: 60, drift: 4 });
  expect((await auditOf('gmail')).last!.contents).toBeGreaterThanOrEqual(20);
  expect((await world.database.pool.query('SELECT 1 FROM syncline.audit_items')).rows).toEqual([]);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('messages that arrive, change or are deleted between the slices are not drift', async () => {
  for (let slices = 0; (await auditOf('gmail')).last === null && slices < 200; slices++) {
    await world.control.act(3);
    await runOnce('gmail');
  }
  expect((await auditOf('gmail')).last).toMatchObject({ drift: 0 });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('the audit pauses between slices; an expired page token begins the list again, a new full sync the audit', async () => {
  await runOnce('gmail');
  const { rows } = await world.database.pool.query(
    "SELECT d.position AS at FROM syncline.collections c LEFT JOIN syncline.collection_audits d ON d.collection_id = c.id WHERE kind = 'gmail'",
  );
  expect(rows[0].at).toMatchObject({ step: 'list', pageToken: expect.any(String) });
  const spent = await unitsSpent();
  await runOnce('gmail', { ...POLICY, auditPauseMs: 60_000 });
  expect((await unitsSpent()) - spent).toBeLessThanOrEqual(5);
  await world.database.pool.query(
    'UPDATE syncline.collection_audits d SET position = position || \'{"pageToken":"died"}\' FROM syncline.collections c WHERE c.id = d.collection_id AND kind = \'gmail\'',
  );
  await runOnce('gmail');
  expect(
    (
      await world.database.pool.query(
        "SELECT d.position->>'restarts' AS n FROM syncline.collections c JOIN syncline.collection_audits d ON d.collection_id = c.id WHERE kind = 'gmail'",
      )
    ).rows,
  ).toEqual([{ n: expect.stringMatching(/^[01]$/) }]);
  const { id } = (
    await world.database.pool.query<{ id: string }>(
      "SELECT id FROM syncline.collections WHERE kind = 'gmail'",
    )
  ).rows[0]!;
  await world.store.schedule.requestRepair(id);
  await runOnce('gmail', { activeMs: 60_000, idleMs: 900_000 });
  await runOnce('gmail');
  expect(
    (
      await world.database.pool.query(
        "SELECT d.position->>'generation' AS n, d.checked_so_far::int AS listed FROM syncline.collections c JOIN syncline.collection_audits d ON d.collection_id = c.id WHERE kind = 'gmail'",
      )
    ).rows,
  ).toEqual([{ n: '2', listed: expect.any(Number) }]);
  for (let slices = 0; (await auditOf('gmail')).last === null && slices < 100; slices++)
    await runOnce('gmail');
  expect((await auditOf('gmail')).last).toMatchObject({ checked: 60, drift: 0 });
});

test('audits of calendar lists report missing and extra entries as drift, and update changed properties', async () => {
  const { pool } = world.database;
  await pool.query(
    'UPDATE syncline.calendars SET resource = resource || \'{"summary":"another"}\' WHERE is_primary',
  );
  await runOnce('calendar-list');
  const calendars = (
    await pool.query<{ n: number }>('SELECT count(*)::int AS n FROM syncline.calendars')
  ).rows[0]!.n;
  expect((await auditOf('calendar-list')).last).toMatchObject({
    checked: calendars,
    contents: calendars,
    drift: 0,
  });
  await world.catchUp();
  expect(
    (await pool.query("SELECT 1 FROM syncline.calendars WHERE resource->>'summary' = 'another'"))
      .rows,
  ).toEqual([]);
  await pool.query(
    "INSERT INTO syncline.calendars (account_id, id, is_primary, resource) SELECT account_id, 'nobodys', false, '{}' FROM syncline.calendars LIMIT 1",
  );
  await letAuditsBeDue();
  await runOnce('calendar-list');
  expect((await auditOf('calendar-list')).last).toMatchObject({ checked: calendars, drift: 1 });
  await world.catchUp();
  expect((await pool.query("SELECT 1 FROM syncline.calendars WHERE id = 'nobodys'")).rows).toEqual(
    [],
  );
});
