import type pg from 'pg';
import { LeaseLost, type Lease } from './lease.js';
import { compareLists, type CompleteList } from './mirrors/index.js';
import { arrayLiteral } from './pool.js';
import { isStorableId } from './storable.js';
import { inTransaction, type Transaction } from './transaction.js';

/*
 * The stored state of audits. A claim reads the two dates of the collection's row; everything else
 * is in a row of `collection_audits`. An audit writes the list of one label at a time to
 * `audit_items`, page by page. One statement compares a complete list with the rows, and only the
 * ids that differ are kept. So the memory of an audit does not grow with the mailbox.
 */

/** One step of an audit. It is written in one transaction with the position after it. */
interface AuditNote {
  /** A JSON document that only packages/sync reads. */
  position: unknown;
  /** Number of items compared since the audit began. */
  checked: number;
  /** Number of items that differed. */
  drift: number;
  /** A page of the current list. */
  listed?: readonly string[];
  /** The current list begins again: its entries are deleted first. */
  restarts?: true;
  /** The current list is complete. */
  complete?: CompleteList;
  /** Items whose content is to be compared although the lists agree. */
  sample?: readonly string[];
  /** Suspects whose content was compared. */
  compared?: readonly string[];
}

/** Every write is fenced by the lease. @throws LeaseLost */
export interface Audit {
  /** The position of the current audit, as `note` wrote it; null when there is none. */
  position(lease: Lease): Promise<unknown>;
  note(lease: Lease, note: AuditNote): Promise<void>;
  /** Returns up to `limit` items whose content is to be compared. */
  suspects(lease: Lease, limit: number): Promise<string[]>;
  /** Records the result of a complete audit. */
  finish(lease: Lease, result: { checked: number; contents: number; drift: number }): Promise<void>;
  /** Deletes the state of the current audit, as if it had not begun. */
  abandon(lease: Lease): Promise<void>;
  /** Does the same, and delays the next audit by `pauseMs` and a pause between two slices. */
  beginLater(lease: Lease, pauseMs: number): Promise<void>;
}

export function auditIn(pool: pg.Pool): Audit {
  return {
    position: (lease) => positionOf(pool, lease),
    note: (lease, note) => noteStep(pool, lease, note),
    suspects: (lease, limit) => suspectsOf(pool, lease, limit),
    finish: (lease, result) => finish(pool, lease, result),
    abandon: (lease) => abandon(pool, lease),
    beginLater: (lease, pauseMs) => beginLater(pool, lease, pauseMs),
  };
}

async function positionOf(pool: pg.Pool, lease: Lease): Promise<unknown> {
  const { rows } = await pool.query<{ position: unknown }>(
    'SELECT position FROM syncline.collection_audits WHERE account_id = $1 AND collection_id = $2',
    [lease.accountId, lease.collectionId],
  );
  return rows[0]?.position ?? null;
}

async function noteStep(pool: pg.Pool, lease: Lease, note: AuditNote): Promise<void> {
  await inTransaction(pool, async (session) => {
    await underLease(session, lease, NOTE, [
      JSON.stringify(note.position),
      note.checked,
      note.drift,
    ]);
    if (note.restarts) await forget(session, lease, false);
    if (note.listed?.length) await insert(session, lease, false, note.listed);
    if (note.complete) {
      await compareLists(session, lease, note.complete);
      await forget(session, lease, false);
    }
    if (note.sample?.length) await insert(session, lease, true, note.sample);
    if (note.compared?.length) {
      await session.query(
        'DELETE FROM syncline.audit_items WHERE account_id = $1 AND collection_id = $2 AND suspect AND item_id = ANY($3::text[])',
        [lease.accountId, lease.collectionId, arrayLiteral(note.compared, (id) => id)],
      );
    }
  });
}

async function suspectsOf(pool: pg.Pool, lease: Lease, limit: number): Promise<string[]> {
  const found = await pool.query<{ item_id: string }>(
    'SELECT item_id FROM syncline.audit_items WHERE account_id = $1 AND collection_id = $2 AND suspect ORDER BY item_id LIMIT $3',
    [lease.accountId, lease.collectionId, limit],
  );
  return found.rows.map((row) => row.item_id);
}

async function finish(
  pool: pg.Pool,
  lease: Lease,
  { checked, contents, drift }: { checked: number; contents: number; drift: number },
): Promise<void> {
  await inTransaction(pool, async (session) => {
    await underLease(session, lease, FINISH, [checked, contents, drift]);
    await forgetAll(session, lease);
  });
}

async function beginLater(pool: pg.Pool, lease: Lease, pauseMs: number): Promise<void> {
  await inTransaction(pool, async (session) => {
    await underLease(session, lease, BEGIN_LATER, [Math.round(pauseMs)]);
    await forgetAll(session, lease);
  });
}

async function abandon(pool: pg.Pool, lease: Lease): Promise<void> {
  await inTransaction(pool, async (session) => {
    await underLease(session, lease, ABANDON, []);
    await forgetAll(session, lease);
  });
}

/**
 * Sends the first statement of a transaction. It locks the collection's row under the lease's epoch
 * and returns or inserts one row.
 * @throws LeaseLost
 */
async function underLease(
  session: Transaction,
  lease: Lease,
  text: string,
  values: unknown[],
): Promise<void> {
  const written = await session.query(text, [lease.collectionId, String(lease.epoch), ...values]);
  if (written.rowCount !== 1) throw new LeaseLost(lease);
}

/** SQL: writes the dates that a claim reads, under the lease's epoch. */
function fenced(assignments: string): string {
  return `WITH fenced AS (UPDATE syncline.collections SET ${assignments} WHERE id = $1 AND lease_epoch = $2 RETURNING id, account_id)`;
}

const NO_CURRENT_AUDIT = 'position = NULL, begun_at = NULL, checked_so_far = 0, drift_so_far = 0';

const NOTE = `${fenced('audit_sliced_at = now()')}
  INSERT INTO syncline.collection_audits AS d (collection_id, account_id, position, begun_at, checked_so_far, drift_so_far)
  SELECT id, account_id, $3::jsonb, now(), $4::bigint, $5::int FROM fenced
  ON CONFLICT (collection_id) DO UPDATE SET position = excluded.position, begun_at = coalesce(d.begun_at, excluded.begun_at), checked_so_far = excluded.checked_so_far, drift_so_far = excluded.drift_so_far`;

const FINISH = `${fenced('audited_at = now(), audit_sliced_at = NULL')}
  INSERT INTO syncline.collection_audits (collection_id, account_id, checked, contents, drift) SELECT id, account_id, $3::bigint, $4::bigint, $5::int FROM fenced
  ON CONFLICT (collection_id) DO UPDATE SET checked = excluded.checked, contents = excluded.contents, drift = excluded.drift, ${NO_CURRENT_AUDIT}`;

/** No generation is 0, so the next slice takes nothing from this position and begins again. */
const BEGIN_LATER = `${fenced("audit_sliced_at = now() + $3 * interval '1 ms'")}
  INSERT INTO syncline.collection_audits (collection_id, account_id, position, begun_at) SELECT id, account_id, '{"generation": 0}'::jsonb, now() FROM fenced
  ON CONFLICT (collection_id) DO UPDATE SET position = excluded.position, begun_at = excluded.begun_at, checked_so_far = 0, drift_so_far = 0`;

const ABANDON = `${fenced('audit_sliced_at = NULL')},
  cleared AS (UPDATE syncline.collection_audits SET ${NO_CURRENT_AUDIT} WHERE collection_id = (SELECT id FROM fenced))
  SELECT id FROM fenced`;

async function insert(
  session: Transaction,
  lease: Lease,
  suspect: boolean,
  ids: readonly string[],
): Promise<void> {
  await session.query(
    'INSERT INTO syncline.audit_items (account_id, collection_id, suspect, item_id) SELECT $1, $2, $3, u.id FROM unnest($4::text[]) AS u(id) ON CONFLICT DO NOTHING',
    [
      lease.accountId,
      lease.collectionId,
      suspect,
      // An item whose id cannot be stored has no row and is in quarantine.
      arrayLiteral(ids.filter(isStorableId), (id) => id),
    ],
  );
}

async function forget(session: Transaction, lease: Lease, suspect: boolean): Promise<void> {
  await session.query(
    'DELETE FROM syncline.audit_items WHERE account_id = $1 AND collection_id = $2 AND suspect = $3',
    [lease.accountId, lease.collectionId, suspect],
  );
}

async function forgetAll(session: Transaction, lease: Lease): Promise<void> {
  await session.query(
    'DELETE FROM syncline.audit_items WHERE account_id = $1 AND collection_id = $2',
    [lease.accountId, lease.collectionId],
  );
}
