import type pg from 'pg';
import type { Resource } from './mirrors/resources.js';
import { cleanReason } from './clean-text.js';
import { lockCollections, scheduleAccount } from './collections.js';
import type { Lease } from './lease.js';
import { UNPARKED } from './promised.js';
import type { AccountReasonCode } from './reason-codes.js';
import { inTransaction, type Transaction } from './transaction.js';

/*
 * Accounts whose grant Google refuses, or whose organisation forbids every resource. They wait for
 * a person. Some causes pass by themselves (an account suspended by an administrator, a policy), so
 * Google is asked again at long intervals. The account's row is the schedule (`probe_at`).
 */

export interface Refused {
  /** A description for people. */
  reason: string;
  code: Extract<AccountReasonCode, 'grant-refused' | 'credential-unreadable'>;
  /** Delay before Google is asked again whether the cause has passed; null means never. */
  probeInMs: number | null;
}

/** An account to probe. */
interface DueProbe {
  accountId: string;
  project: string;
  state: 'reauth_required' | 'disabled';
  resources: Resource[];
  /** Version of the probed grant. The result is valid for this version only. */
  version: number;
  probes: number;
  refusedForMs: number;
}

export interface Probes {
  /**
   * Claims accounts to probe. Each is due again after `visibilityMs` unless its result is recorded
   * before.
   */
  claimDue(o: { limit: number; visibilityMs: number }): Promise<DueProbe[]>;
  /** Records that the cause has passed: the account continues from its cursors. */
  passed(probe: DueProbe): Promise<boolean>;
  /** Records that the cause has not passed. `nextInMs` null: Google is not asked again. */
  postpone(probe: DueProbe, nextInMs: number | null): Promise<void>;
}

export function probesIn(pool: pg.Pool): Probes {
  return {
    claimDue: (o) => claimDue(pool, o),
    passed: (probe) => passed(pool, probe),
    postpone: (probe, nextInMs) => postpone(pool, probe, nextInMs),
  };
}

/**
 * Records that Google refuses the grant: the account waits for a person, its rows and cursors stay,
 * and there are no further calls. The update is fenced by the lease's epoch and the grant's
 * version, so a refusal of an earlier grant has no effect.
 * @returns false when the lease is lost, or the account has another grant meanwhile and the
 * collection is due again
 */
export async function requireReauth(
  pool: pg.Pool,
  lease: Lease,
  { reason, code, probeInMs }: Refused,
): Promise<boolean> {
  return inTransaction(pool, async (session) => {
    const locked = await session.query<{ id: string; lease_epoch: string }>(
      'SELECT id, lease_epoch FROM syncline.collections WHERE account_id = $1 ORDER BY id FOR UPDATE',
      [lease.accountId],
    );
    if (
      !locked.rows.some(
        (row) => row.id === lease.collectionId && row.lease_epoch === String(lease.epoch),
      )
    )
      return false;
    const stopped = await session.query(
      `UPDATE syncline.accounts SET state = 'reauth_required', reason = $2, reason_code = $3, refused_since = now(), probes = 0, probe_at = now() + $4 * interval '1 ms', updated_at = now()
        WHERE id = $1 AND state = 'active' AND token_version = $5`,
      [lease.accountId, cleanReason(reason), code, probeInMs, lease.grant.version],
    );
    const isStopped = stopped.rowCount === 1;
    await session.query(
      `UPDATE syncline.collections SET lease_until = NULL, open_runs = 0, error = $2, reason_code = $4, next_sync_at = now() + $3 * interval '1 ms' WHERE id = $1`,
      [
        lease.collectionId,
        isStopped ? cleanReason(reason) : null,
        isStopped ? 0 : OVERTAKEN_DELAY_MS,
        isStopped ? code : null,
      ],
    );
    if (!isStopped) return false;
    await scheduleAccount(session, lease.accountId, false);
    // The watches ended with the grant, and Google cannot be asked to end them.
    await session.query(
      `UPDATE syncline.watches SET state = 'off', epoch = epoch + 1 WHERE account_id = $1`,
      [lease.accountId],
    );
    return true;
  });
}

/** Long enough for a refusal of the earlier grant to leave the quota windows that it has closed. */
const OVERTAKEN_DELAY_MS = 1_000;

async function claimDue(
  pool: pg.Pool,
  { limit, visibilityMs }: { limit: number; visibilityMs: number },
): Promise<DueProbe[]> {
  const { rows } = await pool.query<DueProbe>({
    name: 'probes-due',
    text: `UPDATE syncline.accounts a SET probe_at = now() + $2 * interval '1 ms'
             FROM (SELECT id FROM syncline.accounts WHERE probe_at <= now() ORDER BY probe_at LIMIT $1 FOR UPDATE SKIP LOCKED) AS picked
            WHERE a.id = picked.id AND a.state IN ('reauth_required', 'disabled')
        RETURNING a.id AS "accountId", a.project, a.state, a.resources, a.token_version AS version, a.probes,
                  (extract(epoch FROM now() - coalesce(a.refused_since, now())) * 1000)::float8 AS "refusedForMs"`,
    values: [limit, visibilityMs],
  });
  return rows;
}

async function passed(pool: pg.Pool, { accountId, version }: DueProbe): Promise<boolean> {
  return inTransaction(pool, async (session) => {
    await lockCollections(session, accountId);
    const revived = await session.query(
      `UPDATE syncline.accounts SET state = 'active', reason = NULL, reason_code = NULL, ${NO_PROBES}, updated_at = now()
        WHERE id = $1 AND token_version = $2 AND state IN ('reauth_required', 'disabled')`,
      [accountId, version],
    );
    if (revived.rowCount !== 1) return false;
    resumeCollections(session, accountId, true);
    return true;
  });
}

async function postpone(
  pool: pg.Pool,
  { accountId, version }: DueProbe,
  nextInMs: number | null,
): Promise<void> {
  await pool.query(
    `UPDATE syncline.accounts SET probes = probes + 1, probe_at = now() + $3 * interval '1 ms'
      WHERE id = $1 AND token_version = $2 AND state IN ('reauth_required', 'disabled')`,
    [accountId, version, nextInMs],
  );
}

/** SQL assignments for an account that is no longer refused. */
export const NO_PROBES = 'refused_since = NULL, probes = 0, probe_at = NULL';

/**
 * Makes the account's parked collections due now. With `everything`, collections that were taken
 * off the schedule are due too, and its watches, which ended with the grant, are requested again.
 */
export function resumeCollections(
  session: Transaction,
  accountId: string,
  everything: boolean,
): void {
  session.send({ name: 'check-again', text: CHECK_AGAIN, values: [accountId, everything] });
  session.send({ name: 'try-project', text: TRY_PROJECT, values: [accountId] });
  if (everything)
    session.send({
      name: 'watch-again',
      text: `UPDATE syncline.watches SET state = 'requested', due_at = now() WHERE account_id = $1`,
      values: [accountId],
    });
}

const CHECK_AGAIN = `
  UPDATE syncline.collections SET next_sync_at = now(), ${UNPARKED}
   WHERE account_id = $1 AND state = 'active' AND ($2 OR parked IS NOT NULL)`;

/**
 * Also retries the failures of the account's project now, because the account may wait for one of
 * them.
 */
const TRY_PROJECT = `
  UPDATE syncline.project_failures SET probe_at = least(probe_at, now()) WHERE project = (SELECT project FROM syncline.accounts WHERE id = $1)`;
