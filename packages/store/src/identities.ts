/**
 * Google identities. An account is bound to an identity when a grant of the account has been
 * checked. Within a Google project, all accounts of one Google account share the identity, across
 * tenants. The identity determines the quota windows in which calls are counted, and the accounts
 * whose grant a revocation ends. It does not determine whether a new grant belongs to an account:
 * that check compares `accounts.google_sub`, which only the account's own grants set.
 */
import { comparableAddress } from '@syncline/runtime';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { renameAccount } from './rename-account.js';
import { isStorableAddress, isStorableId } from './storable.js';
import { inTransaction, type Queryable, type Transaction } from './transaction.js';

/** Google's information about the owner of a grant. */
export interface GoogleKeys {
  /**
   * Google's id of the account, which is never assigned to another account; null when the grant
   * does not contain it.
   */
  sub: string | null;
  /** The primary address in Google's spelling; null when the grant does not contain it. */
  address: string | null;
}

export type Bound =
  | {
      kind: 'bound';
      identityId: string;
      /**
       * Identities that turned out to be this one and were merged into it. Their usage counts here.
       */
      merged: string[];
      /** The former address when the account's address was updated to Google's. */
      renamedFrom: string | null;
    }
  /** The tenant has another account with the new address of this account. Nothing was written. */
  | { kind: 'address-taken' }
  /** Another grant was imported meanwhile, or the account is being removed. Nothing was written. */
  | { kind: 'grant-replaced' };

export interface Identities {
  /**
   * Binds an account to the identity of `keys`, merges identities that turn out to be the same, and
   * marks the grant number `grant` as checked. The account's address is updated to `keys.address`;
   * the former address becomes an alias.
   */
  bind(accountId: string, grant: number, keys: GoogleKeys): Promise<Bound>;
  /**
   * Returns the identity of these keys in a project: by `sub`, otherwise by the address that Google
   * reported last.
   */
  find(project: string, keys: GoogleKeys): Promise<string | null>;
  /**
   * Returns every account with the identity of `accountId`, including itself; only itself while it
   * is unbound.
   */
  accountsSharing(accountId: string): Promise<{ id: string; tenant: string; state: string }[]>;
}

export function identitiesIn(pool: pg.Pool): Identities {
  return {
    bind: (accountId, grant, keys) =>
      inTransaction(pool, (session) => bind(session, accountId, grant, keys)),
    find: (project, keys) => find(pool, project, comparableKeys(keys)),
    accountsSharing: (accountId) => accountsSharing(pool, accountId),
  };
}

/**
 * Removes an identity without accounts. Must be called in the transaction that removed the last
 * account.
 */
export async function dropUnboundIdentity(
  session: Transaction,
  identityId: string | null,
): Promise<void> {
  if (identityId === null) return;
  // The lock waits for a transaction that binds another account to the identity, so that the next
  // statement sees that account.
  await session.query('SELECT id FROM syncline.identities WHERE id = $1 FOR UPDATE', [identityId]);
  await session.query(
    'DELETE FROM syncline.identities WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM syncline.accounts WHERE identity_id = $1)',
    [identityId],
  );
}

interface Candidate {
  id: string;
  subs: string[];
  byOwn: boolean;
  bySub: boolean;
  byAddress: boolean;
}

/**
 * Does the work of `Identities.bind` in the caller's transaction.
 * @param grant null for the account's current grant
 */
export async function bind(
  session: Transaction,
  accountId: string,
  grant: number | null,
  reported: GoogleKeys,
): Promise<Bound> {
  const keys = comparableKeys(reported);
  const account = await lockAccount(session, accountId);
  if (!account || account.state === 'removing') return { kind: 'grant-replaced' };
  if (grant !== null && account.grantNumber !== grant) return { kind: 'grant-replaced' };
  const renamed = await renameAccount(session, account, storableKeys(reported).address);
  if (renamed.kind === 'address-taken') return renamed;
  await lockKeys(session, account.project, keys);
  const candidates = await candidatesFor(session, account, keys);
  const { target, merged } = chooseIdentity(candidates, keys.sub);
  const identityId = target ?? randomUUID();
  if (target === null)
    await session.query('INSERT INTO syncline.identities (id, project) VALUES ($1, $2)', [
      identityId,
      account.project,
    ]);
  await join(session, identityId, merged);
  await writeKeys(session, account.project, identityId, keys);
  await session.query(
    'UPDATE syncline.accounts SET identity_id = $2, google_sub = coalesce($3, google_sub), verified_grant = $4, updated_at = now() WHERE id = $1',
    [accountId, identityId, keys.sub, account.grantNumber],
  );
  // Watches are maintained now if they were created under another grant, or could not be requested
  // before this check.
  if (account.verifiedGrant !== account.grantNumber)
    await session.query(
      'UPDATE syncline.watches SET due_at = least(due_at, now()) WHERE account_id = $1',
      [accountId],
    );
  if (account.identityId !== identityId) await dropUnboundIdentity(session, account.identityId);
  return { kind: 'bound', identityId, merged, renamedFrom: renamed.from };
}

/**
 * Selects the matching identity and the identities that turn out to be the same. Pure. Identities
 * with different subs are never the same: an address of both was reassigned to another person.
 */
function chooseIdentity(
  candidates: readonly Candidate[],
  sub: string | null,
): { target: string | null; merged: string[] } {
  const possible = candidates.filter(
    ({ subs }) => sub === null || subs.length === 0 || subs.includes(sub),
  );
  const target =
    possible.find(({ bySub }) => bySub) ??
    possible.find(({ byOwn }) => byOwn) ??
    possible.find(({ byAddress }) => byAddress);
  if (!target) return { target: null, merged: [] };
  const same = possible.filter(
    ({ id, subs }) => id !== target.id && subs.every((one) => target.subs.includes(one)),
  );
  return { target: target.id, merged: same.map(({ id }) => id) };
}

interface BoundAccount {
  id: string;
  tenant: string;
  email: string;
  state: string;
  project: string;
  identityId: string | null;
  grantNumber: number;
  verifiedGrant: number | null;
}

/** Returns the keys as they are stored and compared. */
export function comparableKeys(reported: GoogleKeys): GoogleKeys {
  const { sub, address } = storableKeys(reported);
  return { sub, address: address === null ? null : comparableAddress(address) };
}

/** Keys that cannot be stored count as missing, because a cleaned key would be a different key. */
function storableKeys({ sub, address }: GoogleKeys): GoogleKeys {
  return {
    sub: sub !== null && isStorableId(sub) ? sub : null,
    address: address !== null && isStorableAddress(address) ? address : null,
  };
}

async function lockAccount(
  session: Transaction,
  accountId: string,
): Promise<BoundAccount | undefined> {
  const { rows } = await session.query<BoundAccount>(
    `SELECT id, tenant, email, state, project, identity_id AS "identityId", grant_number AS "grantNumber", verified_grant AS "verifiedGrant" FROM syncline.accounts WHERE id = $1 FOR NO KEY UPDATE`,
    [accountId],
  );
  return rows[0];
}

/** Serialises the binding of two accounts to one identity. */
async function lockKeys(session: Transaction, project: string, keys: GoogleKeys): Promise<void> {
  const names = [
    keys.sub === null ? null : `sub ${project} ${keys.sub}`,
    keys.address === null ? null : `address ${project} ${keys.address}`,
  ];
  for (const name of names)
    if (name !== null)
      await session.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);
}

/** A key lock on each row prevents its deletion before the account refers to it. */
async function candidatesFor(
  session: Transaction,
  { project, identityId }: BoundAccount,
  { sub, address }: GoogleKeys,
): Promise<Candidate[]> {
  const { rows } = await session.query<Candidate>(
    `SELECT i.id, ARRAY(SELECT value FROM syncline.identity_keys WHERE identity_id = i.id AND kind = 'sub') AS subs, coalesce(i.id = $4, false) AS "byOwn",
            EXISTS (SELECT 1 FROM syncline.identity_keys WHERE identity_id = i.id AND kind = 'sub' AND value = $2) AS "bySub",
            EXISTS (SELECT 1 FROM syncline.identity_keys WHERE identity_id = i.id AND kind = 'address' AND value = $3) AS "byAddress"
       FROM syncline.identities i
      WHERE i.project = $1 AND (i.id = $4 OR i.id IN (SELECT identity_id FROM syncline.identity_keys WHERE project = $1 AND ((kind = 'sub' AND value = $2) OR (kind = 'address' AND value = $3))))
      ORDER BY i.id FOR KEY SHARE OF i`,
    [project, sub, address, identityId],
  );
  return rows;
}

async function join(
  session: Transaction,
  identityId: string,
  merged: readonly string[],
): Promise<void> {
  for (const other of merged) {
    await session.query('UPDATE syncline.accounts SET identity_id = $1 WHERE identity_id = $2', [
      identityId,
      other,
    ]);
    await session.query(
      'UPDATE syncline.identity_keys SET identity_id = $1 WHERE identity_id = $2',
      [identityId, other],
    );
    await session.query('DELETE FROM syncline.identities WHERE id = $1', [other]);
  }
}

/**
 * An identity has one address, the one that Google reported last. An address belongs to the
 * identity for which Google reported it last.
 */
async function writeKeys(
  session: Transaction,
  project: string,
  identityId: string,
  { sub, address }: GoogleKeys,
): Promise<void> {
  const key = `INSERT INTO syncline.identity_keys (project, kind, value, identity_id) VALUES ($1, $2, $3, $4)
               ON CONFLICT (project, kind, value) DO UPDATE SET identity_id = excluded.identity_id`;
  if (sub !== null) await session.query(key, [project, 'sub', sub, identityId]);
  if (address === null) return;
  await session.query(
    `DELETE FROM syncline.identity_keys WHERE identity_id = $1 AND kind = 'address' AND value <> $2`,
    [identityId, address],
  );
  await session.query(key, [project, 'address', address, identityId]);
}

async function find(
  pool: Queryable,
  project: string,
  { sub, address }: GoogleKeys,
): Promise<string | null> {
  const { rows } = await pool.query<{ identity_id: string }>(
    `SELECT k.identity_id FROM syncline.identity_keys k
      WHERE k.project = $1 AND ((k.kind = 'sub' AND k.value = $2)
         OR (k.kind = 'address' AND k.value = $3
             AND ($2::text IS NULL OR NOT EXISTS (SELECT 1 FROM syncline.identity_keys s WHERE s.identity_id = k.identity_id AND s.kind = 'sub'))))
      ORDER BY k.kind = 'sub' DESC LIMIT 1`,
    [project, sub, address],
  );
  return rows[0]?.identity_id ?? null;
}

async function accountsSharing(
  pool: Queryable,
  accountId: string,
): Promise<{ id: string; tenant: string; state: string }[]> {
  const { rows } = await pool.query<{ id: string; tenant: string; state: string }>(
    `SELECT o.id, o.tenant, o.state FROM syncline.accounts a JOIN syncline.accounts o ON o.id = a.id OR o.identity_id = a.identity_id WHERE a.id = $1 ORDER BY o.tenant, o.id`,
    [accountId],
  );
  return rows;
}
