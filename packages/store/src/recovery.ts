/**
 * Makes lost work due earlier. A job that was lost becomes due again by itself, when the date or the
 * lease of its collection has passed. The functions of this file are for callers that know that it
 * is lost. A mistake is harmless: a sync runs early, or a run is fenced out by its successor.
 *
 * A claimed collection has its date within the visibility time from now. So both functions read one
 * range for each queue of the index of due work, independently of the number of accounts.
 */
import type pg from 'pg';
import { dueRange, RESOURCE_NAMES } from './mirrors/resources.js';
import { arrayLiteral } from './pool.js';
import type { Queryable } from './transaction.js';

const QUEUES = `(VALUES ${RESOURCE_NAMES.flatMap((name) => [`('${name}', false)`, `('${name}', true)`]).join(', ')}) AS queue(resource, full_syncs)`;
const OF_QUEUE = `state = 'active' AND ${dueRange()} = queue.resource AND (phase <> 'incremental' OR full_sync_requested) = queue.full_syncs`;

/**
 * SQL for a statement with `collections c`: a date just before the oldest date of the collection's
 * queue. An interrupted run continues before the other collections, as its job would at the head of
 * the queue.
 */
const FIRST_OF_ALL = `least(c.run_started_at, (
    SELECT h.next_sync_at FROM syncline.collections h
     WHERE h.state = 'active' AND ${dueRange('h.')} = ${dueRange('c.')} AND (h.phase <> 'incremental' OR h.full_sync_requested) = (c.phase <> 'incremental' OR c.full_sync_requested)
     ORDER BY h.next_sync_at LIMIT 1) - interval '1 ms')`;

/** Maximum number of rows of each queue in one statement. It bounds how long rows are locked. */
const BATCH = 1_000;
/** Maximum number of index entries of a queue that are searched for leases of dead holders. */
const SCAN_LIMIT = 50_000;
/** Maximum number of statements of one call, enough for some millions of collections. */
const BATCHES_LIMIT = 1_000;

/**
 * Makes claimed collections due again after Redis has lost its data. They keep their order, and
 * interrupted runs come first. A collection under a live lease is due when the lease ends: a run
 * that continues sets its own date, and a run whose worker dies is found then.
 * @param withinMs the visibility time; other collections that are due within it become due early
 * @returns the number of collections
 */
export async function bringForward(pool: Queryable, withinMs: number): Promise<number> {
  let [moved, since] = [0, null as string | null];
  for (let batches = 0; batches < BATCHES_LIMIT; batches++) {
    // Collections that are claimed after the first batch have a job in the new Redis.
    const batch: pg.QueryResult<{ at: string }> = await pool.query({
      name: 'bring-forward',
      text: BRING_FORWARD,
      values: [withinMs, since],
    });
    moved += batch.rowCount ?? 0;
    since ??= batch.rows[0]?.at ?? null;
    if ((batch.rowCount ?? 0) < BATCH) break;
  }
  return moved;
}

const WITHIN = `next_sync_at > now() AND next_sync_at <= coalesce($2::timestamptz, now()) + $1 * interval '1 ms' AND coalesce(lease_until < next_sync_at, true)`;

/** Rows are locked in the order of their ids, as in every statement that locks several collections. */
const BRING_FORWARD = `
  WITH chosen AS MATERIALIZED (
         SELECT c.id FROM ${QUEUES} CROSS JOIN LATERAL (SELECT id FROM syncline.collections WHERE ${OF_QUEUE} AND ${WITHIN} ORDER BY next_sync_at LIMIT ${BATCH}) AS c),
       locked AS MATERIALIZED (SELECT id FROM syncline.collections WHERE id IN (SELECT id FROM chosen) AND state = 'active' AND ${WITHIN} ORDER BY id FOR UPDATE)
  UPDATE syncline.collections c
     SET next_sync_at = CASE WHEN c.lease_until > now() THEN c.lease_until WHEN c.open_runs > 0 THEN ${FIRST_OF_ALL} ELSE c.next_sync_at - $1 * interval '1 ms' END
    FROM locked WHERE c.id = locked.id
  RETURNING now()::text AS at`;

/** A process that held leases and appears to be dead. */
export interface DeadHolder {
  holder: string;
  /** Time since it was first found to be gone. */
  silentMs: number;
}

export interface ReleasedWorker {
  holder: string;
  /** Number of its runs that were released. The next claims continue them. */
  released: number;
  /** Whether it has written a lease since it was found to be gone. It then keeps its leases. */
  alive: boolean;
}

/**
 * Ends the leases of dead holders, so that the next claim need not wait until they expire. The runs
 * stay open: the next claim counts the crash, so that an item that ends its workers is still found.
 * @param o.jobs collections with a job in a queue: they are due after the visibility time, in case
 * this job is lost. All others are due at once, before the rest of their queue.
 * @param o.withinMs the visibility time
 */
export async function releaseDeadWorkers(
  pool: Queryable,
  dead: readonly DeadHolder[],
  o: { jobs: readonly string[]; withinMs: number; ttlMs: number },
): Promise<ReleasedWorker[]> {
  const results = await pool.query<{ holder: string; released: number; alive: boolean }>({
    name: 'release-dead-workers',
    text: RELEASE_DEAD_WORKERS,
    values: [
      arrayLiteral(dead, ({ holder }) => holder),
      arrayLiteral(dead, ({ silentMs }) => silentMs),
      arrayLiteral(
        o.jobs.filter((id) => UUID.test(id)),
        (id) => id,
      ),
      o.withinMs,
      o.ttlMs,
    ],
  });
  return results.rows;
}

/** A job that was created by hand may have any text as its id. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A dead holder cannot have written a lease since it was found to be gone. */
const RELEASE_DEAD_WORKERS = `
  WITH gone AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::float8[]) AS g(holder, silent_ms)),
       near AS MATERIALIZED (
         SELECT c.id FROM ${QUEUES} CROSS JOIN LATERAL (
                  SELECT id, lease_holder FROM syncline.collections
                   WHERE ${OF_QUEUE} AND next_sync_at > now() - $4 * interval '1 ms' AND next_sync_at <= now() + $4 * interval '1 ms'
                   ORDER BY next_sync_at LIMIT ${SCAN_LIMIT}) AS c
          WHERE c.lease_holder = ANY($1::text[])
          UNION SELECT unnest($3::uuid[])),
       held AS MATERIALIZED (
         SELECT c.id, c.lease_holder, c.lease_until > now() + ($5 - gone.silent_ms) * interval '1 ms' AS touched
           FROM syncline.collections c JOIN gone ON gone.holder = c.lease_holder
          WHERE c.id IN (SELECT id FROM near) AND c.open_runs > 0 ORDER BY c.id FOR UPDATE OF c),
       released AS (
         UPDATE syncline.collections c
            SET lease_until = least(c.lease_until, now()), next_sync_at = CASE WHEN c.id = ANY($3::uuid[]) THEN now() + $4 * interval '1 ms' ELSE ${FIRST_OF_ALL} END
           FROM held WHERE c.id = held.id AND NOT EXISTS (SELECT 1 FROM held h WHERE h.lease_holder = held.lease_holder AND h.touched)
         RETURNING held.lease_holder AS holder)
  SELECT gone.holder, (SELECT count(*)::int FROM released WHERE released.holder = gone.holder) AS released,
         EXISTS (SELECT 1 FROM held WHERE held.lease_holder = gone.holder AND held.touched) AS alive
    FROM gone`;
