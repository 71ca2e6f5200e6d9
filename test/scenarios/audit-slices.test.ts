import type { AuditView } from '@syncline/store';
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
const auditOf = async (kind: string): Promise<AuditView> =>
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

test('slice by slice within its budget the whole mailbox is audited, and until then nothing is said of the remainder', async () => {
  await breakRows();
  let slices = 0;
  for (; (await auditOf('gmail')).last === null && slices < 100; slices++) {
    const before = await unitsSpent();
    await runOnce('gmail');
    // The run itself looks into history, at the labels and, when there is something to mend, at those messages.
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

test('messages that come, go and change between the slices are not drift', async () => {
  for (let slices = 0; (await auditOf('gmail')).last === null && slices < 200; slices++) {
    await world.control.act(3);
    await runOnce('gmail');
  }
  expect((await auditOf('gmail')).last).toMatchObject({ drift: 0 });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('between two slices the audit pauses; a page token that died begins its list again, and a new full sync the audit', async () => {
  await runOnce('gmail');
  const { rows } = await world.database.pool.query(
    "SELECT audit_position AS at FROM syncline.collections WHERE kind = 'gmail'",
  );
  expect(rows[0].at).toMatchObject({ step: 'list', pageToken: expect.any(String) });
  const spent = await unitsSpent();
  await runOnce('gmail', { ...POLICY, auditPauseMs: 60_000 });
  expect((await unitsSpent()) - spent).toBeLessThanOrEqual(5);
  await world.database.pool.query(
    'UPDATE syncline.collections SET audit_position = audit_position || \'{"pageToken":"died"}\' WHERE kind = \'gmail\'',
  );
  await runOnce('gmail');
  expect(
    (
      await world.database.pool.query(
        "SELECT audit_position->>'restarts' AS n FROM syncline.collections WHERE kind = 'gmail'",
      )
    ).rows,
  ).toEqual([{ n: expect.stringMatching(/^[01]$/) }]);
  const { id } = (
    await world.database.pool.query<{ id: string }>(
      "SELECT id FROM syncline.collections WHERE kind = 'gmail'",
    )
  ).rows[0]!;
  await world.store.collections.requestFullSync(id);
  await runOnce('gmail', { activeMs: 60_000, idleMs: 900_000 });
  await runOnce('gmail');
  expect(
    (
      await world.database.pool.query(
        "SELECT audit_position->>'generation' AS n, audit_so_far::int AS listed FROM syncline.collections WHERE kind = 'gmail'",
      )
    ).rows,
  ).toEqual([{ n: '2', listed: expect.any(Number) }]);
  for (let slices = 0; (await auditOf('gmail')).last === null && slices < 100; slices++)
    await runOnce('gmail');
  expect((await auditOf('gmail')).last).toMatchObject({ checked: 60, drift: 0 });
});

test('calendar lists are audited: an entry too few or too many is drift, one whose properties changed is late and mended', async () => {
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
