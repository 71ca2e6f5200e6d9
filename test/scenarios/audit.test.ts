import { syncCollection } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

let world: World;
beforeEach(async () => {
  world = await startWorld({
    seed: 91,
    accounts: 1,
    messagesPerAccount: 60,
    calendarsPerAccount: 1,
    eventsPerCalendar: 10,
  });
  await world.catchUp();
});
afterEach(() => world.close());

/** Runs everything that is due, as workers that audit once an hour; the last audit is two hours old. */
/** Runs what is due, and the retries of items that Google does not find, until nothing is left. */
async function runWithAudit(): Promise<void> {
  const policy = {
    activeMs: 60_000,
    idleMs: 900_000,
    auditEveryMs: 3_600_000,
    confirmAfterMs: 100,
  };
  await world.database.pool.query(
    "UPDATE syncline.collections SET full_sync_started_at = now() - interval '2 h', next_sync_at = now()",
  );
  for (;;) {
    const due = await world.store.schedule.claimDue({ limit: 20, visibilityMs: 60_000 });
    if (due.length === 0 && !(await hasRetriesBroughtForward())) return;
    for (const { id } of due) {
      const run = { sliceMs: 5_000, signal: new AbortController().signal };
      for (let kind = 'more'; kind === 'more';)
        ({ kind } = await syncCollection(world.rt, { ...world, policy }, id, run));
    }
  }
}

async function hasRetriesBroughtForward(): Promise<boolean> {
  const { rowCount } = await world.database.pool.query(
    `WITH retried AS (UPDATE syncline.failing_items SET retry_at = now() - interval '1 ms' RETURNING collection_id)
     UPDATE syncline.collections SET next_sync_at = now() WHERE id IN (SELECT collection_id FROM retried)`,
  );
  return rowCount !== 0;
}

async function auditsOf(): Promise<unknown[]> {
  return (
    await world.database.pool.query(
      'SELECT kind, d.drift, audited_at IS NOT NULL AS done FROM syncline.collections c LEFT JOIN syncline.collection_audits d ON d.collection_id = c.id ORDER BY kind, external_id',
    )
  ).rows;
}

test('rows changed in the database are found and repaired, with change events and a count', async () => {
  const { pool } = world.database;
  const ids = (
    await pool.query<{ id: string }>('SELECT id FROM syncline.gmail_messages ORDER BY id LIMIT 2')
  ).rows.map((row) => row.id);
  await pool.query('DELETE FROM syncline.gmail_messages WHERE id = $1', [ids[0]]);
  await pool.query("UPDATE syncline.gmail_messages SET label_ids = '{SPAM}' WHERE id = $1", [
    ids[1],
  ]);
  await pool.query(
    "INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource) SELECT account_id, 'ffffffffffffffff', thread_id, history_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource FROM syncline.gmail_messages LIMIT 1",
  );
  const event = (
    await pool.query<{ id: string }>(
      'UPDATE syncline.calendar_events SET resource = resource || \'{"summary":"another"}\' WHERE id = (SELECT min(id) FROM syncline.calendar_events) RETURNING id',
    )
  ).rows[0]!;
  const account = (await world.store.accounts.list())[0]!;
  const seq = BigInt(
    (await pool.query<{ feed_seq: string }>('SELECT feed_seq FROM syncline.accounts')).rows[0]!
      .feed_seq,
  );
  await runWithAudit();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const changes = (await rowChanges(world.store, account.id, seq, 100))
    .map(({ entity, id, op, origin }) => `${origin} ${entity} ${id} ${op}`)
    .sort();
  expect(changes).toEqual(
    [
      `repair event ${event.id} updated`,
      `repair message ${ids[0]} created`,
      `repair message ${ids[1]} updated`,
      'repair message ffffffffffffffff deleted',
    ].sort(),
  );
  expect(await auditsOf()).toEqual(
    expect.arrayContaining([
      { kind: 'gmail', drift: 3, done: true },
      { kind: 'calendar-events', drift: 1, done: true },
    ]),
  );
  expect((await world.rt.metrics.reconcileDrift.get()).values).toEqual(
    expect.arrayContaining([expect.objectContaining({ labels: { kind: 'gmail' }, value: 3 })]),
  );
});

test('a correct mirror has no drift while its users act, and the audit stays within its price', async () => {
  const before = (await world.control.ledger()).methods;
  await world.control.rate(100);
  await runWithAudit();
  await world.control.rate(0);
  expect(
    (await auditsOf()).every(
      (audit) =>
        (audit as { drift: number | null }).drift === null ||
        (audit as { drift: number }).drift === 0,
    ),
  ).toBe(true);
  const after = (await world.control.ledger()).methods;
  expect(after['messages.list']!.calls - before['messages.list']!.calls).toBeLessThan(60);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
