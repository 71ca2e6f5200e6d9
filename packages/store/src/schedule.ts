import type pg from 'pg';
import { behindSince, requestRepair, requestSync, type BehindCollection } from './collections.js';
import { claimDue, type DueCollection, type DueQuery } from './due.js';
import { LEASE_TTL_MS } from './leases.js';
import type { Resource } from './mirrors/resources.js';
import {
  bringForward,
  releaseDeadWorkers,
  type DeadHolder,
  type ReleasedWorker,
} from './recovery.js';
import { claimDueWatches, type DueWatch } from './watches.js';

/** The schedule in Postgres: due work, and the requests that make work due. */
export interface Schedule {
  /** Claims due collections. Each is due again after `visibilityMs`. */
  claimDue(query: DueQuery): Promise<DueCollection[]>;
  /** Claims due watches in the same way. */
  claimDueWatches(o: { limit: number; visibilityMs: number }): Promise<DueWatch[]>;
  /** Makes claimed collections due again after Redis has lost its data. @returns their number */
  bringForward(withinMs: number): Promise<number>;
  releaseDeadWorkers(
    dead: readonly DeadHolder[],
    o: { jobs: readonly string[]; withinMs: number },
  ): Promise<ReleasedWorker[]>;
  /**
   * Requests a sync.
   * @param accountIds null means every account
   * @returns the time of the request, for `behindSince`
   */
  requestSync(
    accountIds: readonly string[] | null,
    o?: { resource?: Resource; full?: boolean; isRepair?: boolean },
  ): Promise<string>;
  /** Requests a full sync that repairs what an audit has found. */
  requestRepair(collectionId: string): Promise<void>;
  /** Returns the collections that no run begun after `since` has left caught up. */
  behindSince(accountIds: readonly string[] | null, since: string): Promise<BehindCollection[]>;
}

export function scheduleIn(pool: pg.Pool): Schedule {
  return {
    claimDue: (query) => claimDue(pool, query),
    claimDueWatches: (o) => claimDueWatches(pool, o),
    bringForward: (withinMs) => bringForward(pool, withinMs),
    releaseDeadWorkers: (dead, o) => releaseDeadWorkers(pool, dead, { ...o, ttlMs: LEASE_TTL_MS }),
    requestSync: (accountIds, o) => requestSync(pool, accountIds, o),
    requestRepair: (collectionId) => requestRepair(pool, collectionId),
    behindSince: (accountIds, since) => behindSince(pool, accountIds, since),
  };
}
