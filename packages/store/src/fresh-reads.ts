import type pg from 'pg';
import type { AccountState } from './accounts.js';
import { NEVER } from './collections.js';
import type { Phase } from './lease.js';
import type { CollectionKind } from './mirrors/resources.js';
import type { CollectionsRead } from './mirrors/snapshot.js';

/* What readers that want fresh rows ask of the schedule. */

/** A collection as a reader sees it. */
interface FreshCollection {
  id: string;
  phase: Phase;
  /** Start of the last run that ended caught up, with microseconds. */
  caughtUpMs: number | null;
  /** Whether the mirrored time range is being extended. */
  isExtending: boolean;
  isParked: boolean;
  /** Number of failed runs since the last one that was caught up. */
  failures: number;
  nextSyncInMs: number;
  /** Whether no run has begun since the last request. */
  isRequested: boolean;
  /** Start of the run that is in progress; null when there is none. */
  runningSinceMs: number | null;
}

/** The state of an account's collections. */
export interface FreshState {
  /** The time of the read, by the database's clock. */
  atMs: number;
  accountState: AccountState;
  collections: FreshCollection[];
}

/** A collection whose sync was requested. */
export interface RequestedCollection {
  collectionId: string;
  accountId: string;
  tenant: string;
  kind: CollectionKind;
  /** Whether a job for it is useful now; otherwise the scheduler enqueues it. */
  ready: boolean;
}

export interface FreshSchedule {
  /** @returns null when the account does not exist */
  state(accountId: string, of: CollectionsRead): Promise<FreshState | null>;
  /**
   * Requests a sync of these collections of an account. Not of those whose request waits for its
   * run, that were requested within the last second, or that wait after an error.
   * @returns those that were requested now
   */
  request(accountId: string, collectionIds: readonly string[]): Promise<RequestedCollection[]>;
}

export function freshScheduleIn(pool: pg.Pool): FreshSchedule {
  return {
    state: (accountId, of) => state(pool, accountId, of),
    request: (accountId, collectionIds) => request(pool, accountId, collectionIds),
  };
}

async function state(
  pool: pg.Pool,
  accountId: string,
  { kinds, externalIds }: CollectionsRead,
): Promise<FreshState | null> {
  const { rows } = await pool.query<FreshState>({
    name: 'fresh-state',
    text: `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "atMs", a.state AS "accountState",
                  (SELECT coalesce(json_agg(json_build_object('id', c.id, 'phase', c.phase, 'caughtUpMs', extract(epoch FROM c.caught_up_at) * 1000, 'isExtending', c.window_goal IS NOT NULL,
                          'isParked', c.parked IS NOT NULL, 'failures', c.failures, 'nextSyncInMs', extract(epoch FROM c.next_sync_at - clock_timestamp()) * 1000,
                          'isRequested', ${IS_REQUESTED},
                          'runningSinceMs', CASE WHEN c.lease_until > clock_timestamp() THEN extract(epoch FROM c.run_started_at) * 1000 END)), '[]')
                     FROM syncline.collections c WHERE c.account_id = a.id AND c.kind = ANY($2::text[]) AND c.state = 'active' AND ($3::text[] IS NULL OR c.external_id = ANY($3::text[]))) AS collections
             FROM syncline.accounts a WHERE a.id = $1`,
    values: [accountId, kinds, externalIds ?? null],
  });
  return rows[0] ?? null;
}

/** SQL on `collections c`: a run that begins later than now will serve the last request. */
const IS_REQUESTED =
  "coalesce(c.requested_at > coalesce(c.run_started_at, '-infinity'::timestamptz), false)";

/**
 * A ready collection is due a moment later, like a notified one: the hint to the queue comes first,
 * and the schedule covers a lost one. Rows are locked in the order of their ids.
 */
async function request(
  pool: pg.Pool,
  accountId: string,
  collectionIds: readonly string[],
): Promise<RequestedCollection[]> {
  const { rows } = await pool.query<RequestedCollection>({
    name: 'fresh-request',
    text: `WITH chosen AS MATERIALIZED (
             SELECT c.id FROM syncline.collections c
              WHERE c.account_id = $1 AND c.id = ANY($2::uuid[]) AND c.state = 'active' AND c.next_sync_at < ${NEVER} AND c.parked IS NULL AND c.failures = 0
                AND NOT ${IS_REQUESTED} AND coalesce(c.requested_at < clock_timestamp() - interval '1 second', true)
              ORDER BY c.id FOR UPDATE)
           UPDATE syncline.collections c
              SET requested_at = clock_timestamp(), next_sync_at = least(c.next_sync_at, now() + CASE WHEN ${IS_READY} THEN interval '1.5 seconds' ELSE interval '0' END)
             FROM chosen WHERE c.account_id = $1 AND c.id = chosen.id
        RETURNING c.id AS "collectionId", c.account_id AS "accountId", c.tenant, c.kind, ${IS_READY} AS ready`,
    values: [accountId, collectionIds],
  });
  return rows;
}

/** SQL on `collections c`: its next run is an incremental sync, for whose queue a hint is made. */
const IS_READY = "c.phase = 'incremental' AND NOT c.full_sync_requested";
