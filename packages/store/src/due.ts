/**
 * Hands out due collections, fairly between tenants. Any number of schedulers may claim
 * concurrently (SKIP LOCKED), and none keeps state.
 *
 * Claiming only moves `next_sync_at` ahead by the visibility time. When Redis then loses the job,
 * the collection becomes due again by itself; no other record of the job is needed.
 *
 * Tenants take rounds. Of all due collections, the oldest of each tenant comes first, then the
 * second oldest of each tenant, and so on. The rounds of a tenant that was served earlier continue
 * from its last round (`ahead`). Otherwise a claim for one job would take the oldest collection
 * every time. Rounds are formed among the oldest WINDOW rows of a queue, which bounds the work of a
 * tick. A tenant that fills most of this window would hide the others. Such a tenant is skipped for
 * half of the claimed collections.
 */
import type pg from 'pg';
import { ONBOARDING, type Phase } from './lease.js';
import {
  dueRange,
  RESOURCE_NAMES,
  type CollectionKind,
  type Resource,
} from './mirrors/resources.js';
import { arrayLiteral } from './pool.js';

/**
 * The queues that share one order of due work: a family of resources, and full or incremental
 * syncs.
 */
interface DueQueue {
  resource: Resource;
  full: boolean;
}

/**
 * The reason why a collection is due: its date, a notification, a request, or a failed or
 * interrupted run.
 */
type DueCause = 'schedule' | 'notification' | 'request' | 'retry';

/** SQL, for `collections c`. */
const CAUSE = `CASE WHEN c.failures > 0 OR (c.open_runs > 0 AND coalesce(c.lease_until <= now(), true)) THEN 'retry'
                          WHEN c.notified_at IS NOT NULL AND coalesce(c.notified_at > c.caught_up_at, true) THEN 'notification'
                          WHEN c.full_sync_requested OR (c.requested_at IS NOT NULL AND coalesce(c.requested_at > c.caught_up_at, true)) THEN 'request'
                          ELSE 'schedule' END`;

/** A collection that the scheduler adds to a queue. */
export interface DueCollection {
  id: string;
  accountId: string;
  kind: CollectionKind;
  phase: Phase;
  fullSyncRequested: boolean;
  tenant: string;
  /** Whether its first full sync has only begun, so that a newly connected user waits for it. */
  onboarding: boolean;
  /** Whether its last run was interrupted; the next run continues it. */
  interrupted: boolean;
  cause: DueCause;
  /** The round of its tenant: 1 for the first, plus the rounds that the tenant was ahead. */
  round: number;
}

export interface DueQuery {
  limit: number;
  visibilityMs: number;
  /** Default: every queue in order, until `limit` is reached. */
  queue?: DueQueue;
  /** Number of earlier rounds by tenant. Default: none. */
  lead?: ReadonlyMap<string, number>;
}

const QUEUES: readonly DueQueue[] = [false, true].flatMap((full) =>
  RESOURCE_NAMES.map((resource) => ({ resource, full })),
);
/** Number of rows, in the order of the index, among which tenants take rounds. */
const WINDOW = 10_000;
/** A tenant with more than this share of a full window is skipped for the second half. */
const CROWDING_SHARE = 0.25;
/** Maximum number of index entries that are read to skip such tenants. */
const SCAN_PAST_LIMIT = 200_000;

/**
 * Claims up to `limit` due collections, in rounds by tenant. Claims one more when `limit` is 1 and
 * a tenant crowds out the others.
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

/**
 * Claims in two halves, because only the first half shows whether a tenant crowds out the others.
 */
async function claimOfQueue(
  pool: pg.Pool,
  queue: DueQueue,
  { limit, visibilityMs, lead = new Map() }: DueQuery,
): Promise<DueCollection[]> {
  const half = Math.ceil(limit / 2);
  const first = await claimFairly(pool, queue, { limit: half, visibilityMs, lead, past: [] });
  const isCrowded = first.crowding.length > 0;
  // When full syncs fill every slot, there is usually room for only one job at a time. The other
  // tenants then get one job beyond the limit, because they would otherwise get none.
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
  /** Tenants that are skipped. */
  past: readonly string[];
}

/**
 * Claims in rounds from one queue. Returns also the tenants that crowd the window when it is full.
 */
async function claimFairly(
  pool: pg.Pool,
  queue: DueQueue,
  o: FairClaim,
): Promise<{ claimed: DueCollection[]; crowding: string[] }> {
  const scanLimit = o.past.length === 0 ? WINDOW : SCAN_PAST_LIMIT;
  const due = await pool.query<DueCollection & { crowding: string[] | null }>({
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
        RETURNING c.id, c.kind, c.phase, c.full_sync_requested AS "fullSyncRequested", c.tenant, picked.round::float8 AS round, (SELECT tenants FROM crowding) AS crowding,
                  ${ONBOARDING} AS onboarding, c.open_runs > 0 AND coalesce(c.lease_until <= now(), true) AS interrupted,
                  c.account_id AS "accountId", ${CAUSE} AS cause`,
    values: [
      queue.resource,
      queue.full,
      scanLimit,
      arrayLiteral(o.past, (tenant) => tenant),
      o.limit,
      o.visibilityMs,
      arrayLiteral([...o.lead.keys()], (tenant) => tenant),
      arrayLiteral([...o.lead.values()], String),
    ],
  });
  return {
    claimed: due.rows.map(({ crowding: _crowding, ...collection }) => collection),
    crowding: due.rows[0]?.crowding ?? [],
  };
}
