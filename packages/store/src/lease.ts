import { OwnError } from '@syncline/runtime';
import type pg from 'pg';
import type { HeldState } from './absence.js';
import { RESOURCE_NAMES, RESOURCES, type CollectionKind } from './mirrors/resources.js';
import { LEASE_WATCH, type LeaseWatch } from './lease-watch.js';

/**
 * A lease makes one worker the only writer of a collection.
 *
 * A claim raises the epoch of the collection. Every later write of the holder names its epoch, and
 * Postgres refuses an older one. So a worker that continues after another one has taken over
 * (SIGSTOP, a blocked event loop, a job that BullMQ delivered twice) can run, but cannot write.
 * `lease_until` only keeps two workers from doing the same work at once, by the database's clock.
 * Correctness does not depend on it.
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
  /** A JSON document that only packages/sync reads. */
  cursor: unknown;
  phase: Phase;
  generation: number;
  fullSyncRequested: boolean;
  /** Whether the requested full sync repairs what an audit or a verification found. */
  repairRequested: boolean;
  failures: number;
  /**
   * Number of full syncs that began within the last day because Google rejected a sync position or
   * a page token.
   */
  fullSyncsToday: number;
  /** Number of listings without an end since the collection was last caught up. */
  endlessListings: number;
  /**
   * Number of runs in a row that crashed: their worker died, or was stopped for longer than a lease
   * lasts.
   */
  crashes: number;
  /** Time since the last audit, or since the beginning of the last full sync if that is later. */
  auditAgeMs: number | null;
  /** Time since the last slice of the current audit; null when there is none. */
  auditPausedMs: number | null;
  /** Whether items have a refetch request, or a retry that is due. */
  hasRefetch: boolean;
  /**
   * Whether items are in quarantine or failing. An item that is stored or was deleted at Google
   * leaves both.
   */
  hasFailingItems: boolean;
  /** Whether its first full sync has only begun, so that a newly connected user waits for it. */
  onboarding: boolean;
  /**
   * The last notification: its age, and whether it arrived after the beginning of the last run that
   * ended caught up.
   */
  notification: { agoMs: number | null; behind: boolean };
  /** Null when no watch of this collection was requested. */
  watch: LeaseWatch | null;
  /** When this run began, by the database's clock. */
  runStartedAt: Date;
  lastChangeAt: Date | null;
  /** When it was last caught up. */
  lastSyncedAt: Date | null;
  fullSyncStartedAt: Date | null;
  window: MailWindow;
  /** A sweep that waits for evidence; null when there is none. */
  held: HeldState | null;
}

/** The grant that an account has now. */
export interface AccountGrant {
  /** Increases when a different refresh token is imported. */
  number: number;
  /**
   * Increases with every import, resume and rotation of the refresh token. Access tokens of an
   * earlier version are not used.
   */
  version: number;
  /**
   * Whether it is verified to belong to the Google account of the rows. Otherwise nothing is
   * written.
   */
  verified: boolean;
  /** The identity whose quota its calls use; null until a grant of the account was checked. */
  identityId: string | null;
  /** Whether other accounts have the same identity. */
  shared: boolean;
}

/**
 * The mirrored time range of a mailbox, by internalDate, in milliseconds since the epoch. 0 is the
 * beginning of the mailbox.
 */
export interface MailWindow {
  /** The mirror has the messages from this time on. */
  fromMs: number;
  /**
   * The time to which a full sync or an extension of the window goes back; it has stored a part.
   * Null when neither is in progress.
   */
  goalMs: number | null;
}

/**
 * SQL condition on `collections c`: its first full sync has stored fewer than a thousand items. The
 * newest messages are stored first, so the rest is less urgent. An extension of a window does not
 * count as a first full sync.
 */
export const ONBOARDING =
  "(c.generation <= 1 AND c.phase <> 'incremental' AND c.progress_done < 1000 AND c.window_goal IS NULL)";

export type Phase = 'pending' | 'full' | 'incremental';

export type Claim =
  | { kind: 'claimed'; lease: Lease }
  | { kind: 'busy'; untilMs: number }
  /** The collection or its account must not be synced now. */
  | { kind: 'idle'; why: 'no such collection' | 'collection gone' | 'account not active' };

/**
 * Thrown by every write under a lease that another worker has taken over. The holder stops without
 * writing an outcome.
 */
export class LeaseLost extends OwnError {
  override readonly name = 'LeaseLost';
  constructor(lease: Lease) {
    super(`collection ${lease.collectionId}: the lease of epoch ${lease.epoch} was taken over`);
  }
}

/** SQL for a statement with `accounts a`: its AccountGrant. */
export const GRANT = `json_build_object('number', a.grant_number, 'version', a.token_version, 'verified', coalesce(a.verified_grant = a.grant_number, false), 'identityId', a.identity_id,
  'shared', EXISTS (SELECT 1 FROM syncline.accounts o WHERE o.identity_id = a.identity_id AND o.id <> a.id))`;

/** SQL condition on `collections c`: a full sync is due without a request. */
const WANTS_FULL = RESOURCE_NAMES.flatMap((name) => RESOURCES[name].wantsFull ?? []).join(' OR ');

/** SQL condition on `collections c`: items have a refetch request, or a retry that is due. */
const HAS_REFETCH = `(EXISTS (SELECT 1 FROM syncline.refetch_items w WHERE w.account_id = c.account_id AND w.collection_id = c.id)
                   OR EXISTS (SELECT 1 FROM syncline.quarantined_items q WHERE q.account_id = c.account_id AND q.collection_id = c.id AND q.retry_at <= now())
                   OR EXISTS (SELECT 1 FROM syncline.failing_items f WHERE f.account_id = c.account_id AND f.collection_id = c.id AND f.retry_at <= now()))`;

/** SQL condition on `collections c`: items are in quarantine or failing. */
const HAS_FAILING = `(EXISTS (SELECT 1 FROM syncline.quarantined_items q WHERE q.account_id = c.account_id AND q.collection_id = c.id)
                   OR EXISTS (SELECT 1 FROM syncline.failing_items f WHERE f.account_id = c.account_id AND f.collection_id = c.id))`;

/** SQL: the milliseconds since a time. */
function msSince(time: string): string {
  return `(extract(epoch FROM now() - ${time}) * 1000)::float8`;
}

/** SQL for a statement with `collections c`: its last notification. */
const NOTIFICATION = `json_build_object('agoMs', extract(epoch FROM clock_timestamp() - c.notified_at) * 1000, 'behind', coalesce(c.notified_at > c.caught_up_at, c.notified_at IS NOT NULL))`;

/** SQL for a statement with `collections c`: its MailWindow. */
export const WINDOW = `json_build_object('fromMs', coalesce(round(extract(epoch FROM c.window_from) * 1000), 0), 'goalMs', round(extract(epoch FROM c.window_goal) * 1000))`;

/** SQL for a statement with `collections c`: its HeldState, or null. */
const HELD = `CASE WHEN c.held_since IS NOT NULL THEN json_build_object('sinceMs', round(extract(epoch FROM c.held_since) * 1000), 'rows', coalesce(c.held_rows, 0),
  'discards', c.held_discards, 'waitsFor', c.held_for, 'untilMs', coalesce(round(extract(epoch FROM c.held_until) * 1000), 0)) END`;

/**
 * SQL: counts a crash when the run before the claim had no outcome, and writes nothing otherwise.
 */
const COUNT_CRASH = `INSERT INTO syncline.collection_crashes AS k (collection_id, account_id, crashes) SELECT "collectionId", "accountId", 1 FROM claimed WHERE open_runs > 1
             ON CONFLICT (collection_id) DO UPDATE SET crashes = k.crashes + 1,
                in_flight_crashes = k.in_flight_crashes + (k.in_flight_epoch IS NOT DISTINCT FROM (SELECT epoch - 1 FROM claimed))::int
             RETURNING k.crashes`;

/**
 * Claims the collection when it is free. One statement, because every sync begins with it; the
 * crashes are a row that nearly no collection has.
 */
export async function claimLease(
  pool: pg.Pool,
  collectionId: string,
  holder: string,
  ttlMs: number,
): Promise<Claim> {
  const claimed = await pool.query<Omit<Lease, 'epoch'> & { epoch: string }>({
    name: 'lease-claim',
    text: `WITH claimed AS (
           UPDATE syncline.collections c
              SET lease_epoch = c.lease_epoch + 1, lease_until = now() + $3 * interval '1 ms', lease_holder = $2, run_started_at = now(), open_runs = c.open_runs + 1
             FROM syncline.accounts a
            WHERE c.id = $1 AND a.id = c.account_id AND a.state = 'active' AND c.state = 'active'
              AND (c.lease_until IS NULL OR c.lease_until <= now())
        RETURNING c.id AS "collectionId", c.account_id AS "accountId", c.tenant, a.email, a.project, ${GRANT} AS grant, c.lease_epoch AS epoch, c.open_runs,
                  c.kind, c.external_id AS "externalId", c.cursor, c.phase, c.generation, (c.full_sync_requested OR ${WANTS_FULL}) AS "fullSyncRequested", c.repair_requested AS "repairRequested", c.failures,
                  CASE WHEN c.full_syncs_since > now() - interval '24 hours' THEN c.full_syncs_today ELSE 0 END AS "fullSyncsToday", c.endless_listings AS "endlessListings",
                  ${msSince('greatest(c.audited_at, c.full_sync_started_at)')} AS "auditAgeMs", ${msSince('c.audit_sliced_at')} AS "auditPausedMs",
                  ${HAS_REFETCH} AS "hasRefetch", ${HAS_FAILING} AS "hasFailingItems", ${ONBOARDING} AS onboarding, ${NOTIFICATION} AS notification, ${LEASE_WATCH} AS watch,
                  c.run_started_at AS "runStartedAt", c.last_change_at AS "lastChangeAt", c.last_synced_at AS "lastSyncedAt", c.full_sync_started_at AS "fullSyncStartedAt",
                  ${WINDOW} AS window, ${HELD} AS held),
           crashed AS (${COUNT_CRASH})
           SELECT claimed.*, coalesce((SELECT crashes FROM crashed), k.crashes, 0) AS crashes
             FROM claimed LEFT JOIN syncline.collection_crashes k ON k.collection_id = claimed."collectionId"`,
    values: [collectionId, holder, ttlMs],
  });
  const row = claimed.rows[0];
  if (!row) return whyNot(pool, collectionId);
  return { kind: 'claimed', lease: { ...row, epoch: BigInt(row.epoch) } };
}

/**
 * Renews the lease. After the end of the run it renews nothing.
 * @throws LeaseLost
 */
export async function renewLease(pool: pg.Pool, lease: Lease, ttlMs: number): Promise<void> {
  const renewed = await pool.query({
    name: 'lease-renew',
    text: `UPDATE syncline.collections SET lease_until = now() + $3 * interval '1 ms' WHERE id = $1 AND lease_epoch = $2 AND open_runs > 0`,
    values: [lease.collectionId, String(lease.epoch), ttlMs],
  });
  if (renewed.rowCount !== 1) throw new LeaseLost(lease);
}

/** Returns the project and the grant for calls to Google; null when there is no such account. */
export async function callerOf(
  pool: pg.Pool,
  accountId: string,
): Promise<{ project: string; grant: AccountGrant } | null> {
  const { rows } = await pool.query<{ project: string; grant: AccountGrant }>(
    `SELECT a.project, ${GRANT} AS grant FROM syncline.accounts a WHERE a.id = $1`,
    [accountId],
  );
  return rows[0] ?? null;
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
