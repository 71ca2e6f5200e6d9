/**
 * Connecting accounts. A customer's tenants come by the hundred thousand in one file, so this goes by prepared statements that travel together: by
 * Prisma's client an account took 6.5 ms of CPU instead of one, the first two hundred 25, and that was a core that followers on the same machine missed.
 */
import { randomUUID } from 'node:crypto';
import { OperatorError } from '@syncline/runtime';
import type pg from 'pg';
import type { AccountImport, AccountState } from './accounts.js';
import { DEFAULT_RESOURCES, RESOURCES, type Resource } from './mirrors/resources.js';
import { bind } from './identities.js';
import { goOn, NO_PROBES } from './refusals.js';
import { replaced } from './master-keys.js';
import { fenceOut } from './removal.js';
import { inTransaction, type Queryable, type Transaction } from './transaction.js';
import type { Vault } from './vault.js';

/**
 * Connects an account, or renews its refresh token: idempotent by (tenant, email without case), an
 * address that the account had before included. An account that was waiting for a new grant becomes
 * active again and goes on from its cursors; nothing of its mirror is touched. Another refresh
 * token is another grant, whose owner is to be checked before it is used. Any import is a request
 * to try again now, with the same refresh token too.
 * @throws OperatorError while the account is being removed, when the import would take a resource
 * away, and when the master key was retired
 */
export async function importAccount(
  pool: pg.Pool,
  vault: Vault,
  account: AccountImport,
): Promise<{ id: string; created: boolean }> {
  const freshId = randomUUID();
  return await inTransaction(pool, async (transaction) => {
    const sealing = transaction.query<{ retired: boolean }>({
      name: 'sealing-key',
      text: SEALING_KEY,
      values: [vault.keyId],
    });
    const inserted = await transaction.query({
      name: 'connect-account',
      text: CONNECT,
      values: [
        freshId,
        account.tenant,
        account.email,
        sorted(account.resources ?? DEFAULT_RESOURCES),
        account.project ?? null,
        account.isAnotherPerson ?? false,
      ],
    });
    if ((await sealing).rows[0]?.retired) throw new OperatorError(replaced(vault.keyId));
    const created = inserted.rowCount === 1;
    const id = created ? freshId : await renewKnown(transaction, vault, account);
    transaction.send({
      name: 'keep-credential',
      text: KEEP_CREDENTIAL,
      values: [
        id,
        vault.sealRefreshToken({ tenant: account.tenant, accountId: id }, account.refreshToken),
        vault.keyId,
      ],
    });
    const resources = account.resources ?? (created ? DEFAULT_RESOURCES : []);
    const collections = resources.map((resource) => RESOURCES[resource].first);
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
    // Of an address that another account of the tenant has, the first check of the account makes a
    // named state.
    if (account.owner) await bind(transaction, id, null, account.owner);
    return { id, created };
  });
}

/** The account that an import of this line would renew. */
export interface OfferedTo {
  accountId: string;
  state: AccountState;
  /** The address is one that it had before. */
  isAlias: boolean;
  /** The refresh token is the one that it has. */
  isKnownGrant: boolean;
}

/** Null when the import would connect a new account. */
export async function accountOffered(
  pool: Queryable,
  vault: Vault,
  { tenant, email, refreshToken }: AccountImport,
): Promise<OfferedTo | null> {
  const { rows } = await pool.query<KnownRow>({
    name: 'offered-account',
    text: KNOWN,
    values: [tenant, email],
  });
  const [row] = rows;
  return row
    ? {
        accountId: row.id,
        state: row.state,
        isAlias: row.is_alias,
        isKnownGrant: isKnownGrant(vault, row, refreshToken),
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
  is_alias: boolean;
}

function isKnownGrant(
  vault: Vault,
  { id, tenant, sealed }: KnownRow,
  refreshToken: string,
): boolean {
  return sealed !== null && vault.isSealed({ tenant, accountId: id }, sealed, refreshToken);
}

/** It cannot be retired until the import is committed. */
const SEALING_KEY =
  'SELECT retired_at IS NOT NULL AS retired FROM syncline.master_keys WHERE key_id = $1 FOR SHARE';

const CONNECT = `
  INSERT INTO syncline.accounts (id, tenant, email, resources, project, feed_epoch)
  SELECT $1::uuid, $2::text, $3::text, $4::text[], coalesce($5, 'default'), (SELECT epoch FROM syncline.feed_state)
   WHERE $6 OR NOT EXISTS (SELECT 1 FROM syncline.account_aliases l JOIN syncline.accounts a ON a.id = l.account_id WHERE l.address = lower($3::text) AND a.tenant = $2::text)
  ON CONFLICT DO NOTHING`;

const KEEP_CREDENTIAL = `
  INSERT INTO syncline.credentials (account_id, sealed, key_id) VALUES ($1, $2, $3)
  ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed, key_id = excluded.key_id, updated_at = now()`;

const FIRST_COLLECTIONS = `
  INSERT INTO syncline.collections (id, account_id, tenant, kind, external_id)
  SELECT c.id, $1, $2, c.kind, c.external_id FROM unnest($3::uuid[], $4::text[], $5::text[]) AS c(id, kind, external_id)
  ON CONFLICT (account_id, kind, external_id) DO NOTHING`;

/** Its row is locked no harder than an update would: pages that are committed meanwhile refer to it. @returns its id */
async function renewKnown(
  transaction: Transaction,
  vault: Vault,
  { tenant, email, resources, project, refreshToken }: AccountImport,
): Promise<string> {
  const { rows } = await transaction.query<KnownRow>({
    name: 'known-account',
    text: `${KNOWN} FOR NO KEY UPDATE OF a`,
    values: [tenant, email],
  });
  const [known] = rows;
  if (known === undefined || known.state === 'removing')
    throw new OperatorError(
      'the account is being removed; import it again when that is done (syncline accounts list)',
    );
  const isNewGrant = !isKnownGrant(vault, known, refreshToken);
  const revived = known.state === 'reauth_required' || known.state === 'disabled';
  refuseToRemove(known, resources);
  transaction.send({
    name: 'renew-account',
    text: RENEW,
    values: [
      known.id,
      sorted([...(known.resources ?? []), ...(resources ?? [])]),
      project ?? null,
      revived,
      isNewGrant,
    ],
  });
  if (revived || known.state === 'active') goOn(transaction, known.id, revived);
  // Runs that began with the grant before would go on with this one, which is not checked yet.
  if (isNewGrant) {
    await fenceOut(transaction, known.id);
    transaction.send({ name: 'begin-anew', text: BEGIN_ANEW, values: [known.id] });
  }
  return known.id;
}

/** An import never takes rows away. */
function refuseToRemove(
  known: { email: string; tenant: string; resources: string[] | null; erasing: string[] | null },
  resources: readonly Resource[] | undefined,
): void {
  const erasing = known.erasing?.find((one) => resources?.some((asked) => asked === one));
  if (erasing !== undefined)
    throw new OperatorError(
      `${erasing} of this account is being erased; import it again when that is done (syncline why ${known.email})`,
    );
  const missing = resources && known.resources?.find((one) => !resources.some((r) => r === one));
  if (missing !== undefined)
    throw new OperatorError(
      `leaves out ${missing}, which is mirrored; an import removes nothing. To stop mirroring it and erase its rows: syncline accounts resources ${known.email} --remove ${missing} --tenant ${known.tenant} --yes`,
    );
}

/** An address before an alias: an alias may be another account's address by now. */
const KNOWN = `
  SELECT a.id, a.state, a.email, a.tenant, a.resources, a.erasing, c.sealed, lower(a.email) <> lower($2) AS is_alias FROM syncline.accounts a LEFT JOIN syncline.credentials c ON c.account_id = a.id
   WHERE a.tenant = $1 AND (lower(a.email) = lower($2) OR EXISTS (SELECT 1 FROM syncline.account_aliases l WHERE l.account_id = a.id AND l.address = lower($2)))
   ORDER BY lower(a.email) = lower($2) DESC LIMIT 1`;

const RENEW = `
  UPDATE syncline.accounts SET resources = $2, project = coalesce($3, project), updated_at = now(),
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
