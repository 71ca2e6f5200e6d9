/**
 * Delegations: service accounts that act for the users of Workspace domains. Their private keys are
 * sealed like refresh tokens, and bound to tenant and delegation.
 */
import { randomUUID } from 'node:crypto';
import { comparableAddress, OperatorError } from '@syncline/runtime';
import type pg from 'pg';
import { lockCollections } from './collections.js';
import type { KeyRing } from './key-ring.js';
import { IS_SEALING_RETIRED, replaced, sealingKey } from './master-keys.js';
import { DEFAULT_RESOURCES, scopesOf, type Resource } from './mirrors/resources.js';
import { NO_PROBES, resumeCollections } from './refusals.js';
import { inTransaction, type Queryable } from './transaction.js';
import type { DelegatedGrant } from './vault.js';

export interface DelegationOrder {
  tenant: string;
  name: string;
  /** Null: an existing delegation keeps its own, a new one gets `default`. */
  project: string | null;
  /** In lower case; empty: an existing delegation keeps its own. */
  domains: readonly string[];
  /** What a service account's key file names. */
  key: { email: string; clientId: string; keyId: string; privateKey: string };
}

export interface DelegationView {
  tenant: string;
  name: string;
  project: string;
  domains: string[];
  clientId: string;
  privateKeyId: string;
  updatedAt: Date;
  /** Number of accounts that use it. */
  accounts: number;
}

/** An account as an import names it. */
export interface DelegatedAccount {
  tenant: string;
  delegation: string;
  email: string;
  resources?: readonly Resource[] | undefined;
}

export interface Delegations {
  /**
   * Creates a delegation, or replaces its key. Accounts that Google refuses are tried again at once.
   * @throws OperatorError for a new delegation without domains, and when the master key was retired
   */
  set(order: DelegationOrder): Promise<{ created: boolean; resumed: number }>;
  /** Returns all, by tenant and name. */
  list(): Promise<DelegationView[]>;
  /**
   * Makes the accounts that Google refuses due again.
   * @returns their number
   */
  resume(tenant: string, name: string): Promise<number>;
  /** Returns what the accounts that use it mirror. */
  resourcesOf(tenant: string, name: string): Promise<Resource[]>;
  /** Returns the number of accounts that still use it: then nothing was removed. */
  remove(tenant: string, name: string): Promise<'removed' | 'unknown' | { accounts: number }>;
  /**
   * Returns the grant of an account that is not imported yet.
   * @throws OperatorError when the tenant has no such delegation, when it is not for the address,
   * and when its key does not open here
   */
  grantFor(account: DelegatedAccount): Promise<{ grant: DelegatedGrant; project: string }>;
}

export function delegationsIn(pool: pg.Pool, ring: KeyRing): Delegations {
  return {
    set: (order) => set(pool, ring, order),
    list: () => list(pool),
    resume: (tenant, name) => resume(pool, tenant, name),
    resourcesOf: (tenant, name) => resourcesOf(pool, tenant, name),
    remove: (tenant, name) => remove(pool, tenant, name),
    grantFor: (account) => grantFor(pool, ring, account),
  };
}

async function set(
  pool: pg.Pool,
  ring: KeyRing,
  { tenant, name, project, domains, key }: DelegationOrder,
): Promise<{ created: boolean; resumed: number }> {
  const known = await pool.query<{ id: string }>(
    'SELECT id FROM syncline.delegations WHERE tenant = $1 AND name = $2',
    [tenant, name],
  );
  const id = known.rows[0]?.id ?? randomUUID();
  const created = known.rows.length === 0;
  if (created && domains.length === 0)
    throw new OperatorError(
      `There is no delegation "${name}" of the tenant "${tenant}" yet: name its domains (--domain example.com).`,
    );
  const { rows } = await pool.query<{ retired: boolean }>(
    `WITH ${sealingKey('$9')},
     kept AS (
       INSERT INTO syncline.delegations AS d (id, tenant, name, project, domains, client_email, client_id, private_key_id, sealed, key_id)
       SELECT $1, $2, $3, coalesce($4, 'default'), $5, $6, $7, $8, $10, $9 WHERE NOT ${IS_SEALING_RETIRED}
       ON CONFLICT (id) DO UPDATE SET project = coalesce($4, d.project), domains = CASE WHEN cardinality(excluded.domains) > 0 THEN excluded.domains ELSE d.domains END,
         client_email = excluded.client_email, client_id = excluded.client_id, private_key_id = excluded.private_key_id,
         sealed = excluded.sealed, key_id = excluded.key_id, updated_at = now()
     )
     SELECT ${IS_SEALING_RETIRED} AS retired`,
    [
      id,
      tenant,
      name,
      project,
      domains,
      key.email,
      key.clientId,
      key.keyId,
      ring.keyId,
      ring.seal('service-account-key', { tenant, accountId: id }, key.privateKey),
    ],
  );
  if (rows[0]?.retired) throw new OperatorError(replaced(ring.keyId));
  await pool.query(
    'UPDATE syncline.accounts a SET token_version = token_version + 1, project = d.project FROM syncline.delegations d WHERE d.id = $1 AND a.delegation_id = d.id',
    [id],
  );
  return { created, resumed: await resume(pool, tenant, name) };
}

async function list(pool: Queryable): Promise<DelegationView[]> {
  const { rows } = await pool.query<DelegationView>(
    `SELECT tenant, name, project, domains, client_id AS "clientId", private_key_id AS "privateKeyId", updated_at AS "updatedAt",
            (SELECT count(*)::int FROM syncline.accounts a WHERE a.delegation_id = d.id) AS accounts
       FROM syncline.delegations d ORDER BY tenant, name`,
  );
  return rows;
}

/** Each account is revived in a transaction of its own, so that no long one holds their rows. */
async function resume(pool: pg.Pool, tenant: string, name: string): Promise<number> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT a.id FROM syncline.accounts a JOIN syncline.delegations d ON d.id = a.delegation_id
      WHERE d.tenant = $1 AND d.name = $2 AND a.state = 'reauth_required' AND a.reason_code = 'grant-refused'`,
    [tenant, name],
  );
  for (const { id } of rows)
    await inTransaction(pool, async (session) => {
      await lockCollections(session, id);
      const revived = await session.query(
        `UPDATE syncline.accounts SET state = 'active', reason = NULL, reason_code = NULL, token_version = token_version + 1, ${NO_PROBES}, updated_at = now()
          WHERE id = $1 AND state = 'reauth_required' AND reason_code = 'grant-refused'`,
        [id],
      );
      if (revived.rowCount === 1) resumeCollections(session, id, true);
    });
  return rows.length;
}

async function resourcesOf(pool: Queryable, tenant: string, name: string): Promise<Resource[]> {
  const { rows } = await pool.query<{ resource: Resource }>(
    `SELECT DISTINCT unnest(a.resources) AS resource FROM syncline.accounts a JOIN syncline.delegations d ON d.id = a.delegation_id
      WHERE d.tenant = $1 AND d.name = $2`,
    [tenant, name],
  );
  return rows.map(({ resource }) => resource);
}

async function remove(
  pool: pg.Pool,
  tenant: string,
  name: string,
): Promise<'removed' | 'unknown' | { accounts: number }> {
  return inTransaction(pool, async (session) => {
    const found = await session.query<{ id: string }>(
      'SELECT id FROM syncline.delegations WHERE tenant = $1 AND name = $2 FOR UPDATE',
      [tenant, name],
    );
    const id = found.rows[0]?.id;
    if (id === undefined) return 'unknown';
    const { rows } = await session.query<{ accounts: number }>(
      'SELECT count(*)::int AS accounts FROM syncline.accounts WHERE delegation_id = $1',
      [id],
    );
    const accounts = rows[0]?.accounts ?? 0;
    if (accounts > 0) return { accounts };
    await session.query('DELETE FROM syncline.delegations WHERE id = $1', [id]);
    return 'removed';
  });
}

interface KeyRow {
  id: string;
  project: string;
  domains: string[];
  clientEmail: string;
  clientId: string;
  privateKeyId: string;
  sealed: Buffer;
}

async function grantFor(
  pool: Queryable,
  ring: KeyRing,
  { tenant, delegation, email, resources = DEFAULT_RESOURCES }: DelegatedAccount,
): Promise<{ grant: DelegatedGrant; project: string }> {
  const row = await delegationFor(pool, { tenant, delegation, email });
  const opened = ring.open('service-account-key', { tenant, accountId: row.id }, row.sealed);
  if (opened.kind !== 'opened')
    throw new OperatorError(
      `the key of the delegation "${delegation}" does not open with the master key of this process; set the master key that sealed it, or set the key again: syncline delegations set`,
    );
  const key = { email: row.clientEmail, keyId: row.privateKeyId, privateKey: opened.text };
  return {
    grant: {
      kind: 'delegated',
      key,
      clientId: row.clientId,
      subject: email,
      sub: null,
      scopes: scopesOf(resources),
      version: 0,
    },
    project: row.project,
  };
}

/**
 * Returns the delegation of an account, locked against its removal while a transaction lasts.
 * @throws OperatorError when the tenant has none of this name, or when it is not for the address
 */
export async function delegationFor(
  session: Queryable,
  { tenant, delegation, email }: Pick<DelegatedAccount, 'tenant' | 'delegation' | 'email'>,
): Promise<KeyRow> {
  const { rows } = await session.query<KeyRow>(
    `SELECT id, project, domains, client_email AS "clientEmail", client_id AS "clientId", private_key_id AS "privateKeyId", sealed
       FROM syncline.delegations WHERE tenant = $1 AND name = $2 FOR KEY SHARE`,
    [tenant, delegation],
  );
  const [row] = rows;
  if (row === undefined)
    throw new OperatorError(
      `delegation is not one of its tenant; set it first: syncline delegations set NAME FILE`,
    );
  const address = comparableAddress(email);
  if (!row.domains.includes(address.slice(address.lastIndexOf('@') + 1)))
    throw new OperatorError(
      `email is not of a domain of its delegation, which is for ${row.domains.join(', ')}`,
    );
  return row;
}
