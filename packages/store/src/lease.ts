import { OwnError } from '@syncline/runtime';
import type pg from 'pg';
import type { HeldState, HeldSweep } from './absence.js';
import { RESOURCE_NAMES, RESOURCES, type CollectionKind } from './mirrors/resources.js';
import { LEASE_WATCH, type LeaseWatch } from './lease-watch.js';

/**
 * A lease makes one worker the writer of one collection.
 *
 * Claiming raises the collection's epoch; every later write of the holder names its epoch, and Postgres refuses an old one.
 * So a worker that was stopped and wakes up after another has taken over (SIGSTOP, a blocked event loop, a job that BullMQ
 * gave out twice) can still run, but it cannot write. `lease_until` is only politeness: it keeps two workers from
 * doing the same work at once, by the database's clock, and correctness never depends on it.
 */
export interface Lease {
  collectionId: string;
  accountId: string;
  tenant: string;
  /** The account's address. */
  email: string;
  /** The Google project of the account. */
  project: string;
  grant: AccountGrant;
  epoch: bigint;
  kind: CollectionKind;
  externalId: string;
  /** The sealed letter of packages/sync. */
  cursor: unknown;
  phase: Phase;
  generation: number;
  fullSyncRequested: boolean;
  failures: number;
  /**
   * Full syncs begun within the last day because Google disowned a sync position or a page token.
   */
  fullSyncsToday: number;
  /** Listings without an end since the collection was last caught up. */
  endlessListings: number;
  /**
   * Runs in a row that crashed: their worker died, or was stopped for longer than a lease lasts.
   */
  crashes: number;
  /** Since the last audit, or the beginning of the last full sync. */
  auditAgeMs: number | null;
  /** The audit in hand, in packages/sync's own words, and the time since its last slice; null when there is none. */
  audit: { position: unknown; pausedMs: number } | null;
  /** Items that somebody wants read again, or whose next try is due. */
  hasRefetch: boolean;
  /** Items of it are in quarantine or failing: what is stored or gone may end that. */
  hasFailingItems: boolean;
  /** Its first full sync has only begun: somebody who has just connected waits for it. */
  onboarding: boolean;
  /**
   * The last notification: how long ago, and whether it came after the last run that ended caught
   * up had begun.
   */
  notification: { agoMs: number | null; behind: boolean };
  /** Null when nobody has requested a watch of this collection. */
  watch: LeaseWatch | null;
  /** Start of this run by the database's clock. */
  runStartedAt: Date;
  lastChangeAt: Date | null;
  /** When it was last caught up. */
  lastSyncedAt: Date | null;
  fullSyncStartedAt: Date | null;
  window: MailWindow;
  /** A sweep of it waits for evidence; null: none does. */
  held: HeldState | null;
}

/** The grant that an account has now. */
export interface AccountGrant {
  /** Rises whenever another refresh token is imported. */
  number: number;
  /**
   * Rises with every import, resume and rotation of the refresh token: access tokens of an earlier
   * one are not used.
   */
  version: number;
  /**
   * Whether it is known to belong to the Google account that the rows are of: nothing is written
   * otherwise.
   */
  verified: boolean;
  /** Whose quota its calls are; null until a grant of the account was checked. */
  identityId: string | null;
  /** Other accounts are bound to the same identity. */
  shared: boolean;
}

/** How far back a mailbox is mirrored, by internalDate: moments in milliseconds since the epoch, 0 being the mailbox's beginning. */
export interface MailWindow {
  /** The mirror holds what came from here on. */
  fromMs: number;
  /**
   * A full sync or an extension of the window is on its way back to here and has stored some of it;
   * null: none is.
   */
  goalMs: number | null;
}

/**
 * A first full sync until its first thousand items: the newest mail comes first, so after them the
 * account is on board and the rest may take its time. A mailbox whose window is extended is on
 * board. In SQL, over collections as `c`.
 */
export const ONBOARDING =
  "(c.generation <= 1 AND c.phase <> 'incremental' AND c.progress_done < 1000 AND c.window_goal IS NULL)";

export type Phase = 'pending' | 'full' | 'incremental';

export type Claim =
  | { kind: 'claimed'; lease: Lease }
  | { kind: 'busy'; untilMs: number }
  /** The collection, or its account, is not to be synced now. */
  | { kind: 'idle'; why: 'no such collection' | 'collection gone' | 'account not active' };

/**
 * Thrown by whatever writes under a lease that somebody else has taken over; the holder stops and
 * finishes nothing.
 */
export class LeaseLost extends OwnError {
  override readonly name = 'LeaseLost';
  constructor(lease: Lease) {
    super(`collection ${lease.collectionId}: the lease of epoch ${lease.epoch} was taken over`);
  }
}

/** In SQL: a full sync is due although nobody has asked for one. Of `collections c`. */
const WANTS_FULL = RESOURCE_NAMES.flatMap((name) => RESOURCES[name].wantsFull ?? []).join(' OR ');

/**
 * Something of it is to be read again: at somebody's request, or since the time has come at which
 * an item is tried once more.
 */
const HAS_REFETCH = `(EXISTS (SELECT 1 FROM syncline.refetch_items w WHERE w.account_id = c.account_id AND w.collection_id = c.id)
                   OR EXISTS (SELECT 1 FROM syncline.quarantined_items q WHERE q.account_id = c.account_id AND q.collection_id = c.id AND q.retry_at <= now())
                   OR EXISTS (SELECT 1 FROM syncline.failing_items f WHERE f.account_id = c.account_id AND f.collection_id = c.id AND f.retry_at <= now()))`;

/** Some of its items are in quarantine, or failing. */
const HAS_TROUBLED = `(EXISTS (SELECT 1 FROM syncline.quarantined_items q WHERE q.account_id = c.account_id AND q.collection_id = c.id)
                   OR EXISTS (SELECT 1 FROM syncline.failing_items f WHERE f.account_id = c.account_id AND f.collection_id = c.id))`;

/** Takes the collection if it is free, or tells who is in the way. */
export async function claimLease(
  pool: pg.Pool,
  collectionId: string,
  holder: string,
  ttlMs: number,
): Promise<Claim> {
  const claimed = await pool.query<ClaimedRow>({
    name: 'lease-claim',
    text: `UPDATE syncline.collections c
              SET lease_epoch = c.lease_epoch + 1, lease_until = now() + $3 * interval '1 ms', lease_holder = $2, run_started_at = now(), run_open = true,
                  crashes = CASE WHEN c.run_open THEN c.crashes + 1 ELSE c.crashes END,
                  in_flight_crashes = CASE WHEN c.run_open AND c.in_flight_epoch = c.lease_epoch THEN c.in_flight_crashes + 1 ELSE c.in_flight_crashes END
             FROM syncline.accounts a
            WHERE c.id = $1 AND a.id = c.account_id AND a.state = 'active' AND c.state = 'active'
              AND (c.lease_until IS NULL OR c.lease_until <= now())
        RETURNING c.id, c.account_id, c.tenant, a.email, a.project, ${GRANT_COLUMNS}, c.kind, c.external_id, c.cursor, c.phase, c.generation, c.lease_epoch, (c.full_sync_requested OR ${WANTS_FULL}) AS full_sync_requested,
                  c.failures, CASE WHEN c.full_syncs_since > now() - interval '24 hours' THEN c.full_syncs_today ELSE 0 END AS full_syncs_today, c.run_started_at, c.last_change_at, c.last_synced_at, c.full_sync_started_at, c.crashes, c.endless_listings,
                  extract(epoch FROM now() - greatest(c.audited_at, c.full_sync_started_at)) * 1000 AS audit_age_ms,
                  c.audit_position, extract(epoch FROM now() - c.audit_sliced_at) * 1000 AS audit_paused_ms,
                  ${WINDOW_COLUMNS}, c.held_since, c.held_rows, c.held_discards, c.held_for, extract(epoch FROM c.held_until) * 1000 AS held_until_ms,
                  ${HAS_REFETCH} AS "hasRefetch", ${HAS_TROUBLED} AS has_troubled,
                  ${ONBOARDING} AS onboarding,
                  extract(epoch FROM clock_timestamp() - c.notified_at) * 1000 AS notified_ago_ms, coalesce(c.notified_at > c.caught_up_at, c.notified_at IS NOT NULL) AS notified, ${LEASE_WATCH} AS watch`,
    values: [collectionId, holder, ttlMs],
  });
  const row = claimed.rows[0];
  return row ? { kind: 'claimed', lease: leaseOf(row) } : whyNot(pool, collectionId);
}

/**
 * Keeps the lease while Google takes its time; a renewal that comes after the run was finished
 * renews nothing.
 * @throws LeaseLost
 */
export async function renewLease(pool: pg.Pool, lease: Lease, ttlMs: number): Promise<void> {
  const renewed = await pool.query({
    name: 'lease-renew',
    text: `UPDATE syncline.collections SET lease_until = now() + $3 * interval '1 ms' WHERE id = $1 AND lease_epoch = $2 AND run_open`,
    values: [lease.collectionId, String(lease.epoch), ttlMs],
  });
  if (renewed.rowCount !== 1) throw new LeaseLost(lease);
}

/** Of `accounts a`. */
export const GRANT_COLUMNS =
  'a.grant_number, a.token_version, coalesce(a.verified_grant = a.grant_number, false) AS grant_verified, a.identity_id, EXISTS (SELECT 1 FROM syncline.accounts o WHERE o.identity_id = a.identity_id AND o.id <> a.id) AS identity_shared';

export interface GrantRow {
  grant_number: number;
  token_version: number;
  grant_verified: boolean;
  identity_id: string | null;
  identity_shared: boolean;
}

export function grantOf(row: GrantRow): AccountGrant {
  return {
    number: row.grant_number,
    version: row.token_version,
    verified: row.grant_verified,
    identityId: row.identity_id,
    shared: row.identity_shared,
  };
}

/** How calls are made in an account's name. */
export async function callerOf(
  pool: pg.Pool,
  accountId: string,
): Promise<{ project: string; grant: AccountGrant } | null> {
  const { rows } = await pool.query<GrantRow & { project: string }>(
    `SELECT a.project, ${GRANT_COLUMNS} FROM syncline.accounts a WHERE a.id = $1`,
    [accountId],
  );
  const row = rows[0];
  return row ? { project: row.project, grant: grantOf(row) } : null;
}

interface ClaimedRow extends WindowRow, GrantRow {
  id: string;
  account_id: string;
  tenant: string;
  email: string;
  project: string;
  kind: CollectionKind;
  external_id: string;
  cursor: unknown;
  phase: Phase;
  generation: number;
  lease_epoch: string;
  full_sync_requested: boolean;
  failures: number;
  full_syncs_today: number;
  endless_listings: number;
  crashes: number;
  audit_age_ms: string | null;
  audit_position: unknown;
  audit_paused_ms: string | null;
  hasRefetch: boolean;
  has_troubled: boolean;
  onboarding: boolean;
  notified_ago_ms: string | null;
  notified: boolean;
  watch: LeaseWatch | null;
  run_started_at: Date;
  last_change_at: Date | null;
  last_synced_at: Date | null;
  full_sync_started_at: Date | null;
  held_since: Date | null;
  held_rows: number | null;
  held_discards: number;
  held_for: HeldSweep['waitsFor'];
  held_until_ms: string;
}

function leaseOf(row: ClaimedRow): Lease {
  return {
    collectionId: row.id,
    accountId: row.account_id,
    tenant: row.tenant,
    email: row.email,
    project: row.project,
    grant: grantOf(row),
    epoch: BigInt(row.lease_epoch),
    kind: row.kind,
    externalId: row.external_id,
    cursor: row.cursor,
    phase: row.phase,
    generation: row.generation,
    fullSyncRequested: row.full_sync_requested,
    failures: row.failures,
    fullSyncsToday: row.full_syncs_today,
    endlessListings: row.endless_listings,
    crashes: row.crashes,
    auditAgeMs: row.audit_age_ms === null ? null : Number(row.audit_age_ms),
    audit:
      row.audit_position === null
        ? null
        : { position: row.audit_position, pausedMs: Number(row.audit_paused_ms ?? 0) },
    hasRefetch: row.hasRefetch,
    hasFailingItems: row.has_troubled,
    onboarding: row.onboarding,
    notification: {
      agoMs: row.notified_ago_ms === null ? null : Number(row.notified_ago_ms),
      behind: row.notified,
    },
    watch: row.watch,
    runStartedAt: row.run_started_at,
    lastChangeAt: row.last_change_at,
    lastSyncedAt: row.last_synced_at,
    fullSyncStartedAt: row.full_sync_started_at,
    window: windowOf(row),
    held:
      row.held_since === null
        ? null
        : {
            sinceMs: row.held_since.getTime(),
            rows: row.held_rows ?? 0,
            discards: row.held_discards,
            waitsFor: row.held_for,
            untilMs: Number(row.held_until_ms),
          },
  };
}

export interface WindowRow {
  window_from_ms: string | null;
  window_goal_ms: string | null;
}

/** Of `collections c`. */
export const WINDOW_COLUMNS =
  'extract(epoch FROM c.window_from) * 1000 AS window_from_ms, extract(epoch FROM c.window_goal) * 1000 AS window_goal_ms';

export function windowOf(row: WindowRow): MailWindow {
  return {
    fromMs: Math.round(Number(row.window_from_ms ?? 0)),
    goalMs: row.window_goal_ms === null ? null : Math.round(Number(row.window_goal_ms)),
  };
}

async function whyNot(pool: pg.Pool, collectionId: string): Promise<Claim> {
  const found = await pool.query<{ active: boolean; state: string; wait_ms: string | null }>(
    `SELECT a.state = 'active' AS active, c.state, extract(epoch FROM c.lease_until - now()) * 1000 AS wait_ms
       FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE c.id = $1`,
    [collectionId],
  );
  const row = found.rows[0];
  if (!row) return { kind: 'idle', why: 'no such collection' };
  if (!row.active) return { kind: 'idle', why: 'account not active' };
  if (row.state === 'gone') return { kind: 'idle', why: 'collection gone' };
  return { kind: 'busy', untilMs: Math.max(0, Math.ceil(Number(row.wait_ms ?? 0))) };
}
