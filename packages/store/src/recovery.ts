/**
 * Work that was handed out and lost comes due again by itself, when its date or its lease is over.
 * Here it is brought back sooner, for those who know that it is lost. Both are harmless when they
 * were wrong: a sync comes early, or a run is fenced out by the one that goes on after it.
 *
 * Whatever was handed out has its date within the visibility time from now, so both read one range
 * a queue of the index that due work is read by, however many accounts there are.
 */
import type pg from 'pg';
import { dueRange } from './mirrors/resources.js';
import { arrayLiteral } from './pool.js';
import type { Queryable } from './transaction.js';

const QUEUES =
  '(VALUES (true, false), (true, true), (false, false), (false, true)) AS queue(in_range, full_syncs)';
const OF_QUEUE = `state = 'active' AND ${dueRange()} = queue.in_range AND (phase <> 'incremental' OR full_sync_requested) = queue.full_syncs`;

/**
 * A run that was cut off goes on before whoever waits for a turn of its own, as its job would from the head of its queue: due since just before whatever has
 * been due for longest in its queue. Of `collections c`.
 */
const FIRST_OF_ALL = `least(c.run_started_at, (
    SELECT h.next_sync_at FROM syncline.collections h
     WHERE h.state = 'active' AND ${dueRange('h.')} = ${dueRange('c.')} AND (h.phase <> 'incremental' OR h.full_sync_requested) = (c.phase <> 'incremental' OR c.full_sync_requested)
     ORDER BY h.next_sync_at LIMIT 1) - interval '1 ms')`;

/** Of each queue, in one statement: it bounds how long rows stay locked. */
const BATCH = 1_000;
/** A queue's index entries that are read in search of a dead holder's leases. */
const SCAN_LIMIT = 50_000;
/** Statements of one call: some millions of collections. */
const BATCHES_LIMIT = 1_000;

/**
 * Redis has forgotten who is next: whatever was handed out, and is not worked on, is due again as if it had not been, in its old order, and what was cut off
 * before all others. What is under a live lease is due when the lease ends: a run that goes on sets its own date, and one whose worker dies meanwhile is found then.
 * @param withinMs the visibility time: whatever else is due within it is looked at early
 * @returns how many collections came forward
 */
export async function bringForward(pool: Queryable, withinMs: number): Promise<number> {
  let [moved, since] = [0, null as string | null];
  for (let batches = 0; batches < BATCHES_LIMIT; batches++) {
    // What is handed out from the first batch on went to a Redis that knows of it.
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

/** Rows are locked in the order of their ids, like everything that takes several collections. */
const BRING_FORWARD = `
  WITH chosen AS MATERIALIZED (
         SELECT c.id FROM ${QUEUES} CROSS JOIN LATERAL (SELECT id FROM syncline.collections WHERE ${OF_QUEUE} AND ${WITHIN} ORDER BY next_sync_at LIMIT ${BATCH}) AS c),
       locked AS MATERIALIZED (SELECT id FROM syncline.collections WHERE id IN (SELECT id FROM chosen) AND state = 'active' AND ${WITHIN} ORDER BY id FOR UPDATE)
  UPDATE syncline.collections c
     SET next_sync_at = CASE WHEN c.lease_until > now() THEN c.lease_until WHEN c.run_open THEN ${FIRST_OF_ALL} ELSE c.next_sync_at - $1 * interval '1 ms' END
    FROM locked WHERE c.id = locked.id
  RETURNING now()::text AS at`;

/** A process that took leases and seems to be dead. */
export interface DeadHolder {
  holder: string;
  /** How long ago it was first seen to be gone. */
  silentMs: number;
}

export interface ReleasedWorker {
  holder: string;
  /** Its runs that were cut off: whoever claims goes on with them. */
  released: number;
  /** It has touched a lease since it was seen to be gone: it lives, and keeps what it holds. */
  alive: boolean;
}

/**
 * Takes their leases from holders that are gone, so that the next claim need not wait for them to lapse. The runs stay open: the claim that
 * follows counts the crash, and an item that kills its workers is found all the same.
 * @param o.jobs collections that a job of theirs names: they count as handed out with it, all others are due at once, ahead of whoever waits
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

/** A job may have been made by hand, with anything for an id. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Of a holder that is dead no lease can have been touched since it was seen to be gone. */
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
          WHERE c.id IN (SELECT id FROM near) AND c.run_open ORDER BY c.id FOR UPDATE OF c),
       released AS (
         UPDATE syncline.collections c
            SET lease_until = least(c.lease_until, now()), next_sync_at = CASE WHEN c.id = ANY($3::uuid[]) THEN now() + $4 * interval '1 ms' ELSE ${FIRST_OF_ALL} END
           FROM held WHERE c.id = held.id AND NOT EXISTS (SELECT 1 FROM held h WHERE h.lease_holder = held.lease_holder AND h.touched)
         RETURNING held.lease_holder AS holder)
  SELECT gone.holder, (SELECT count(*)::int FROM released WHERE released.holder = gone.holder) AS released,
         EXISTS (SELECT 1 FROM held WHERE held.lease_holder = gone.holder AND held.touched) AS alive
    FROM gone`;
