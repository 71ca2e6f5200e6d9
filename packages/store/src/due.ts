/**
 * What is due, handed out fairly. Any number of schedulers ask at once (SKIP LOCKED), and none
 * remembers anything.
 *
 * Claiming only moves `next_sync_at` ahead by the visibility time: if the job is then lost with
 * Redis, the collection comes due again by itself, and nothing else has to remember that a job
 * exists.
 *
 * Tenants take rounds: of everything that is due, first each tenant's oldest, then each tenant's
 * second oldest, and so on; whoever was given more before counts on from there (`ahead`), since a
 * claim for one job would take the oldest every time. Turns are taken among the oldest WINDOW rows
 * of a queue, which bounds a tick however much is due; a tenant that fills most of that window
 * would hide the others, so it is looked past: half of what is handed out then goes to the rest.
 */
import type pg from 'pg';
import { ONBOARDING, type Phase } from './lease.js';
import {
  dueRange,
  isInDueRange,
  RESOURCE_NAMES,
  type CollectionKind,
  type Resource,
} from './mirrors/resources.js';
import { arrayLiteral } from './pool.js';

/**
 * The queues that share one order of due work: a family of resources, and whether it is a full or
 * an incremental sync.
 */
interface DueQueue {
  resource: Resource;
  full: boolean;
}

/** Why it is due: its date came, Google notified, somebody asked, or the last run failed or was cut off. */
type DueCause = 'schedule' | 'notification' | 'request' | 'retry';

/** In SQL, over collections as `c`. */
const CAUSE = `CASE WHEN c.failures > 0 OR (c.run_open AND coalesce(c.lease_until <= now(), true)) THEN 'retry'
                          WHEN c.notified_at IS NOT NULL AND coalesce(c.notified_at > c.caught_up_at, true) THEN 'notification'
                          WHEN c.full_sync_requested OR (c.requested_at IS NOT NULL AND coalesce(c.requested_at > c.caught_up_at, true)) THEN 'request'
                          ELSE 'schedule' END`;

/** A collection that the scheduler is to hand to a queue. */
export interface DueCollection {
  id: string;
  accountId: string;
  kind: CollectionKind;
  phase: Phase;
  fullSyncRequested: boolean;
  tenant: string;
  /** Its first full sync has only begun: somebody who has just connected waits for it. */
  onboarding: boolean;
  /** Its last run was cut off: the next goes on with it. */
  interrupted: boolean;
  cause: DueCause;
  /**
   * Which of its tenant's rounds it had: 1 for the first, counted from what the tenant was ahead.
   */
  round: number;
}

export interface DueQuery {
  limit: number;
  visibilityMs: number;
  /** Default: every queue in round, until `limit` is reached. */
  queue?: DueQueue;
  /** Turns that tenants have had before the others. Default: none. */
  lead?: ReadonlyMap<string, number>;
}

const QUEUES: readonly DueQueue[] = [false, true].flatMap((full) =>
  RESOURCE_NAMES.map((resource) => ({ resource, full })),
);
/** Rows among which tenants take rounds, read in the index's order. */
const WINDOW = 10_000;
/** A tenant with more than this share of a full window is looked past. */
const CROWDING_SHARE = 0.25;
/** Index entries that are read to look past such tenants. */
const SCAN_PAST_LIMIT = 200_000;

/**
 * Claims up to `limit` due collections, in rounds by tenant; one more where a tenant crowds the
 * others out and `limit` is 1.
 */
export async function claimDue(pool: pg.Pool, q: DueQuery): Promise<DueCollection[]> {
  if (q.queue) return claimOfQueue(pool, q.queue, q);
  const claimed: DueCollection[] = [];
  for (const queue of QUEUES) {
    if (claimed.length < q.limit)
      claimed.push(...(await claimOfQueue(pool, queue, { ...q, limit: q.limit - claimed.length })));
  }
  return claimed;
}

/** In two halves, since only the first tells whether somebody crowds the others out of the window. */
async function claimOfQueue(
  pool: pg.Pool,
  queue: DueQueue,
  { limit, visibilityMs, lead = new Map() }: DueQuery,
): Promise<DueCollection[]> {
  const half = Math.ceil(limit / 2);
  const first = await claimFairly(pool, queue, { limit: half, visibilityMs, lead, past: [] });
  const isCrowded = first.crowding.length > 0;
  // Room for one job at a time is the rule where full syncs fill every slot: the others then get
  // one beyond the limit, or they would never get any.
  const remainder = isCrowded ? Math.max(1, limit - half) : limit - half;
  if (remainder === 0 || (first.claimed.length < half && !isCrowded)) return first.claimed;
  const second = await claimFairly(pool, queue, {
    limit: remainder,
    visibilityMs,
    lead,
    past: first.crowding,
  });
  return first.claimed.concat(second.claimed);
}

interface FairClaim {
  limit: number;
  visibilityMs: number;
  lead: ReadonlyMap<string, number>;
  /** Tenants that have had enough of this tick. */
  past: readonly string[];
}

interface DueRow {
  id: string;
  kind: CollectionKind;
  phase: Phase;
  full_sync_requested: boolean;
  tenant: string;
  onboarding: boolean;
  interrupted: boolean;
  account_id: string;
  cause: DueCause;
  round: string;
  crowding: string[] | null;
}

/** One tick's rounds of one queue, and the tenants that crowd the window when it is full. */
async function claimFairly(
  pool: pg.Pool,
  queue: DueQueue,
  o: FairClaim,
): Promise<{ claimed: DueCollection[]; crowding: string[] }> {
  const scanLimit = o.past.length === 0 ? WINDOW : SCAN_PAST_LIMIT;
  const due = await pool.query<DueRow>({
    name: 'collections-due',
    text: `WITH seen AS MATERIALIZED (
                SELECT id, tenant, next_sync_at FROM syncline.collections
                 WHERE state = 'active' AND ${dueRange()} = $1 AND (phase <> 'incremental' OR full_sync_requested) = $2 AND next_sync_at <= now()
                 ORDER BY next_sync_at LIMIT $3),
              oldest AS MATERIALIZED (SELECT * FROM seen WHERE tenant <> ALL($4::text[]) ORDER BY next_sync_at LIMIT ${WINDOW}),
              crowding AS MATERIALIZED (
                SELECT array_agg(tenant) AS tenants
                  FROM (SELECT tenant FROM oldest GROUP BY tenant HAVING count(*) > ${WINDOW * CROWDING_SHARE} AND (SELECT count(*) FROM oldest) = ${WINDOW}) AS crowd),
              rounds AS (
                SELECT id, next_sync_at, coalesce(h.rounds, 0) + row_number() OVER (PARTITION BY tenant ORDER BY next_sync_at) AS round
                  FROM oldest LEFT JOIN unnest($7::text[], $8::bigint[]) AS h(tenant, rounds) USING (tenant)),
              chosen AS MATERIALIZED (SELECT id, round FROM rounds ORDER BY round, next_sync_at LIMIT $5),
              picked AS (
                SELECT c.id, chosen.round FROM chosen JOIN syncline.collections c ON c.id = chosen.id JOIN syncline.accounts a ON a.id = c.account_id
                 WHERE c.next_sync_at <= now() AND c.state = 'active' AND a.state = 'active'
                   FOR UPDATE OF c SKIP LOCKED)
           UPDATE syncline.collections c SET next_sync_at = now() + $6 * interval '1 ms' FROM picked WHERE c.id = picked.id
        RETURNING c.id, c.kind, c.phase, c.full_sync_requested, c.tenant, picked.round, (SELECT tenants FROM crowding) AS crowding,
                  ${ONBOARDING} AS onboarding, c.run_open AND coalesce(c.lease_until <= now(), true) AS interrupted,
                  c.account_id, ${CAUSE} AS cause`,
    values: [
      isInDueRange(queue.resource),
      queue.full,
      scanLimit,
      arrayLiteral(o.past, (tenant) => tenant),
      o.limit,
      o.visibilityMs,
      arrayLiteral([...o.lead.keys()], (tenant) => tenant),
      arrayLiteral([...o.lead.values()], String),
    ],
  });
  return { claimed: due.rows.map(dueCollection), crowding: due.rows[0]?.crowding ?? [] };
}

function dueCollection(row: DueRow): DueCollection {
  return {
    id: row.id,
    accountId: row.account_id,
    kind: row.kind,
    phase: row.phase,
    fullSyncRequested: row.full_sync_requested,
    tenant: row.tenant,
    onboarding: row.onboarding,
    interrupted: row.interrupted,
    cause: row.cause,
    round: Number(row.round),
  };
}
