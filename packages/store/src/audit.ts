import type pg from 'pg';
import { LeaseLost, type Lease } from './lease.js';
import { compareLists, type CompleteList } from './mirrors/index.js';
import { arrayLiteral } from './pool.js';
import { isStorableId } from './storable.js';
import { inTransaction, type Transaction } from './transaction.js';

/*
 * What an audit remembers between its slices. The list of one label at a time is written down page by page; when it is complete, it is
 * compared with the rows in one statement, and only the ids that differ are kept. So an audit of any mailbox needs the memory of a page.
 */

/** One step of an audit, written in one transaction with where it goes on. */
interface AuditNote {
  /** In packages/sync's own words. */
  position: unknown;
  /** Items compared, and found to differ, since the audit began. */
  checked: number;
  drift: number;
  /** A page of the list in hand. */
  listed?: readonly string[];
  /** The list in hand was begun again: what is written down of it is forgotten first. */
  restarts?: true;
  /** The list in hand is complete. */
  complete?: CompleteList;
  /** To be looked at although nothing speaks against them. */
  sample?: readonly string[];
  /** Suspects that were looked at. */
  compared?: readonly string[];
}

/** The books of audits; everything is written under the lease. @throws LeaseLost */
export interface Audit {
  note(lease: Lease, note: AuditNote): Promise<void>;
  /** Items to look at, `limit` of them at most. */
  suspects(lease: Lease, limit: number): Promise<string[]>;
  /** The audit is over: everything that it should look at was looked at. */
  finish(lease: Lease, result: { checked: number; contents: number; drift: number }): Promise<void>;
  /** Forgets the audit in hand, as if it had not begun. */
  abandon(lease: Lease): Promise<void>;
  /** The same, and another does not begin before `pauseMs` are over. */
  beginLater(lease: Lease, pauseMs: number): Promise<void>;
}

export function auditIn(pool: pg.Pool): Audit {
  return {
    note: (lease, note) => noteStep(pool, lease, note),
    suspects: (lease, limit) => suspectsOf(pool, lease, limit),
    finish: (lease, result) => finish(pool, lease, result),
    abandon: (lease) => abandon(pool, lease),
    beginLater: (lease, pauseMs) => beginLater(pool, lease, pauseMs),
  };
}

async function noteStep(pool: pg.Pool, lease: Lease, note: AuditNote): Promise<void> {
  await inTransaction(pool, async (session) => {
    await underLease(session, lease, {
      text: `UPDATE syncline.collections SET audit_position = $3::jsonb, audit_begun_at = coalesce(audit_begun_at, now()), audit_sliced_at = now(), audit_so_far = $4, audit_drift_so_far = $5
              WHERE id = $1 AND lease_epoch = $2`,
      values: [
        lease.collectionId,
        String(lease.epoch),
        JSON.stringify(note.position),
        note.checked,
        note.drift,
      ],
    });
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
    await underLease(session, lease, {
      text: `UPDATE syncline.collections SET audited_at = now(), audit_checked = $3, audit_contents = $4, audit_drift = $5, audit_position = NULL, audit_begun_at = NULL, audit_sliced_at = NULL, audit_so_far = 0, audit_drift_so_far = 0
              WHERE id = $1 AND lease_epoch = $2`,
      values: [lease.collectionId, String(lease.epoch), checked, contents, drift],
    });
    await forgetAll(session, lease);
  });
}

/**
 * The audit in hand is dropped; another begins after `pauseMs` and a pause between two slices. No
 * generation is 0, so nothing is taken from the old position.
 */
async function beginLater(pool: pg.Pool, lease: Lease, pauseMs: number): Promise<void> {
  await inTransaction(pool, async (session) => {
    await underLease(session, lease, {
      text: `UPDATE syncline.collections SET audit_position = '{"generation": 0}', audit_begun_at = now(), audit_sliced_at = now() + $3 * interval '1 ms', audit_so_far = 0, audit_drift_so_far = 0
              WHERE id = $1 AND lease_epoch = $2`,
      values: [lease.collectionId, String(lease.epoch), Math.round(pauseMs)],
    });
    await forgetAll(session, lease);
  });
}

async function abandon(pool: pg.Pool, lease: Lease): Promise<void> {
  await inTransaction(pool, async (session) => {
    await underLease(session, lease, {
      text: 'UPDATE syncline.collections SET audit_position = NULL, audit_begun_at = NULL, audit_sliced_at = NULL, audit_so_far = 0, audit_drift_so_far = 0 WHERE id = $1 AND lease_epoch = $2',
      values: [lease.collectionId, String(lease.epoch)],
    });
    await forgetAll(session, lease);
  });
}

/** First statement of each transaction, since it locks the collection's row. */
async function underLease(
  session: Transaction,
  lease: Lease,
  update: { text: string; values: unknown[] },
): Promise<void> {
  const updated = await session.query(update);
  if (updated.rowCount !== 1) throw new LeaseLost(lease);
}

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
      // An id that cannot be stored has no row, and its item is in quarantine.
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
