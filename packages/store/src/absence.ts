import type pg from 'pg';
import { existsByIndex } from './exists-by-index.js';
import type { Lease } from './lease.js';
import { COLLECTION_KINDS, type CollectionKind } from './mirrors/resources.js';
import { mirrorOf } from './mirrors/index.js';
import { arrayLiteral } from './pool.js';
import { byIndex, type Transaction } from './transaction.js';

/*
 * Rows that a complete listing did not name. Absence alone deletes only few rows (see
 * packages/sync/src/evidence). Rows that wait for a second listing are in `held_items`, so a crash
 * does not end the wait. Only rows that both listings lack are deleted.
 */

/** The rows of a collection that a complete listing did not name. */
export interface Absence {
  /**
   * Rows of the collection before the sweep. For a calendar list, every event of every calendar
   * counts too.
   */
  rows: number;
  /** Rows that the listing did not name and that no policy excludes by their own labels. */
  missing: number;
  /** Missing rows that are not held yet: no earlier listing lacked them. */
  unheld: number;
  /**
   * Ids of missing rows, spread evenly over their ages. Only ids for which Google's answer is
   * evidence.
   */
  sample: string[];
}

/**
 * The examined rows: `unmet` are rows that the full sync of this generation did not list, `held`
 * are rows that are held.
 */
export type Absent = 'unmet' | 'held';

/** A waiting sweep, as stored in the collection's row. */
export interface HeldSweep {
  /** Number of rows that one complete listing did not name. */
  rows: number;
  waitsFor: 'second-listing' | 'new-listing';
  /** Earliest start of that listing, in milliseconds since the epoch. */
  untilMs: number;
}

/** The state of a waiting sweep, read with the claim of a lease. */
export interface HeldState extends Pick<HeldSweep, 'waitsFor' | 'untilMs'> {
  sinceMs: number;
  rows: number;
  /** Number of consecutive discarded listings. */
  discards: number;
}

/**
 * @param excluded labels that no row may have: rows with one of them may be deleted regardless of
 * the listing
 */
export async function absenceOf(
  pool: pg.Pool,
  lease: Lease,
  generation: number,
  q: { which: Absent; excluded: readonly string[]; limit: number },
): Promise<Absence> {
  const { absence } = mirrorOf(lease.kind);
  const found = await byIndex(pool).query<{
    rows: string | null;
    missing: string;
    unheld: string;
    sample: string[] | null;
  }>({
    text: `WITH missing AS MATERIALIZED (${missingRows(lease, q.which)}),
                asked AS (SELECT id, row_number() OVER (ORDER BY age, id) - 1 AS place, count(*) OVER () AS n FROM missing WHERE can_decide)
           SELECT (SELECT coalesce(sum(weight), 0) FROM missing) AS missing,
                  (SELECT count(*) FROM (
                     SELECT id FROM missing EXCEPT SELECT h.item_id FROM syncline.held_items h WHERE h.account_id = $1 AND h.collection_id = $2) AS u) AS unheld,
                  CASE WHEN EXISTS (SELECT 1 FROM missing) THEN (${absence.count}) END AS rows,
                  (SELECT array_agg(id ORDER BY place) FROM asked WHERE place = 0 OR place * $4 / n > (place - 1) * $4 / n) AS sample`,
    values: [
      lease.accountId,
      lease.collectionId,
      generation,
      q.limit,
      ...absence.values(lease, q.excluded),
    ],
  });
  const row = found.rows[0];
  return {
    rows: Number(row?.rows ?? 0),
    missing: Number(row?.missing ?? 0),
    unheld: Number(row?.unheld ?? 0),
    sample: row?.sample ?? [],
  };
}

/** Returns a page of the missing ids, in order, after the id `after`. */
export async function absentIds(
  pool: pg.Pool,
  lease: Lease,
  generation: number,
  q: { which: Absent; excluded: readonly string[]; after: string; limit: number },
): Promise<string[]> {
  if (q.which === 'held') return heldIds(pool, lease, generation, q);
  const own = mirrorOf(lease.kind).absence.values(lease, q.excluded);
  const found = await byIndex(pool).query<{ id: string }>({
    text: `SELECT id FROM (${missingRows(lease, q.which)}) AS missing WHERE id > $${5 + own.length} ORDER BY id LIMIT $4`,
    values: [lease.accountId, lease.collectionId, generation, q.limit, ...own, q.after],
  });
  return found.rows.map(({ id }) => id);
}

/** Returns held ids, whether or not their rows still exist. */
async function heldIds(
  pool: pg.Pool,
  lease: Lease,
  generation: number,
  q: { after: string; limit: number },
): Promise<string[]> {
  const held = await byIndex(pool).query<{ item_id: string }>(
    'SELECT item_id FROM syncline.held_items WHERE account_id = $1 AND collection_id = $2 AND generation = $3 AND item_id > $4 ORDER BY item_id LIMIT $5',
    [lease.accountId, lease.collectionId, generation, q.after, q.limit],
  );
  return held.rows.map((row) => row.item_id);
}

/**
 * SQL: id, age, weight, and whether Google's answer to a request for the id can show that the
 * listing was wrong.
 */
function missingRows(lease: Lease, which: Absent): string {
  const absent = (id: string): string =>
    which === 'unmet'
      ? `NOT ${existsByIndex(`SELECT 1 FROM syncline.full_sync_items w WHERE w.account_id = $1 AND w.collection_id = $2 AND w.generation = $3 AND w.item_id = ${id}`)}`
      : existsByIndex(
          `SELECT 1 FROM syncline.held_items h WHERE h.account_id = $1 AND h.collection_id = $2 AND h.generation = $3 AND h.item_id = ${id}`,
        );
  return mirrorOf(lease.kind).absence.missing(absent);
}

/** Holds rows until a second listing confirms that they are absent. */
export function hold(
  session: Transaction,
  lease: Lease,
  generation: number,
  ids: readonly string[],
): void {
  session.send({
    name: 'held-put',
    text: `INSERT INTO syncline.held_items (account_id, collection_id, generation, item_id)
           SELECT $1, $2, $3, u.id FROM unnest($4::text[]) AS u(id) ON CONFLICT DO NOTHING`,
    values: [lease.accountId, lease.collectionId, generation, arrayLiteral(ids, (id) => id)],
  });
}

/** Releases rows that Google has named since they were held, in the second listing or elsewhere. */
export function release(session: Transaction, lease: Lease, ids: readonly string[]): void {
  session.send({
    name: 'held-release',
    text: 'DELETE FROM syncline.held_items WHERE account_id = $1 AND collection_id = $2 AND item_id = ANY($3::text[])',
    values: [lease.accountId, lease.collectionId, arrayLiteral(ids, (id) => id)],
  });
}

/** Deletes held entries of this and of earlier full syncs. */
export function forgetHeld(session: Transaction, lease: Lease, limit: number): Promise<number> {
  return session
    .query({
      name: 'held-forget',
      text: `DELETE FROM syncline.held_items WHERE (account_id, collection_id, generation, item_id) IN (
               SELECT account_id, collection_id, generation, item_id FROM syncline.held_items WHERE account_id = $1 AND collection_id = $2 LIMIT $3)`,
      values: [lease.accountId, lease.collectionId, limit],
    })
    .then(({ rowCount }) => rowCount ?? 0);
}

/** Writes the state of a waiting sweep to the collection's row; null removes it. */
export function noteHeld(session: Transaction, lease: Lease, held: HeldSweep | null): void {
  session.send(
    held === null
      ? {
          name: 'held-over',
          text: 'UPDATE syncline.collections SET held_since = NULL, held_rows = NULL, held_for = NULL, held_until = NULL, held_discards = 0 WHERE id = $1',
          values: [lease.collectionId],
        }
      : {
          name: 'held-note',
          text: `UPDATE syncline.collections SET held_since = coalesce(held_since, now()), held_rows = $2, held_for = $3, held_until = 'epoch'::timestamptz + $4::bigint * interval '1 ms',
                    held_discards = held_discards + ($3 = 'new-listing')::int WHERE id = $1`,
          values: [lease.collectionId, held.rows, held.waitsFor, Math.round(held.untilMs)],
        },
  );
}

/** Counts the collections with a waiting sweep. */
export async function countHeldSweeps(pool: pg.Pool): Promise<Record<CollectionKind, number>> {
  const { rows } = await pool.query<{ kind: CollectionKind; held: number }>(
    "SELECT kind, count(*)::int AS held FROM syncline.collections WHERE held_since IS NOT NULL AND state = 'active' GROUP BY kind",
  );
  return Object.fromEntries(
    COLLECTION_KINDS.map((kind) => [kind, rows.find((row) => row.kind === kind)?.held ?? 0]),
  ) as Record<CollectionKind, number>;
}

/** A collection with a waiting sweep. */
export interface HeldCollection {
  kind: CollectionKind;
  externalId: string;
  rows: number;
  since: Date;
  waitsFor: HeldSweep['waitsFor'];
  /** Earliest start of that listing. */
  until: Date;
}

/** Returns an account's collections with a waiting sweep. */
export async function heldSweepsOf(pool: pg.Pool, accountId: string): Promise<HeldCollection[]> {
  const held = await pool.query<HeldCollection>(
    `SELECT kind, external_id AS "externalId", held_rows AS rows, held_since AS since, held_for AS "waitsFor", held_until AS until
       FROM syncline.collections WHERE account_id = $1 AND held_since IS NOT NULL AND state = 'active' ORDER BY kind, external_id`,
    [accountId],
  );
  return held.rows;
}
