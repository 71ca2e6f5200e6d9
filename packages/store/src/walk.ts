import type pg from 'pg';
import { deleteEvents, removeCalendars } from './calendar-rows.js';
import { deleteMessages } from './gmail-rows.js';
import type { Lease } from './lease.js';
import { arrayLiteral } from './pool.js';
import type { RowChange } from './rows.js';

/**
 * The walk's list. A full walk writes down every id it meets, in order; what is still to be fetched is `wanted`, and the cursor
 * remembers the ordinal up to which it has fetched. So nothing is updated per item, a crash resumes at the ordinal, and when
 * the walk is complete the same list says which rows it did not meet: those are swept.
 *
 * Rejected: a generation column on the mirror's rows (every walk would rewrite every row just to mark it),
 * and pending ids in Redis (lost with it, while the cursor is already ahead).
 */
export interface WalkDelta {
  /** Ids met by this page. Ids already on the list keep their place. */
  met?: WalkItem[];
  /** Items to be asked for again later: they go to the end of the list. */
  again?: AgainItem[];
  /** Items that are no longer wanted: deleted at the source. */
  dropped?: string[];
  /** Items that cannot be taken: recorded with their reason, and passed. */
  quarantined?: { id: string; reason: string }[];
  /** Items on the list that were wanted from outside: the wish is struck out. */
  replayed?: string[];
  /** Items that were taken: an earlier quarantine of theirs is over. */
  taken?: string[];
  /** Delete up to this many rows that the complete walk did not meet. */
  sweepLimit?: number;
  /** Clear up to this many entries of this and earlier lists. */
  clearLimit?: number;
}

export interface WalkItem {
  id: string;
  ordinal: bigint;
  wanted: boolean;
}

export interface AgainItem {
  id: string;
  ordinal: bigint;
  delayMs: number;
  /** How often it counts as tried when it was not on the list; default 1. */
  attempts?: number;
}

/** An item that is to be fetched now or, when `waitMs` > 0, later. */
export interface WantedItem {
  id: string;
  ordinal: bigint;
  attempts: number;
  waitMs: number;
}

/** The next items after `afterOrdinal`, in order. Reads only the partial index. */
export async function nextWanted(pool: pg.Pool, lease: Lease, generation: number, afterOrdinal: bigint, limit: number): Promise<WantedItem[]> {
  const next = await pool.query<{ item_id: string; ordinal: string; attempts: number; wait_ms: string | null }>({
    name: 'walk-next',
    text: `SELECT item_id, ordinal, attempts, extract(epoch FROM not_before - now()) * 1000 AS wait_ms FROM walk_items
            WHERE collection_id = $1 AND generation = $2 AND ordinal > $3 AND wanted ORDER BY ordinal LIMIT $4`,
    values: [lease.collectionId, generation, String(afterOrdinal), limit],
  });
  return next.rows.map((row) => ({
    id: row.item_id, ordinal: BigInt(row.ordinal), attempts: row.attempts, waitMs: Math.max(0, Math.ceil(Number(row.wait_ms ?? 0))),
  }));
}

export async function applyWalk(
  session: pg.PoolClient, lease: Lease, generation: number, walk: WalkDelta,
): Promise<{ changes: RowChange[]; swept: number; cleared: number }> {
  if (walk.met?.length) await insertMet(session, lease, generation, walk.met);
  if (walk.again?.length) await putBack(session, lease, generation, walk.again);
  if (walk.dropped?.length) await drop(session, lease, generation, walk.dropped);
  if (walk.replayed?.length) await strikeOut(session, lease, walk.replayed);
  if (walk.taken?.length) await endQuarantine(session, lease, walk.taken);
  if (walk.quarantined?.length) await quarantine(session, lease, walk.quarantined);
  const changes = walk.sweepLimit ? await sweep(session, lease, generation, walk.sweepLimit) : [];
  const cleared = walk.clearLimit ? await clear(session, lease, walk.clearLimit) : 0;
  return { changes, swept: changes.length, cleared };
}

async function insertMet(session: pg.PoolClient, lease: Lease, generation: number, items: WalkItem[]): Promise<void> {
  await session.query({
    name: 'walk-met',
    text: `INSERT INTO walk_items (account_id, collection_id, generation, item_id, ordinal, wanted)
           SELECT $1, $2, $3, u.id, u.ordinal, u.wanted FROM unnest($4::text[], $5::bigint[], $6::bool[]) AS u(id, ordinal, wanted)
           ON CONFLICT DO NOTHING`,
    values: [
      lease.accountId, lease.collectionId, generation,
      arrayLiteral(items, (i) => i.id), arrayLiteral(items, (i) => i.ordinal), arrayLiteral(items, (i) => i.wanted),
    ],
  });
}

async function putBack(session: pg.PoolClient, lease: Lease, generation: number, items: readonly AgainItem[]): Promise<void> {
  await session.query({
    name: 'walk-again',
    text: `INSERT INTO walk_items AS w (account_id, collection_id, generation, item_id, ordinal, wanted, attempts, not_before)
           SELECT $1, $2, $3, u.id, u.ordinal, true, u.attempts, now() + u.delay * interval '1 ms'
             FROM unnest($4::text[], $5::bigint[], $6::int[], $7::int[]) AS u(id, ordinal, delay, attempts)
           ON CONFLICT (account_id, collection_id, generation, item_id)
           DO UPDATE SET ordinal = excluded.ordinal, wanted = true, attempts = w.attempts + 1, not_before = excluded.not_before`,
    values: [
      lease.accountId, lease.collectionId, generation,
      arrayLiteral(items, (i) => i.id), arrayLiteral(items, (i) => i.ordinal), arrayLiteral(items, (i) => i.delayMs),
      arrayLiteral(items, (i) => i.attempts ?? 1),
    ],
  });
}

async function strikeOut(session: pg.PoolClient, lease: Lease, ids: string[]): Promise<void> {
  await session.query({
    name: 'wanted-strike-out',
    text: 'DELETE FROM wanted_items WHERE account_id = $1 AND collection_id = $2 AND item_id = ANY($3::text[])',
    values: [lease.accountId, lease.collectionId, arrayLiteral(ids, (id) => id)],
  });
}

async function drop(session: pg.PoolClient, lease: Lease, generation: number, ids: string[]): Promise<void> {
  await session.query({
    name: 'walk-drop',
    text: `DELETE FROM walk_items WHERE account_id = $1 AND collection_id = $2 AND generation = $3 AND item_id = ANY($4::text[])`,
    values: [lease.accountId, lease.collectionId, generation, arrayLiteral(ids, (id) => id)],
  });
}

async function quarantine(session: pg.PoolClient, lease: Lease, items: { id: string; reason: string }[]): Promise<void> {
  await session.query({
    name: 'quarantine-put',
    text: `INSERT INTO quarantined_items AS q (account_id, collection_id, item_id, reason)
           SELECT $1, $2, u.id, u.reason FROM unnest($3::text[], $4::text[]) AS u(id, reason)
           ON CONFLICT (account_id, collection_id, item_id) DO UPDATE SET reason = excluded.reason, attempts = q.attempts + 1, last_at = now()`,
    values: [lease.accountId, lease.collectionId, arrayLiteral(items, (i) => i.id), arrayLiteral(items, (i) => i.reason)],
  });
}

async function endQuarantine(session: pg.PoolClient, lease: Lease, ids: string[]): Promise<void> {
  await session.query({
    name: 'quarantine-end',
    text: 'DELETE FROM quarantined_items WHERE account_id = $1 AND collection_id = $2 AND item_id = ANY($3::text[])',
    values: [lease.accountId, lease.collectionId, arrayLiteral(ids, (id) => id)],
  });
}

/** Rows that the complete list does not name do not exist at the source any more. */
async function sweep(session: pg.PoolClient, lease: Lease, generation: number, limit: number): Promise<RowChange[]> {
  const unmet = await session.query<{ id: string }>({
    text: `SELECT m.id FROM ${mirrorTable(lease)} m
            WHERE m.account_id = $1 ${lease.kind === 'calendar-events' ? 'AND m.calendar_id = $5' : ''}
              AND NOT EXISTS (SELECT 1 FROM walk_items w WHERE w.account_id = $1 AND w.collection_id = $2 AND w.generation = $3 AND w.item_id = m.id)
            ORDER BY m.id LIMIT $4`,
    values: [lease.accountId, lease.collectionId, generation, limit, ...(lease.kind === 'calendar-events' ? [lease.externalId] : [])],
  });
  const ids = unmet.rows.map((row) => row.id);
  switch (lease.kind) {
    case 'gmail':
      return deleteMessages(session, lease.accountId, ids);
    case 'calendar-list':
      return removeCalendars(session, lease.accountId, ids);
    case 'calendar-events':
      return deleteEvents(session, lease.accountId, lease.externalId, ids);
  }
}

function mirrorTable(lease: Lease): string {
  switch (lease.kind) {
    case 'gmail':
      return 'gmail_messages';
    case 'calendar-list':
      return 'calendars';
    case 'calendar-events':
      return 'calendar_events';
  }
}

async function clear(session: pg.PoolClient, lease: Lease, limit: number): Promise<number> {
  const cleared = await session.query({
    name: 'walk-clear',
    text: `DELETE FROM walk_items WHERE ctid = ANY(ARRAY(SELECT ctid FROM walk_items WHERE account_id = $1 AND collection_id = $2 LIMIT $3))`,
    values: [lease.accountId, lease.collectionId, limit],
  });
  return cleared.rowCount ?? 0;
}
