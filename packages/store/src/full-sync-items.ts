import type pg from 'pg';
import { forgetHeld, hold, release } from './absence.js';
import { clearPageText } from './erase-page.js';
import { existsByIndex } from './exists-by-index.js';
import type { Lease } from './lease.js';
import { arrayLiteral } from './pool.js';
import {
  endQuarantine,
  endReread,
  noteFailing,
  quarantine,
  type FailingItem,
  type SetAside,
} from './quarantine-writes.js';
import type { RowChange } from './rows.js';
import { mirrorOf, type ListingDelta } from './mirrors/index.js';
import { byIndex, type Transaction } from './transaction.js';

export type { SetAside } from './quarantine-writes.js';

/**
 * The list of a full sync. A full sync stores every id that it lists, in order. Items that still
 * have to be fetched are `pending`, and the cursor has the ordinal up to which items were fetched.
 * No update per item is needed, and a run after a crash continues at the ordinal. When the full
 * sync is complete, the same list shows which rows were not listed; these are swept.
 *
 * Rejected: a generation column on the mirror's rows (every full sync would rewrite every row only
 * to mark it), and pending ids in Redis (they are lost with Redis, while the cursor has already
 * advanced).
 */
export interface ItemsDelta extends ListingDelta {
  /** Ids listed by this page. Ids that are already on the list keep their position. */
  listed?: ListedItem[];
  /** Items to fetch later. They move to the end of the list. */
  fetchLater?: ItemToFetch[];
  /** Items that are no longer pending because they were deleted at Google. */
  dropped?: string[];
  /** Items that cannot be stored. They are recorded with their reason, and skipped. */
  quarantined?: SetAside[];
  /**
   * Items that could not be read while others could. They are recorded with their number of
   * attempts, and skipped.
   */
  failing?: FailingItem[];
  /** Items on the list whose refetch was requested. The request is removed. */
  replayed?: string[];
  /** Items that were stored or are gone. Their quarantine or failing state ends. */
  taken?: string[];
  /**
   * The full sync has read every item of the collection again. Items that it did not quarantine
   * again leave the quarantine, and all refetch requests are removed.
   */
  rereadAll?: true;
  /**
   * Items that were fetched early, with their thread. They keep their position on the list and are
   * not fetched again.
   */
  takenEarly?: string[];
  /** Deletes up to this many rows that the complete full sync did not list. Held rows stay. */
  sweepLimit?: number;
  /** Rows that the complete full sync did not list and that wait for a second listing. */
  held?: readonly string[];
  /** Held rows that Google has named since. */
  released?: readonly string[];
  /** Rows that two listings did not name. They are deleted and no longer held. */
  sweptHeld?: readonly string[];
  /** No sweep of the collection waits any more: deletes up to this many entries of such sweeps. */
  forgetHeldLimit?: number;
  /** The complete full sync listed every row: deletes the other entries that it did not name. */
  forgetUnlisted?: true;
  /** Deletes up to this many entries of this and earlier lists. */
  clearLimit?: number;
}

export interface ListedItem {
  id: string;
  ordinal: bigint;
  pending: boolean;
  /** Thread of a message. */
  threadId?: string;
}

export interface ItemToFetch {
  id: string;
  ordinal: bigint;
  delayMs: number;
  /** Number of attempts recorded for an item that was not on the list; default 1. */
  attempts?: number;
}

/** An item to fetch now or, when `waitMs` > 0, later. */
export interface PendingItem {
  id: string;
  ordinal: bigint;
  attempts: number;
  waitMs: number;
  threadId: string | null;
}

/** The part of a thread that is on the list. */
export interface ListedThread {
  threadId: string;
  /** Number of its messages on the list, pending or not, counted up to the limit. */
  size: number;
  /** Messages that are pending, after a position, and not attempted yet. */
  pending: string[];
}

/** Selects pending items: after a position, without those that are already being fetched. */
export interface PendingQuery {
  afterOrdinal: bigint;
  limit: number;
  except: readonly string[];
}

/** Whether the list of a full sync has an id that was first named after this position. */
export async function hasListedAfter(
  pool: pg.Pool,
  lease: Lease,
  generation: number,
  ordinal: number,
): Promise<boolean> {
  const found = await byIndex(pool).query<{ found: boolean }>({
    name: 'full-sync-listed-after',
    text: `SELECT EXISTS (SELECT 1 FROM syncline.full_sync_items WHERE account_id = $1 AND collection_id = $2 AND generation = $3 AND ordinal > $4) AS found`,
    values: [lease.accountId, lease.collectionId, generation, ordinal],
  });
  return found.rows[0]?.found === true;
}

/** Returns the next items in order. Reads only the partial index. */
export async function nextPending(
  pool: pg.Pool,
  lease: Lease,
  generation: number,
  q: PendingQuery,
): Promise<PendingItem[]> {
  const next = await byIndex(pool).query<Omit<PendingItem, 'ordinal'> & { ordinal: string }>({
    name: 'full-sync-next',
    text: `SELECT item_id AS id, ordinal, attempts, greatest(0, ceil(coalesce(extract(epoch FROM not_before - now()) * 1000, 0)))::float8 AS "waitMs", thread_id AS "threadId" FROM syncline.full_sync_items
            WHERE account_id = $1 AND collection_id = $2 AND generation = $3 AND ordinal > $4 AND pending AND item_id <> ALL ($6::text[]) ORDER BY ordinal LIMIT $5`,
    values: [
      lease.accountId,
      lease.collectionId,
      generation,
      String(q.afterOrdinal),
      q.limit,
      arrayLiteral(q.except, (id) => id),
    ],
  });
  return next.rows.map((row) => ({ ...row, ordinal: BigInt(row.ordinal) }));
}

/**
 * Returns these threads from the list, each counted up to `limit` messages. For a longer thread
 * only the size is meaningful.
 */
export async function listedThreads(
  pool: pg.Pool,
  lease: Lease,
  generation: number,
  q: PendingQuery & { threadIds: readonly string[] },
): Promise<ListedThread[]> {
  if (q.threadIds.length === 0) return [];
  const found = await byIndex(pool).query<ListedThread>({
    name: 'full-sync-threads',
    text: `SELECT t.id AS "threadId", count(*)::int AS size, coalesce(array_agg(m.item_id ORDER BY m.ordinal) FILTER (WHERE m.due), '{}') AS pending
             FROM unnest($4::text[]) AS t(id),
                  LATERAL (SELECT item_id, ordinal, pending AND attempts = 0 AND ordinal > $5 AND item_id <> ALL ($7::text[]) AS due FROM syncline.full_sync_items
                            WHERE account_id = $1 AND collection_id = $2 AND generation = $3 AND thread_id = t.id LIMIT $6) m
            GROUP BY t.id`,
    values: [
      lease.accountId,
      lease.collectionId,
      generation,
      arrayLiteral(q.threadIds, (id) => id),
      String(q.afterOrdinal),
      q.limit,
      arrayLiteral(q.except, (id) => id),
    ],
  });
  return found.rows;
}

export async function applyItems(
  session: Transaction,
  lease: Lease,
  generation: number,
  items: ItemsDelta,
): Promise<{ changes: RowChange[]; swept: number; cleared: number }> {
  const mirror = mirrorOf(lease.kind);
  writeItems(session, lease, generation, items);
  writeQuarantine(session, lease, items);
  const listed = mirror.listing?.write(session, lease, generation, items) ?? null;
  const relabelled = listed === null ? [] : await listed;
  writeHeld(session, lease, generation, items);
  const forgotten = items.forgetHeldLimit
    ? await forgetHeld(session, lease, items.forgetHeldLimit)
    : 0;
  if (items.sweptHeld?.length) release(session, lease, items.sweptHeld);
  const confirmed = items.sweptHeld ? await mirror.deleteRows(session, lease, items.sweptHeld) : [];
  const swept = items.sweepLimit ? await sweep(session, lease, generation, items.sweepLimit) : [];
  const cleared = items.clearLimit ? await clear(session, lease, items.clearLimit) : 0;
  return {
    changes: [...relabelled, ...confirmed, ...swept],
    swept: swept.length,
    cleared: Math.max(forgotten, cleared),
  };
}

function writeItems(
  session: Transaction,
  lease: Lease,
  generation: number,
  { listed, fetchLater, dropped, replayed, takenEarly }: ItemsDelta,
): void {
  if (listed?.length) insertListed(session, lease, generation, listed);
  if (fetchLater?.length) listForLater(session, lease, generation, fetchLater);
  if (dropped?.length) drop(session, lease, generation, dropped);
  if (replayed?.length) deleteRefetch(session, lease, replayed);
  if (takenEarly?.length) takeEarly(session, lease, generation, takenEarly);
}

/** Writes the endings first, so that they do not end the quarantine of this page's items. */
function writeQuarantine(
  session: Transaction,
  lease: Lease,
  { taken, rereadAll, failing, quarantined }: ItemsDelta,
): void {
  if (taken?.length) endQuarantine(session, lease, taken);
  if (rereadAll) endReread(session, lease);
  if (failing?.length) noteFailing(session, lease, failing);
  if (quarantined?.length) quarantine(session, lease, quarantined);
}

function writeHeld(
  session: Transaction,
  lease: Lease,
  generation: number,
  { held, released, forgetUnlisted }: ItemsDelta,
): void {
  if (held?.length) hold(session, lease, generation, held);
  if (released?.length) release(session, lease, released);
  if (forgetUnlisted) mirrorOf(lease.kind).forgetUnlisted?.(session, lease, generation);
}

export function insertListed(
  session: Transaction,
  lease: Lease,
  generation: number,
  items: readonly ListedItem[],
): void {
  session.send({
    name: 'full-sync-listed',
    text: `INSERT INTO syncline.full_sync_items (account_id, collection_id, generation, item_id, ordinal, pending, thread_id)
           SELECT $1, $2, $3, u.id, u.ordinal, u.pending, u.thread_id FROM unnest($4::text[], $5::bigint[], $6::bool[], $7::text[]) AS u(id, ordinal, pending, thread_id)
           ON CONFLICT DO NOTHING`,
    values: [
      lease.accountId,
      lease.collectionId,
      generation,
      arrayLiteral(items, (i) => i.id),
      arrayLiteral(items, (i) => i.ordinal),
      arrayLiteral(items, (i) => i.pending),
      arrayLiteral(items, (i) => i.threadId ?? null),
    ],
  });
}

export function listForLater(
  session: Transaction,
  lease: Lease,
  generation: number,
  items: readonly ItemToFetch[],
): void {
  session.send({
    name: 'full-sync-later',
    text: `INSERT INTO syncline.full_sync_items AS w (account_id, collection_id, generation, item_id, ordinal, pending, attempts, not_before)
           SELECT $1, $2, $3, u.id, u.ordinal, true, u.attempts, now() + u.delay * interval '1 ms'
             FROM unnest($4::text[], $5::bigint[], $6::int[], $7::int[]) AS u(id, ordinal, delay, attempts)
           ON CONFLICT (account_id, collection_id, generation, item_id)
           DO UPDATE SET ordinal = excluded.ordinal, pending = true, attempts = w.attempts + 1, not_before = excluded.not_before`,
    values: [
      lease.accountId,
      lease.collectionId,
      generation,
      arrayLiteral(items, (i) => i.id),
      arrayLiteral(items, (i) => i.ordinal),
      arrayLiteral(items, (i) => i.delayMs),
      arrayLiteral(items, (i) => i.attempts ?? 1),
    ],
  });
}

function deleteRefetch(session: Transaction, lease: Lease, ids: string[]): void {
  session.send({
    name: 'refetch-delete',
    text: 'DELETE FROM syncline.refetch_items WHERE account_id = $1 AND collection_id = $2 AND item_id = ANY($3::text[])',
    values: [lease.accountId, lease.collectionId, arrayLiteral(ids, (id) => id)],
  });
}

function drop(session: Transaction, lease: Lease, generation: number, ids: string[]): void {
  session.send({
    name: 'full-sync-drop',
    text: `DELETE FROM syncline.full_sync_items WHERE account_id = $1 AND collection_id = $2 AND generation = $3 AND item_id = ANY($4::text[])`,
    values: [lease.accountId, lease.collectionId, generation, arrayLiteral(ids, (id) => id)],
  });
}

function takeEarly(session: Transaction, lease: Lease, generation: number, ids: string[]): void {
  session.send({
    name: 'full-sync-early',
    text: `UPDATE syncline.full_sync_items SET pending = false WHERE account_id = $1 AND collection_id = $2 AND generation = $3 AND item_id = ANY($4::text[])`,
    values: [lease.accountId, lease.collectionId, generation, arrayLiteral(ids, (id) => id)],
  });
}

/** Deletes rows that the complete list does not name and that are not held. */
async function sweep(
  session: Transaction,
  lease: Lease,
  generation: number,
  limit: number,
): Promise<RowChange[]> {
  const mirror = mirrorOf(lease.kind);
  const { table, scope } = mirror.absence;
  const unmet = await session.query<{ id: string }>({
    text: `SELECT m.id FROM syncline.${table} m
            WHERE m.account_id = $1 ${scope === null ? '' : `AND m.${scope} = $5`}
              AND NOT ${existsByIndex('SELECT 1 FROM syncline.full_sync_items w WHERE w.account_id = $1 AND w.collection_id = $2 AND w.generation = $3 AND w.item_id = m.id')}
              AND NOT ${existsByIndex('SELECT 1 FROM syncline.held_items h WHERE h.account_id = $1 AND h.collection_id = $2 AND h.generation = $3 AND h.item_id = m.id')}
            ORDER BY m.id LIMIT $4`,
    values: [
      lease.accountId,
      lease.collectionId,
      generation,
      limit,
      ...(scope === null ? [] : [lease.externalId]),
    ],
  });
  mirror.forgetUnlisted?.(session, lease, generation);
  return mirror.deleteRows(
    session,
    lease,
    unmet.rows.map((row) => row.id),
  );
}

const CLEAR_ITEMS = clearPageText('full_sync_items');

/** @returns the number of deleted entries of the list with more of them */
async function clear(session: Transaction, lease: Lease, limit: number): Promise<number> {
  const cleared = await Promise.all([
    clearItems(session, lease, limit),
    mirrorOf(lease.kind).listing?.clear(session, lease, limit) ?? 0,
  ]);
  return Math.max(...cleared);
}

async function clearItems(session: Transaction, lease: Lease, limit: number): Promise<number> {
  const cleared = await session.query({
    name: 'full-sync-clear',
    text: CLEAR_ITEMS,
    values: [lease.accountId, lease.collectionId, limit],
  });
  return cleared.rowCount ?? 0;
}
