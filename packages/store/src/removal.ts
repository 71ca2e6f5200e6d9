import type { GoogleKeys } from './identities.js';
import type { Resource } from './mirrors/resources.js';
import { DEFAULT_PROJECT } from '@syncline/runtime';
import type pg from 'pg';
import { ACCOUNT_TABLES } from './account-tables.js';
import { cleanReason } from './clean-text.js';
import { lockCollections, scheduleAccount } from './collections.js';
import { comparableKeys, dropUnboundIdentity } from './identities.js';
import { erasePageText } from './erase-page.js';
import { EPOCH_AFTER_REMOVAL } from './feed-epoch.js';
import { resumeCollections, NO_PROBES } from './refusals.js';
import { inTransaction, type Transaction } from './transaction.js';

/*
 * Pausing, resuming and removing an account.
 *
 * Every operation that stops an account raises the epoch of its collections: a run in progress
 * cannot write any more. It detects this with its next renewal (within two seconds), which also
 * aborts its call to Google. A removal consists of the state `removing` and of steps that can be
 * repeated. Any process that finds the state continues, wherever an earlier process was killed.
 */

/** The steps of an account's removal. Each can be repeated. */
export interface Removal {
  /**
   * Begins the removal. `keepGrant`: no process that completes the removal revokes the grant at
   * Google. `leaveToWorkers`: the caller does not continue it, so `abandoned` has it at once.
   */
  begin(accountId: string, o?: { keepGrant: boolean; leaveToWorkers?: boolean }): Promise<void>;
  /**
   * Returns how the account's grant is used and which other accounts use it.
   * @param owner Google's information about the owner of the grant
   */
  grantUse(accountId: string, owner?: GoogleKeys): Promise<GrantUse>;
  leasesEndInMs(accountId: string): Promise<number>;
  eraseSome(accountId: string): Promise<{ erased: number; done: boolean }>;
  abandoned(idleMs: number, limit: number): Promise<string[]>;
  note(accountId: string, reason: string): Promise<void>;
}

/** The accounts that use a grant. */
interface GrantUse {
  project: string;
  resources: Resource[];
  /** Null while the account is not bound. */
  identityId: string | null;
  /** Whether the grant is verified to belong to that identity. */
  isChecked: boolean;
  keep: boolean;
  /**
   * Tenants of other accounts of the same person and project. At Google their grants and this one
   * are the same grant.
   */
  sharedWith: string[];
  /**
   * Whether other accounts of the project may belong to the same person, as far as the stored data
   * and `owner` show. For a grant that was not checked, only two `sub` values show the opposite. For
   * a checked one the owner's current address does, because an account that was not checked yet is
   * accepted only under that address.
   */
  maySupportOthers: boolean;
  /**
   * Whether Google's information about the owner can show that other accounts need the grant: of
   * some, no `sub` shows that they belong to another person.
   */
  needsOwner: boolean;
}

export function removalIn(pool: pg.Pool): Removal {
  return {
    begin: (accountId, o) => beginRemoval(pool, accountId, o ?? { keepGrant: false }),
    grantUse: (accountId, owner) =>
      grantUse(pool, accountId, comparableKeys(owner ?? { sub: null, address: null })),
    leasesEndInMs: (accountId) => leasesEndInMs(pool, accountId),
    eraseSome: (accountId) => eraseSome(pool, accountId),
    abandoned: (idleMs, limit) => abandonedRemovals(pool, idleMs, limit),
    note: (accountId, reason) => noteRemoval(pool, accountId, reason),
  };
}

/** Maximum number of rows that one statement erases. */
const ERASE_PAGE = 5_000;

/**
 * Stops new work at once.
 * @returns false when the account's state does not allow a pause
 */
export async function pauseAccount(pool: pg.Pool, accountId: string): Promise<boolean> {
  return inTransaction(pool, async (session) => {
    await lockCollections(session, accountId);
    const paused = await session.query(
      `UPDATE syncline.accounts SET state = 'paused', reason = 'paused by the operator', reason_code = NULL, updated_at = now() WHERE id = $1 AND state IN ('active', 'paused', 'disabled')`,
      [accountId],
    );
    if (paused.rowCount !== 1) return false;
    await fenceOut(session, accountId);
    // The leases are released, because their holders can no longer write.
    await session.query(
      'UPDATE syncline.collections SET lease_until = NULL WHERE account_id = $1',
      [accountId],
    );
    await scheduleAccount(session, accountId, false);
    await maintainWatches(session, accountId);
    return true;
  });
}

/**
 * Makes all collections due now, including parked ones. A refused grant is tried once immediately.
 * A decision of a person about the account's identity is still required. `refused_since` shows
 * whether Google refuses the stored grant; `reason_code` may concern a grant that was offered later
 * and not accepted.
 * @returns false when the account's state does not allow it
 */
export async function resumeAccount(pool: pg.Pool, accountId: string): Promise<boolean> {
  return inTransaction(pool, async (session) => {
    await lockCollections(session, accountId);
    const resumed = await session.query(
      `UPDATE syncline.accounts SET state = 'active', reason = NULL, reason_code = NULL, token_version = token_version + 1, ${NO_PROBES}, updated_at = now()
        WHERE id = $1 AND (state IN ('active', 'paused', 'disabled')
           OR (state = 'reauth_required' AND (refused_since IS NOT NULL OR coalesce(reason_code, 'grant-refused') IN ('grant-refused', 'credential-unreadable'))))`,
      [accountId],
    );
    if (resumed.rowCount !== 1) return false;
    resumeCollections(session, accountId, false);
    await scheduleAccount(session, accountId, true);
    await maintainWatches(session, accountId);
    return true;
  });
}

/** Begins the removal. It cannot be undone. */
async function beginRemoval(
  pool: pg.Pool,
  accountId: string,
  { keepGrant, leaveToWorkers = false }: { keepGrant: boolean; leaveToWorkers?: boolean },
): Promise<void> {
  await inTransaction(pool, async (session) => {
    await fenceOut(session, accountId);
    await session.query(
      `UPDATE syncline.accounts SET state = 'removing', reason = 'being removed', reason_code = NULL, keep_grant = keep_grant OR $2, updated_at = CASE WHEN $3 THEN 'epoch' ELSE now() END WHERE id = $1`,
      [accountId, keepGrant, leaveToWorkers],
    );
    await scheduleAccount(session, accountId, false);
    await session.query('UPDATE syncline.watches SET epoch = epoch + 1 WHERE account_id = $1', [
      accountId,
    ]);
  });
}

/**
 * Returns the use of an account's grant. An account that is not bound yet is identified by its
 * address. When several accounts with the same grant are being removed, the one with the greatest
 * id revokes it, so that exactly one does, after the last calls of the others.
 */
async function grantUse(pool: pg.Pool, accountId: string, owner: GoogleKeys): Promise<GrantUse> {
  const other = `o.project = a.project AND o.id <> a.id AND (o.state <> 'removing' OR o.id > a.id)`;
  const anyOther = (condition: string): string =>
    `EXISTS (SELECT 1 FROM syncline.accounts o WHERE ${other} AND ${condition})`;
  const isChecked = `(a.identity_id IS NOT NULL AND coalesce(a.verified_grant = a.grant_number, false))`;
  const { rows } = await pool.query<GrantUse>(
    `SELECT a.project, a.resources, a.identity_id AS "identityId", a.keep_grant AS keep, ${isChecked} AS "isChecked",
            CASE WHEN ${isChecked} THEN $3::text IS NULL AND ${anyOther('o.identity_id IS NULL')} ELSE ${anyOther('(o.google_sub = $2) IS NOT FALSE')} END AS "maySupportOthers",
            ${anyOther('(o.google_sub = a.google_sub) IS NOT FALSE')} AS "needsOwner",
            ARRAY(SELECT o.tenant FROM syncline.accounts o
                   WHERE ${other}
                     AND (o.identity_id = a.identity_id
                       OR ((o.identity_id IS NULL OR a.identity_id IS NULL) AND ${mailboxOf('o.address')} IN (${mailboxOf('a.address')}, ${mailboxOf('$3::text')}))
                       OR o.identity_id IN (SELECT k.identity_id FROM syncline.identity_keys k WHERE k.project = a.project
                                               AND ((k.kind = 'sub' AND k.value = $2) OR (k.kind = 'address' AND k.value = $3))))
                   ORDER BY o.tenant) AS "sharedWith"
       FROM syncline.accounts a WHERE a.id = $1`,
    [accountId, owner.sub, owner.address],
  );
  const [use] = rows;
  return (
    use ?? {
      project: DEFAULT_PROJECT,
      resources: [],
      identityId: null,
      isChecked: true,
      keep: false,
      sharedWith: [],
      maySupportOthers: false,
      needsOwner: false,
    }
  );
}

/**
 * SQL: the form in which two comparable addresses of one mailbox are equal. Gmail ignores dots, and
 * what follows a plus, in addresses of its own domains.
 */
function mailboxOf(address: string): string {
  return `(CASE WHEN split_part(${address}, '@', 2) IN ('gmail.com', 'googlemail.com')
                THEN replace(split_part(split_part(${address}, '@', 1), '+', 1), '.', '') || '@gmail.com' ELSE ${address} END)`;
}

/**
 * Returns the time in milliseconds after which no run and no watch call can be in progress. While
 * the account is being removed, none is started or renewed.
 */
async function leasesEndInMs(pool: pg.Pool, accountId: string): Promise<number> {
  const found = await pool.query<{ ms: string | null }>(
    'SELECT extract(epoch FROM max(greatest(c.lease_until, w.held_until)) - now()) * 1000 AS ms FROM syncline.collections c LEFT JOIN syncline.watches w ON w.collection_id = c.id WHERE c.account_id = $1',
    [accountId],
  );
  return Math.max(0, Math.ceil(Number(found.rows[0]?.ms ?? 0)));
}

/**
 * Tables whose rows are deleted with the account's own: the credential, with which any process can
 * revoke the grant until then, and the place of the feed in the log of all feeds.
 */
const UNTIL_THE_END: readonly string[] = ['credentials', 'feed_heads'];

/** What is left of a removed account: the last event of its feed, in the log of all feeds. */
const ENDING = `
  WITH ending AS (INSERT INTO syncline.account_endings (account, tenant, feed_epoch, last_seq)
                  SELECT id, tenant, feed_epoch, feed_seq + 1 FROM syncline.accounts WHERE id = $1 RETURNING account)
  INSERT INTO syncline.feed_moves (account) SELECT account FROM ending`;

/**
 * Erases some of the account's rows, in bounded statements. The credential and the account are
 * deleted last, together, so that until then any process can revoke the grant and knows what
 * remains to be done.
 * @returns the number of erased rows, and whether the account is gone
 */
async function eraseSome(
  pool: pg.Pool,
  accountId: string,
): Promise<{ erased: number; done: boolean }> {
  for (const table of ACCOUNT_TABLES) {
    if (UNTIL_THE_END.includes(table.name)) continue;
    const erased = await pool.query(erasePageText(table, ERASE_PAGE), [accountId]);
    if (erased.rowCount) {
      await pool.query('UPDATE syncline.accounts SET updated_at = now() WHERE id = $1', [
        accountId,
      ]);
      return { erased: erased.rowCount, done: false };
    }
  }
  return inTransaction(pool, async (session) => {
    // Locked before the account's row, in the same order as the start of a feed epoch.
    await session.query(EPOCH_AFTER_REMOVAL);
    // The lock waits for transactions that write the account's usage. No usage can be written
    // afterwards.
    const locked = await session.query<{ identity_id: string | null }>(
      'SELECT identity_id FROM syncline.accounts WHERE id = $1 FOR UPDATE',
      [accountId],
    );
    let erased = 0;
    for (const { name } of ACCOUNT_TABLES)
      erased +=
        (await session.query(`DELETE FROM syncline.${name} WHERE account_id = $1`, [accountId]))
          .rowCount ?? 0;
    await session.query(ENDING, [accountId]);
    await session.query('DELETE FROM syncline.accounts WHERE id = $1', [accountId]);
    await dropUnboundIdentity(session, locked.rows[0]?.identity_id ?? null);
    return { erased: erased + (locked.rowCount ?? 0), done: true };
  });
}

/** Returns accounts whose removal has made no progress for `idleMs`. */
async function abandonedRemovals(pool: pg.Pool, idleMs: number, limit: number): Promise<string[]> {
  const found = await pool.query<{ id: string }>(
    `SELECT id FROM syncline.accounts WHERE state = 'removing' AND updated_at <= now() - $1 * interval '1 ms' ORDER BY updated_at LIMIT $2`,
    [idleMs, limit],
  );
  return found.rows.map((row) => row.id);
}

/** Stores the reason why a removal does not proceed, for the command `why`. */
async function noteRemoval(pool: pg.Pool, accountId: string, reason: string): Promise<void> {
  await pool.query(
    `UPDATE syncline.accounts SET reason = $2, updated_at = now() WHERE id = $1 AND state = 'removing'`,
    [accountId, cleanReason(reason)],
  );
}

/**
 * Fences out the current holders of the account's watches and makes the watches due. The next
 * holder reads the account's new state, and creates or ends the watch accordingly.
 */
async function maintainWatches(session: Transaction, accountId: string): Promise<void> {
  await session.query(
    'UPDATE syncline.watches SET epoch = epoch + 1, due_at = now() WHERE account_id = $1',
    [accountId],
  );
}

/** Fences out the account's runs in progress. */
export async function fenceOut(session: Transaction, accountId: string): Promise<void> {
  await session.query(
    `UPDATE syncline.collections SET lease_epoch = lease_epoch + 1, open_runs = 0 FROM (SELECT id FROM syncline.collections WHERE account_id = $1 ORDER BY id FOR UPDATE) AS locked WHERE collections.id = locked.id`,
    [accountId],
  );
}
