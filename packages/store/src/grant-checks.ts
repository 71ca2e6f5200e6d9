/**
 * Data for checking the owner of a grant, and the states of accounts whose grant is not verified.
 * Every write is fenced by the number of the grant, because a result for one grant says nothing
 * about the next one.
 */
import type pg from 'pg';
import {
  HAS_MESSAGES,
  KNOWN_PEOPLE,
  PRIMARY_ADDRESS,
  sampleDates,
  type StoredMessageDate,
} from './mirrors/index.js';
import { RESOURCE_NAMES, RESOURCES, type Resource } from './mirrors/resources.js';
import { cleanReason } from './clean-text.js';
import { lockCollections, scheduleAccount } from './collections.js';
import { UNPARKED } from './promised.js';
import type { AccountReasonCode } from './reason-codes.js';
import { inTransaction, type Queryable, type Transaction } from './transaction.js';

/** The stored information about the Google account that an account's rows belong to. */
export interface KnownIdentity {
  accountId: string;
  tenant: string;
  email: string;
  aliases: string[];
  /** Name of the Google project. */
  project: string;
  resources: Resource[];
  /** Google's id from an earlier grant of this account. */
  googleSub: string | null;
  grant: number;
  /** Version of the grant for access tokens. A token of an earlier version is not used. */
  version: number;
  /** Whether the rows were read with this grant. */
  verified: boolean;
  /** Whether a person has confirmed that the grant belongs to the same mailbox. */
  vouched: boolean;
  /**
   * Whether the account has rows that not every Google account has. A new grant must be shown to
   * belong to the same Google account.
   */
  hasRows: boolean;
  hasMessages: boolean;
  /** The primary calendar's id, which is the account's own address; null without one. */
  primaryAddress: string | null;
  /** Resource names of some stored contacts, other contacts and groups. */
  people: string[];
}

export interface Held {
  state: 'reauth_required' | 'disabled';
  code: AccountReasonCode;
  /** A description for people. */
  reason: string;
  /**
   * Delay before Google is asked again whether the cause has passed. When omitted, only a person
   * ends the state.
   */
  probeInMs?: number | null;
}

export interface GrantChecks {
  /** Returns null when the account no longer exists. */
  known(accountId: string): Promise<KnownIdentity | null>;
  /**
   * Returns up to `limit` stored messages of all ages with their internalDate. Needs that many
   * index scans.
   */
  sample(accountId: string, limit: number): Promise<StoredMessageDate[]>;
  /**
   * Takes the lock for checking stored messages at Google, for at most `ttlMs`. Without it, all
   * collections of an account would check at the same time.
   * @returns false when the lock is taken
   */
  begin(accountId: string, ttlMs: number): Promise<boolean>;
  /** Releases the lock. */
  end(accountId: string): Promise<void>;
  /**
   * Makes the account wait for a person. Its rows stay, and there are no further writes and calls.
   * @returns false when the account has another grant meanwhile, or is not active
   */
  hold(accountId: string, grant: number, held: Held): Promise<boolean>;
  /**
   * Records why a waiting account continues to wait: a grant that was offered to it belongs to
   * another Google account. The state of its current grant does not change: `accounts resume` and
   * probes still try that grant.
   * @returns false when the account does not wait for a grant
   */
  note(accountId: string, held: Held): Promise<boolean>;
  /**
   * Records that a person confirms that the account's grant belongs to the same mailbox.
   * @returns false when the account does not wait for this confirmation
   */
  vouch(accountId: string): Promise<boolean>;
}

export function grantChecksIn(pool: pg.Pool): GrantChecks {
  return {
    known: (accountId) => known(pool, accountId),
    sample: (accountId, limit) => sampleDates(pool, accountId, limit),
    begin: (accountId, ttlMs) => begin(pool, accountId, ttlMs),
    end: async (accountId) =>
      void (await pool.query('UPDATE syncline.accounts SET checking_until = NULL WHERE id = $1', [
        accountId,
      ])),
    hold: (accountId, grant, held) =>
      inTransaction(pool, (session) => hold(session, accountId, grant, held)),
    note: (accountId, held) => note(pool, accountId, held),
    vouch: (accountId) => inTransaction(pool, (session) => vouch(session, accountId)),
  };
}

const HAS_OWN_ROWS = `(${RESOURCE_NAMES.map((name) => RESOURCES[name].hasOwnRows).join(' OR ')})`;

async function known(pool: Queryable, accountId: string): Promise<KnownIdentity | null> {
  const { rows } = await pool.query<KnownIdentity>(
    `SELECT a.id AS "accountId", a.tenant, a.email, a.project, a.resources, a.google_sub AS "googleSub", a.grant_number AS grant, a.token_version AS version,
            ARRAY(SELECT address FROM syncline.account_aliases WHERE account_id = a.id ORDER BY 1) AS aliases,
            coalesce(a.verified_grant = a.grant_number, false) AS verified, coalesce(a.vouched_grant = a.grant_number, false) AS vouched,
            ${HAS_OWN_ROWS} AS "hasRows", ${HAS_MESSAGES} AS "hasMessages", ${PRIMARY_ADDRESS} AS "primaryAddress", ${KNOWN_PEOPLE} AS people
       FROM syncline.accounts a WHERE a.id = $1`,
    [accountId],
  );
  return rows[0] ?? null;
}

async function begin(pool: Queryable, accountId: string, ttlMs: number): Promise<boolean> {
  const begun = await pool.query(
    `UPDATE syncline.accounts SET checking_until = now() + $2 * interval '1 ms' WHERE id = $1 AND (checking_until IS NULL OR checking_until <= now())`,
    [accountId, ttlMs],
  );
  return begun.rowCount === 1;
}

async function hold(
  session: Transaction,
  accountId: string,
  grant: number,
  { state, code, reason, probeInMs = null }: Held,
): Promise<boolean> {
  await lockCollections(session, accountId);
  const held = await session.query(
    `UPDATE syncline.accounts SET state = $3, reason_code = $4, reason = $5, verified_grant = CASE WHEN $4 IN ('grant-refused', 'credential-unreadable') THEN verified_grant END,
            refused_since = CASE WHEN $4 IN ('grant-refused', 'credential-unreadable') THEN now() END, probes = 0, probe_at = now() + $6 * interval '1 ms', updated_at = now() WHERE id = $1 AND grant_number = $2 AND state = 'active'`,
    [accountId, grant, state, code, cleanReason(reason), probeInMs],
  );
  // The account has another grant meanwhile, or is already held. Its runs are not interrupted.
  if (held.rowCount !== 1) return false;
  // Fences out the runs that use this grant.
  await session.query(
    `UPDATE syncline.collections SET lease_epoch = lease_epoch + 1, lease_until = NULL, open_runs = 0, error = $2, reason_code = $3 WHERE account_id = $1`,
    [accountId, cleanReason(reason), code],
  );
  await scheduleAccount(session, accountId, false);
  await session.query(
    `UPDATE syncline.watches SET state = 'off', epoch = epoch + 1, held_until = NULL WHERE account_id = $1`,
    [accountId],
  );
  return true;
}

async function note(pool: Queryable, accountId: string, { code, reason }: Held): Promise<boolean> {
  const noted = await pool.query(
    `UPDATE syncline.accounts SET reason_code = $2, reason = $3, updated_at = now() WHERE id = $1 AND state = 'reauth_required'`,
    [accountId, code, cleanReason(reason)],
  );
  return noted.rowCount === 1;
}

async function vouch(session: Transaction, accountId: string): Promise<boolean> {
  await lockCollections(session, accountId);
  const vouched = await session.query(
    `UPDATE syncline.accounts SET state = 'active', reason = NULL, reason_code = NULL, vouched_grant = grant_number, updated_at = now()
      WHERE id = $1 AND state = 'reauth_required' AND reason_code IN ('identity-unproven', 'identity-refused') AND verified_grant IS DISTINCT FROM grant_number`,
    [accountId],
  );
  if (vouched.rowCount !== 1) return false;
  await session.query(`UPDATE syncline.collections SET ${UNPARKED} WHERE account_id = $1`, [
    accountId,
  ]);
  await scheduleAccount(session, accountId, true);
  await session.query(
    `UPDATE syncline.watches SET state = 'requested', due_at = now() WHERE account_id = $1`,
    [accountId],
  );
  return true;
}
