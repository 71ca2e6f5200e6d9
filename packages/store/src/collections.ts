import type pg from 'pg';
import { cleanReason } from './clean-text.js';
import { LeaseLost, type Lease, type Phase } from './lease.js';
import {
  COLLECTION_KINDS,
  isFirst,
  listingKindOf,
  RESOURCES,
  type CollectionKind,
  type Resource,
} from './mirrors/resources.js';
import { arrayLiteral } from './pool.js';
import { noteFailure, type ProjectFailure } from './project-failures.js';
import { addSpent, spentValues, type SpentUnits } from './quota-ledger.js';
import { PROMISED_NOW } from './promised.js';
import type { CollectionReasonCode, ParkCause } from './reason-codes.js';
import { endWatchesOfGone } from './watches.js';
import { inTransaction, type Queryable, type Transaction } from './transaction.js';

/**
 * The result of a run for the schedule. Times are relative, so that only the clock of the database
 * matters.
 */
export interface RunFinish {
  /** `held`: caught up, except for a sweep that waits for evidence. */
  result: 'caught-up' | 'held' | 'more' | 'snoozed' | 'failed';
  nextInMs: number;
  /** Shown to the operator; null clears it. */
  error: string | null;
  /** The same for programs. Default null: nothing hinders it. */
  reasonCode?: CollectionReasonCode | null;
  /** Whether the run lengthens the backoff. Transient errors do; waiting for quota does not. */
  countsAsFailure?: boolean;
  /**
   * Whether the mirror is caught up as of the start of the last full sync, which may be before this
   * run. Default false: as of the start of this run.
   */
  asOfFullSync?: boolean;
  /** Whether to reset the counter of crashed runs; default true. */
  calm?: boolean;
  /**
   * Quota that the run has used. It is written by the same statement, because a separate statement
   * would be a third of the cost of a sync without changes.
   */
  spent?: readonly SpentUnits[];
}

/**
 * SQL: the time as of which a run leaves the mirror caught up, in the statement that finishes the
 * run.
 */
const AS_OF =
  'CASE WHEN $8 THEN least(run_started_at, full_sync_started_at) ELSE run_started_at END';

/** Date of collections that are off the schedule. The due index never reaches it. */
export const NEVER = "timestamptz '9999-01-01'";

/**
 * SQL: what an update of a collection that goes sets, except for its reason. No run is open
 * afterwards: a collection that comes back would count one as a crash.
 */
export const SET_GONE = `state = 'gone', gone_at = now(), reason_code = NULL, promised_at = NULL, lease_until = NULL, open_runs = 0, next_sync_at = ${NEVER}`;

/**
 * Writes the outcome of the run and releases the lease. A request after the start of the run makes
 * the collection due at once, so no request is lost. A collection that is caught up becomes due
 * when one of its items is to be retried.
 * @returns whether the collection was requested again during the run
 * @throws LeaseLost; in that case nothing is written, and the quota usage neither
 */
export async function finish(
  pool: pg.Pool,
  lease: Lease,
  s: RunFinish,
): Promise<{ requestedAgain: boolean }> {
  const finished = await pool.query<{ requestedAgain: boolean }>({
    name: 'collection-finish',
    text: `WITH finished AS (
           UPDATE syncline.collections
              SET lease_until = NULL, open_runs = 0,
                  caught_up_at = CASE WHEN $3 = 'caught-up' THEN ${AS_OF} ELSE caught_up_at END,
                  last_synced_at = CASE WHEN $3 = 'caught-up' THEN now() ELSE last_synced_at END,
                  failures = CASE WHEN $3 = 'failed' OR $6 THEN failures + 1 WHEN $3 IN ('caught-up', 'held') THEN 0 ELSE failures END,
                  error = $5, parked = CASE WHEN $3 = 'caught-up' THEN NULL ELSE parked END,
                  reason_code = CASE WHEN $3 <> 'caught-up' AND parked IS NOT NULL THEN reason_code ELSE $9 END,
                  promised_at = CASE WHEN phase = 'incremental' AND ($3 = 'caught-up' OR ($3 = 'held' AND parked IS NULL)) THEN now() + $4 * interval '1 ms' ELSE promised_at END,
                  endless_listings = CASE WHEN $3 = 'caught-up' THEN 0 ELSE endless_listings END,
                  next_sync_at = CASE WHEN $3 NOT IN ('caught-up', 'held') THEN now() + $4 * interval '1 ms' WHEN requested_at > ${AS_OF} THEN now()
                                      ELSE least(now() + $4 * interval '1 ms', (SELECT min(retry_at) FROM syncline.quarantined_items q WHERE q.account_id = collections.account_id AND q.collection_id = $1)) END
            WHERE id = $1 AND lease_epoch = $2
        RETURNING id, account_id, coalesce(requested_at > ${AS_OF}, false) AS "requestedAgain"),
           calmed AS (UPDATE syncline.collection_crashes SET crashes = 0 WHERE collection_id = (SELECT id FROM finished) AND $7 AND crashes > 0),
           charged AS (${addSpent('SELECT account_id FROM finished', 10)})
           SELECT "requestedAgain" FROM finished`,
    values: [
      lease.collectionId,
      String(lease.epoch),
      s.result,
      Math.max(0, Math.round(s.nextInMs)),
      cleanReason(s.error),
      s.countsAsFailure ?? false,
      s.calm ?? true,
      s.asOfFullSync ?? false,
      s.reasonCode ?? null,
      ...spentValues(s.spent ?? []),
    ],
  });
  const row = finished.rows[0];
  if (!row) throw new LeaseLost(lease);
  return row;
}

/** The reason and the duration of parking. */
export interface Parking {
  cause: ParkCause;
  /** A description for people. */
  reason: string;
  nextInMs: number;
  /**
   * The refused part of the account's project. It is retried once for all collections that wait for
   * it, and when Google accepts it, this collection becomes due.
   */
  waitsFor?: ProjectFailure & { tryInMs: number };
  /** The listing did not end. It is restarted from this cursor, and counted. */
  beginsAgain?: { cursor: unknown; phase: Phase };
}

/**
 * Parks the collection for a cause that only a person can end. Other collections of the account
 * continue. When policy forbids every resource, none is left, and the account itself is disabled.
 * @returns whether it waits for a part of its project that was not known to be refused
 * @throws LeaseLost
 */
export async function park(pool: pg.Pool, lease: Lease, p: Parking): Promise<boolean> {
  return await inTransaction(pool, async (session) => {
    const isNews = p.waitsFor ? await noteFailure(session, p.waitsFor, p.waitsFor.tryInMs) : false;
    await lockCollections(session, lease.accountId);
    const parked = await session.query({
      text: `UPDATE syncline.collections SET parked = $3, reason_code = 'parked-' || $3, promised_at = NULL, error = $4, failures = failures + 1, lease_until = NULL, open_runs = 0, next_sync_at = now() + $5 * interval '1 ms',
                    cursor = coalesce($6::jsonb, cursor), phase = coalesce($7, phase), endless_listings = endless_listings + CASE WHEN $6::jsonb IS NULL THEN 0 ELSE 1 END
              WHERE id = $1 AND lease_epoch = $2`,
      values: [
        lease.collectionId,
        String(lease.epoch),
        p.cause,
        cleanReason(p.reason),
        Math.round(p.nextInMs),
        p.beginsAgain ? JSON.stringify(p.beginsAgain.cursor) : null,
        p.beginsAgain?.phase ?? null,
      ],
    });
    if (parked.rowCount !== 1) throw new LeaseLost(lease);
    if (p.cause !== 'policy') return isNews;
    const disabled = await session.query({
      text: `UPDATE syncline.accounts a SET state = 'disabled', reason = $2, reason_code = 'policy-forbids', refused_since = now(), probes = 0, probe_at = now() + $3 * interval '1 ms', updated_at = now() WHERE id = $1 AND state = 'active'
                AND NOT EXISTS (SELECT 1 FROM syncline.collections c WHERE c.account_id = a.id AND c.kind = ANY($4::text[]) AND c.state = 'active' AND c.parked IS DISTINCT FROM 'policy')`,
      values: [
        lease.accountId,
        `${cleanReason(p.reason)}; ask the administrator, then: syncline accounts resume`,
        Math.round(p.nextInMs),
        arrayLiteral(COLLECTION_KINDS.filter(isFirst), (kind) => kind),
      ],
    });
    if (disabled.rowCount === 1) await scheduleAccount(session, lease.accountId, false);
    return isNews;
  });
}

/**
 * Finishes a collection that Google no longer shows to this account. Its rows stay until the
 * calendar list shows that the calendar has left it. Incremental syncs of the list do not report
 * changes of access, so a full sync of the list is requested at once.
 * @throws LeaseLost
 */
export async function finishGone(pool: pg.Pool, lease: Lease, reason: string): Promise<void> {
  await inTransaction(pool, async (session) => {
    await lockCollections(session, lease.accountId);
    const finished = await session.query({
      text: `UPDATE syncline.collections SET ${SET_GONE}, error = $3
              WHERE id = $1 AND lease_epoch = $2`,
      values: [lease.collectionId, String(lease.epoch), cleanReason(reason)],
    });
    if (finished.rowCount !== 1) throw new LeaseLost(lease);
    if (isFirst(lease.kind)) return;
    await endWatchesOfGone(session, lease.accountId);
    await session.query({
      text: `UPDATE syncline.collections SET full_sync_requested = true, requested_at = clock_timestamp(), next_sync_at = least(next_sync_at, now())
              WHERE account_id = $1 AND kind = $2 AND state = 'active'`,
      values: [lease.accountId, listingKindOf(lease.kind)],
    });
  });
}

/** Requests a full sync of one collection, which repairs what an audit has found. */
export async function requestRepair(pool: pg.Pool, collectionId: string): Promise<void> {
  await pool.query(
    'UPDATE syncline.collections SET requested_at = clock_timestamp(), full_sync_requested = true, repair_requested = true, next_sync_at = least(next_sync_at, now()) WHERE id = $1',
    [collectionId],
  );
}

/**
 * Requests a sync of collections: they are due now, and a run that begins after this call fulfils
 * the request.
 * @param accountIds null means every account
 * @param options `isRepair`: the full sync repairs what a verification found
 * @returns the time of the call by the clock of the database, as text with microseconds
 */
export async function requestSync(
  pool: pg.Pool,
  accountIds: readonly string[] | null,
  options: { resource?: Resource; full?: boolean; isRepair?: boolean } = {},
): Promise<string> {
  const requested = await inTransaction(pool, (session) =>
    session.query<{ at: string }>({
      text: `WITH moment AS MATERIALIZED (SELECT clock_timestamp() AS at),
                chosen AS MATERIALIZED (
                  SELECT id FROM syncline.collections
                   WHERE state = 'active' AND next_sync_at < ${NEVER} AND ($1::uuid[] IS NULL OR account_id = ANY($1::uuid[]))
                     AND ($2::text[] IS NULL OR kind = ANY($2::text[])) ORDER BY id FOR UPDATE),
                requested AS (UPDATE syncline.collections c SET requested_at = moment.at, next_sync_at = least(next_sync_at, now()), full_sync_requested = full_sync_requested OR $3, repair_requested = repair_requested OR $4
                           FROM moment, chosen WHERE c.id = chosen.id)
           SELECT at::text FROM moment`,
      values: [
        accountIds && arrayLiteral(accountIds, (id) => id),
        options.resource
          ? arrayLiteral(RESOURCES[options.resource].collections, (kind) => kind)
          : null,
        options.full ?? false,
        options.isRepair ?? false,
      ],
    }),
  );
  return (requested.rows[0] as { at: string }).at;
}

export interface BehindCollection {
  email: string;
  kind: CollectionKind;
  externalId: string;
  accountState: string;
  reason: string | null;
}

/** Returns the collections that no run begun after `since` has left caught up. */
export async function behindSince(
  pool: pg.Pool,
  accountIds: readonly string[] | null,
  since: string,
): Promise<BehindCollection[]> {
  const behind = await pool.query<BehindCollection>({
    text: `SELECT a.email, c.kind, c.external_id AS "externalId", a.state AS "accountState", coalesce(a.reason, c.error) AS reason
             FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id
            WHERE c.state = 'active' AND ($1::uuid[] IS NULL OR a.id = ANY($1::uuid[])) AND (c.caught_up_at IS NULL OR c.caught_up_at <= $2::timestamptz)
            ORDER BY a.email, c.kind, c.external_id`,
    values: [accountIds && arrayLiteral(accountIds, (id) => id), since],
  });
  return behind.rows;
}

/**
 * Locks the collections of an account until the transaction ends, in the order that every
 * transaction uses: before the account's row.
 */
export async function lockCollections(session: Transaction, accountId: string): Promise<void> {
  await session.query(
    'SELECT id FROM syncline.collections WHERE account_id = $1 ORDER BY id FOR UPDATE',
    [accountId],
  );
}

/**
 * Takes the collections of an account off the schedule when its state stops all calls. When the
 * account becomes active, they are due now.
 */
export async function scheduleAccount(
  session: Queryable,
  accountId: string,
  active: boolean,
): Promise<void> {
  await session.query({
    text: `UPDATE syncline.collections SET next_sync_at = ${active ? 'now()' : NEVER}, promised_at = ${active ? PROMISED_NOW : 'NULL'} WHERE account_id = $1 AND state = 'active'`,
    values: [accountId],
  });
}

/** Whether a date means "never". */
export function isNever(date: Date): boolean {
  return date.getUTCFullYear() >= 9999;
}
