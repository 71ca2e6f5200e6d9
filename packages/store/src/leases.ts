import type { Runtime } from '@syncline/runtime';
import type pg from 'pg';
import { finish, finishGone, park, type Parking, type RunFinish } from './collections.js';
import type { Committed, PageCommit } from './commit-page.js';
import { countedCommit } from './counted-commit.js';
import { claimLease, renewLease, type Claim, type Lease } from './lease.js';
import { requireReauth, type Refused } from './refusals.js';

/** Leases and the writes of the run that holds one. Each write but a claim is fenced. */
export interface Leases {
  /** Time after its last renewal or commit until a lease is free. */
  readonly ttlMs: number;
  claim(collectionId: string): Promise<Claim>;
  /** @throws LeaseLost */
  renew(lease: Lease): Promise<void>;
  /** Writes a page with its change events and its cursor. @throws LeaseLost */
  commitPage(lease: Lease, commit: PageCommit): Promise<Committed>;
  /** Writes the outcome of a run. @throws LeaseLost */
  finish(lease: Lease, ending: RunFinish): Promise<{ requestedAgain: boolean }>;
  finishGone(lease: Lease, reason: string): Promise<void>;
  /** @returns whether a failure of the project was not known before */
  park(lease: Lease, parking: Parking): Promise<boolean>;
  /**
   * Records that Google refuses the account's grant.
   * @returns false when nothing was written: the lease is lost, or another grant was imported
   * meanwhile
   */
  requireReauth(lease: Lease, refused: Refused): Promise<boolean>;
}

/**
 * Longer than a commit and the interval of the renewals, but no longer: when the death of a worker
 * is not noticed, its collections wait for this time.
 */
export const LEASE_TTL_MS = 6_000;

/** @param holder the name of this process in leases */
export function leasesIn(rt: Runtime, pool: pg.Pool, holder: string): Leases {
  return {
    ttlMs: LEASE_TTL_MS,
    claim: (collectionId) => claimLease(pool, collectionId, holder, LEASE_TTL_MS),
    renew: (lease) => renewLease(pool, lease, LEASE_TTL_MS),
    commitPage: (lease, commit) => countedCommit(rt, pool, lease, LEASE_TTL_MS, commit),
    finish: (lease, ending) => finish(pool, lease, ending),
    finishGone: (lease, reason) => finishGone(pool, lease, reason),
    park: (lease, parking) => park(pool, lease, parking),
    requireReauth: (lease, refused) => requireReauth(pool, lease, refused),
  };
}
