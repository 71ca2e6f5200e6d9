/**
 * Connecting accounts. A customer may import hundreds of thousands of tenants from one file, so the
 * import uses pipelined prepared statements. Through Prisma's client an account took 6.5 ms of CPU
 * time instead of 1 ms, and the first two hundred 25 ms each. This used a whole core, which
 * incremental syncs on the same machine lacked.
 */
import { randomUUID } from 'node:crypto';
import { comparableAddress, OperatorError } from '@syncline/runtime';
import type pg from 'pg';
import type { AccountImport, AccountState } from './accounts.js';
import { DEFAULT_RESOURCES, RESOURCES, type Resource } from './mirrors/resources.js';
import { delegationFor } from './delegations.js';
import { bind } from './identities.js';
import { resumeCollections, NO_PROBES } from './refusals.js';
import { replaced } from './master-keys.js';
import { fenceOut } from './removal.js';
import { inTransaction, type Queryable, type Transaction } from './transaction.js';
import type { Vault } from './vault.js';

/** An account that is being removed cannot be imported until that is done. */
export class AccountBeingRemoved extends OperatorError {
  override readonly name = 'AccountBeingRemoved';
}

/** A resource that is being erased cannot be imported until that is done. */
export class ResourceBeingErased extends OperatorError {
  override readonly name = 'ResourceBeingErased';
}

/**
 * Connects an account, or renews its refresh token. The call is idempotent by tenant and email
 * (case-insensitive), including the account's former addresses. An account that waits for a new
 * grant becomes active again and continues from its cursors; its mirror is not changed. A different
 * refresh token is a new grant, whose owner is checked before it is used. Every import also
 * requests a retry now, even with the same refresh token.
 * @throws AccountBeingRemoved, ResourceBeingErased
 * @throws OperatorError when its delegation is unknown or not for its address, when the import would remove a resource, and when the master key was retired
 */
export function importAccount(
  pool: pg.Pool,
  vault: Vault,
  account: AccountImport,
): Promise<{ id: string; created: boolean }> {
  return inTransaction(pool, (transaction) => importWithin(transaction, vault, account));
}

/**
 * Does the work of `importAccount` in the caller's transaction.
 * @throws OperatorError as `importAccount`
 */
export async function importWithin(
  transaction: Transaction,
  vault: Vault,
  account: AccountImport,
): Promise<{ id: string; created: boolean }> {
  const freshId = randomUUID();
  const delegation = await delegationOf(transaction, account);
  const sealing = transaction.query<{ retired: boolean }>({
    name: 'sealing-key',
    text: SEALING_KEY,
    values: [vault.keyId],
  });
  const project = delegation?.project ?? account.project ?? null;
  const created = await connectNew(transaction, freshId, account, { delegation, project });
  if ((await sealing).rows[0]?.retired) throw new OperatorError(replaced(vault.keyId));
  const id = created
    ? freshId
    : await renewKnown(transaction, vault, account, { delegation, project });
  keepCredential(transaction, vault, { ...account, id });
  const resources = account.resources ?? (created ? DEFAULT_RESOURCES : []);
  const collections = resources.flatMap((resource) => RESOURCES[resource].first);
  transaction.send({
    name: 'first-collections',
    text: FIRST_COLLECTIONS,
    values: [
      id,
      account.tenant,
      collections.map(() => randomUUID()),
      collections.map(({ kind }) => kind),
      collections.map(({ externalId }) => externalId),
    ],
  });
  // When another account of the tenant has this address, the first check of the account sets a
  // named state.
  if (account.owner) await bind(transaction, id, null, account.owner);
  return { id, created };
}

/** What an import's delegation decides. */
interface ByDelegation {
  delegation: { id: string } | null;
  /** The delegation's project, or else the one that the import names. */
  project: string | null;
}

/** @returns false when an account of that address exists, or is known by it */
async function connectNew(
  transaction: Transaction,
  id: string,
  { tenant, email, resources, isAnotherPerson = false }: AccountImport,
  { delegation, project }: ByDelegation,
): Promise<boolean> {
  const inserted = await transaction.query({
    name: 'connect-account',
    text: CONNECT,
    values: [
      id,
      tenant,
      email,
      sorted(resources ?? DEFAULT_RESOURCES),
      project,
      isAnotherPerson,
      comparableAddress(email),
      delegation?.id ?? null,
    ],
  });
  return inserted.rowCount === 1;
}

async function delegationOf(
  transaction: Transaction,
  { tenant, email, delegation }: AccountImport,
): Promise<{ id: string; project: string } | null> {
  return delegation === undefined
    ? null
    : delegationFor(transaction, { tenant, email, delegation });
}

/** An account has a refresh token or a delegation, never both. */
function keepCredential(
  transaction: Transaction,
  vault: Vault,
  { id, tenant, refreshToken }: AccountImport & { id: string },
): void {
  if (refreshToken === null)
    transaction.send({ name: 'drop-credential', text: DROP_CREDENTIAL, values: [id] });
  else
    transaction.send({
      name: 'keep-credential',
      text: KEEP_CREDENTIAL,
      values: [id, vault.sealRefreshToken({ tenant, accountId: id }, refreshToken), vault.keyId],
    });
}

/** The account that an import of this line would renew. */
export interface OfferedTo {
  accountId: string;
  state: AccountState;
  /** Whether the address is a former address of the account. */
  isAlias: boolean;
  /** Whether the refresh token is the account's current one. */
  isKnownGrant: boolean;
}

/** Returns null when the import would connect a new account. */
export async function accountOffered(
  pool: Queryable,
  vault: Vault,
  account: AccountImport,
): Promise<OfferedTo | null> {
  const { rows } = await pool.query<KnownRow>({
    name: 'offered-account',
    text: KNOWN,
    values: [account.tenant, comparableAddress(account.email)],
  });
  const [row] = rows;
  return row
    ? {
        accountId: row.id,
        state: row.state,
        isAlias: row.is_alias,
        isKnownGrant: isKnownGrant(vault, row, account),
      }
    : null;
}

interface KnownRow {
  id: string;
  state: AccountState;
  email: string;
  tenant: string;
  resources: string[] | null;
  erasing: string[] | null;
  sealed: Buffer | null;
  /** The name of its delegation. */
  delegation: string | null;
  is_alias: boolean;
}

function isKnownGrant(
  vault: Vault,
  { id, tenant, sealed, delegation: known }: KnownRow,
  { refreshToken, delegation }: AccountImport,
): boolean {
  if (refreshToken === null) return known === delegation;
  return (
    known === null &&
    sealed !== null &&
    vault.isSealed({ tenant, accountId: id }, sealed, refreshToken)
  );
}

/** The lock prevents that the key is retired before the import is committed. */
const SEALING_KEY =
  'SELECT retired_at IS NOT NULL AS retired FROM syncline.master_keys WHERE key_id = $1 FOR SHARE';

const CONNECT = `
  INSERT INTO syncline.accounts (id, tenant, email, address, resources, project, delegation_id, feed_epoch)
  SELECT $1::uuid, $2::text, $3::text, $7::text, $4::text[], coalesce($5, 'default'), $8::uuid, (SELECT epoch FROM syncline.feed_state)
   WHERE $6 OR NOT EXISTS (SELECT 1 FROM syncline.account_aliases l JOIN syncline.accounts a ON a.id = l.account_id WHERE l.address = $7::text AND a.tenant = $2::text)
  ON CONFLICT DO NOTHING`;

const KEEP_CREDENTIAL = `
  INSERT INTO syncline.credentials (account_id, sealed, key_id) VALUES ($1, $2, $3)
  ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed, key_id = excluded.key_id, updated_at = now()`;

const DROP_CREDENTIAL = 'DELETE FROM syncline.credentials WHERE account_id = $1';

const FIRST_COLLECTIONS = `
  INSERT INTO syncline.collections (id, account_id, tenant, kind, external_id)
  SELECT c.id, $1, $2, c.kind, c.external_id FROM unnest($3::uuid[], $4::text[], $5::text[]) AS c(id, kind, external_id)
  ON CONFLICT (account_id, kind, external_id) DO NOTHING`;

/**
 * Locks the account's row no more strongly than an update does, because concurrently committed
 * pages refer to it.
 * @returns the account's id
 */
async function renewKnown(
  transaction: Transaction,
  vault: Vault,
  account: AccountImport,
  { delegation, project }: ByDelegation,
): Promise<string> {
  const { tenant, email, resources } = account;
  const { rows } = await transaction.query<KnownRow>({
    name: 'known-account',
    text: `${KNOWN} FOR NO KEY UPDATE OF a`,
    values: [tenant, comparableAddress(email)],
  });
  const [known] = rows;
  if (known === undefined || known.state === 'removing')
    throw new AccountBeingRemoved(
      'the account is being removed; import it again when that is done (syncline accounts list)',
    );
  const isNewGrant = !isKnownGrant(vault, known, account);
  const revived = known.state === 'reauth_required' || known.state === 'disabled';
  refuseToRemove(known, resources);
  transaction.send({
    name: 'renew-account',
    text: RENEW,
    values: [
      known.id,
      sorted([...(known.resources ?? []), ...(resources ?? [])]),
      project,
      revived,
      isNewGrant,
      delegation?.id ?? null,
    ],
  });
  if (revived || known.state === 'active') resumeCollections(transaction, known.id, revived);
  // Fences out runs that began with the former grant. They would otherwise continue with this one,
  // which is not checked yet.
  if (isNewGrant) {
    await fenceOut(transaction, known.id);
    transaction.send({ name: 'begin-anew', text: BEGIN_ANEW, values: [known.id] });
  }
  return known.id;
}

/** An import never removes rows. */
function refuseToRemove(
  known: { email: string; tenant: string; resources: string[] | null; erasing: string[] | null },
  resources: readonly Resource[] | undefined,
): void {
  const erasing = known.erasing?.find((one) => resources?.some((asked) => asked === one));
  if (erasing !== undefined)
    throw new ResourceBeingErased(
      `${erasing} of this account is being erased; import it again when that is done (syncline why ${known.email})`,
    );
  const missing = resources && known.resources?.find((one) => !resources.some((r) => r === one));
  if (missing !== undefined)
    throw new OperatorError(
      `leaves out ${missing}, which is mirrored; an import removes nothing. To stop mirroring it and erase its rows: syncline accounts resources ${known.email} --remove ${missing} --tenant ${known.tenant} --yes`,
    );
}

/**
 * An address takes precedence over an alias, because an alias may be another account's address now.
 */
const KNOWN = `
  SELECT a.id, a.state, a.email, a.tenant, a.resources, a.erasing, c.sealed, d.name AS delegation, a.address <> $2 AS is_alias
    FROM syncline.accounts a LEFT JOIN syncline.credentials c ON c.account_id = a.id LEFT JOIN syncline.delegations d ON d.id = a.delegation_id
   WHERE a.tenant = $1 AND (a.address = $2 OR EXISTS (SELECT 1 FROM syncline.account_aliases l WHERE l.account_id = a.id AND l.address = $2))
   ORDER BY a.address = $2 DESC LIMIT 1`;

const RENEW = `
  UPDATE syncline.accounts SET resources = $2, project = coalesce($3, project), delegation_id = $6, updated_at = now(),
         token_version = token_version + 1, ${NO_PROBES},
         grant_number = CASE WHEN $5 THEN grant_number + 1 ELSE grant_number END,
         state = CASE WHEN $4 THEN 'active' ELSE state END, reason = CASE WHEN $4 THEN NULL ELSE reason END, reason_code = CASE WHEN $4 THEN NULL ELSE reason_code END
   WHERE id = $1`;

const BEGIN_ANEW = `
  UPDATE syncline.collections c SET lease_until = NULL, next_sync_at = CASE WHEN c.state = 'active' AND a.state = 'active' THEN now() ELSE c.next_sync_at END
    FROM syncline.accounts a WHERE c.account_id = $1 AND a.id = $1`;

function sorted(resources: readonly string[]): string[] {
  return [...new Set(resources)].sort();
}
