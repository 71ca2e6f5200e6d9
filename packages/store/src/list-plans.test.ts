import type pg from 'pg';
import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { onSentStatement, type SentStatement } from '../../../test/support/sent-statements.js';
import { absenceOf, absentIds } from './absence.js';
import { auditIn } from './audit.js';
import type { Lease } from './lease.js';
import { openPool } from './pool.js';
import { Transaction } from './transaction.js';
import { labelLosses, relabel } from './mirrors/gmail/full-sync-labels.js';
import { applyItems } from './full-sync-items.js';

/*
 * Statements that compare a mailbox with a list that was filled a moment ago. The server has no
 * statistics of the list yet, as in the first minute after a full sync. The plan must not depend on
 * them.
 */

const ROWS = 2_000;
/**
 * Number of comparisons above which a plan compares every row with every item: half of ROWS
 * squared.
 */
const QUADRATIC = (ROWS * ROWS) / 2;

let fixture: StoreFixture;
let pool: pg.Pool;
let lease: Lease;
const sent = new Map<string, SentStatement>();
beforeAll(async () => {
  fixture = await storeFixture();
  onSentStatement((statement) => sent.set(statement.text, statement));
  pool = openPool(fixture.database.url, 2, { byIndex: true });
  lease = await claim(fixture, fixture.accountId, 'gmail');
  await fillLists();
});
afterAll(async () => {
  jest.restoreAllMocks();
  await pool.end();
  await fixture.close();
});

test('no statement compares every row of a mailbox with every item of a list that was just filled', async () => {
  const q = { excluded: [], limit: 20, after: '' };
  await absenceOf(pool, lease, GENERATION, { ...q, which: 'unmet' });
  await absenceOf(pool, lease, GENERATION, { ...q, which: 'held' });
  await absentIds(pool, lease, GENERATION, { ...q, which: 'unmet' });
  await labelLosses(pool, lease, GENERATION, {
    excluded: [],
    labels: 10,
    sample: 10,
    unlistedSample: 10,
  });
  await compareAudit();
  await inTransactionUndone(async (session) => {
    await applyItems(session, lease, GENERATION, { sweepLimit: 100 });
    await relabel(session, lease, GENERATION, { after: '', upTo: 'm9', excluded: [] });
  });
  const compared = [...sent.values()].filter(({ text }) =>
    /syncline\.(?:full_sync_items|full_sync_labels|held_items|audit_items)\b[^]*(?:EXISTS|EXCEPT|IN) ?\(/.test(
      text,
    ),
  );
  expect(compared.length).toBeGreaterThanOrEqual(8);
  const slow = [];
  for (const statement of compared) {
    const comparisons = await discardedBy(statement);
    if (comparisons > QUADRATIC / 10) slow.push(`${comparisons}: ${statement.text.slice(0, 300)}`);
  }
  expect(slow).toEqual([]);
}, 180_000);

test('the check finds a statement that compares every row with every item', async () => {
  const found = await discardedBy({
    text: `SELECT 1 FROM syncline.gmail_messages m JOIN syncline.full_sync_items w ON w.item_id || '' = m.id || '' WHERE m.account_id = $1 AND w.account_id = $1`,
    values: [lease.accountId],
  });
  expect(found).toBeGreaterThan(QUADRATIC);
}, 180_000);

const GENERATION = 1;

/** Every list names all messages except the last 50. */
async function fillLists(): Promise<void> {
  const db = fixture.database.pool;
  for (const table of [
    'gmail_messages',
    'full_sync_items',
    'full_sync_labels',
    'held_items',
    'audit_items',
  ])
    await db.query(`ALTER TABLE syncline.${table} SET (autovacuum_enabled = false)`);
  const ids = `generate_series(1, ${ROWS}) AS n`;
  const listed = `generate_series(1, ${ROWS - 50}) AS n`;
  const key = [lease.accountId, lease.collectionId];
  await db.query(
    `INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, snippet, resource)
     SELECT $1, 'm' || n, 't' || n, n, '{INBOX}', now(), '', '{}' FROM ${ids}`,
    [lease.accountId],
  );
  await db.query(
    `INSERT INTO syncline.full_sync_items (account_id, collection_id, generation, item_id, ordinal, pending) SELECT $1, $2, ${GENERATION}, 'm' || n, n, false FROM ${listed}`,
    key,
  );
  await db.query(
    `INSERT INTO syncline.full_sync_labels (account_id, collection_id, generation, item_id, label_id)
     SELECT $1, $2, ${GENERATION}, CASE WHEN n = 0 THEN '' ELSE 'm' || n END, 'INBOX' FROM generate_series(0, ${ROWS - 50}) AS n`,
    key,
  );
  await db.query(
    `INSERT INTO syncline.held_items (account_id, collection_id, generation, item_id) SELECT $1, $2, ${GENERATION}, 'm' || n FROM ${listed}`,
    key,
  );
}

/**
 * Runs both comparisons of an audit. Stores the list again in between, because a comparison deletes
 * it.
 */
async function compareAudit(): Promise<void> {
  const list = { labelId: 'INBOX', catalogue: ['INBOX'], fromMs: 0, floorMs: 0 };
  const note = { position: {}, checked: 0, drift: 0 };
  await fillAudit();
  for (const excluded of [false, true]) {
    await auditIn(pool).note(lease, { ...note, complete: { ...list, excluded } });
    await fillAudit();
  }
}

async function fillAudit(): Promise<void> {
  await fixture.database.pool.query(
    `INSERT INTO syncline.audit_items (account_id, collection_id, suspect, item_id)
     SELECT $1, $2, s, 'm' || n FROM generate_series(1, ${ROWS - 50}) AS n, unnest('{t,f}'::bool[]) AS s ON CONFLICT DO NOTHING`,
    [lease.accountId, lease.collectionId],
  );
}

async function inTransactionUndone(work: (session: Transaction) => Promise<void>): Promise<void> {
  const session = await pool.connect();
  try {
    const transaction = new Transaction(session);
    await work(transaction);
    await transaction.rollback();
  } finally {
    session.release();
  }
}

interface PlanNode {
  'Rows Removed by Join Filter'?: number;
  'Rows Removed by Filter'?: number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

/**
 * Returns the number of rows that the statement read and discarded, in all loops. It runs with a
 * worker's settings and is rolled back.
 */
async function discardedBy({
  text,
  values,
}: Pick<SentStatement, 'text' | 'values'>): Promise<number> {
  const session = await fixture.database.pool.connect();
  try {
    await session.query(
      'BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan',
    );
    const { rows } = await session.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`,
      values,
    );
    return nodesOf(rows[0]!['QUERY PLAN'][0].Plan).reduce(
      (sum, node) =>
        sum +
        node['Actual Loops'] *
          ((node['Rows Removed by Join Filter'] ?? 0) + (node['Rows Removed by Filter'] ?? 0)),
      0,
    );
  } finally {
    await session.query('ROLLBACK');
    session.release();
  }
}

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}
