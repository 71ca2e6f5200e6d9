/** The keys of the HTTP API. Only hashes of them are stored. */
import type pg from 'pg';
import { inTransaction } from './transaction.js';

/** A key without its secret. */
export interface ApiKeyRow {
  id: string;
  name: string;
  /** Null is every tenant. */
  tenant: string | null;
  scopes: string[];
  createdAt: Date;
  /** The key that made it; null: a command. */
  createdBy: string | null;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
  /** The key that has replaced it. */
  successorId: string | null;
}

/** What a request's key is compared with. `isLive`: neither revoked nor expired. */
interface StoredApiKey extends Pick<ApiKeyRow, 'id' | 'tenant' | 'scopes' | 'expiresAt'> {
  hash: Buffer;
  isLive: boolean;
}

/** A key to be stored. */
interface NewApiKey extends Pick<
  ApiKeyRow,
  'id' | 'name' | 'tenant' | 'scopes' | 'createdBy' | 'expiresAt'
> {
  hash: Buffer;
}

/** Selects a page of keys, the newest first. */
interface ApiKeyPage {
  /** Null: every tenant. */
  tenant: string | null;
  after: { createdAtMs: number; id: string } | null;
  limit: number;
}

export interface ApiKeys {
  /** @returns null when the tenant has as many keys as it may */
  create(key: NewApiKey): Promise<ApiKeyRow | null>;
  /** Newest first. */
  list(): Promise<ApiKeyRow[]>;
  page(page: ApiKeyPage): Promise<ApiKeyRow[]>;
  /** Returns a key without its secret. */
  get(id: string): Promise<(ApiKeyRow & { isLive: boolean }) | null>;
  find(id: string): Promise<StoredApiKey | null>;
  /** Records the use of keys, unless a use was recorded within a minute. */
  noteUse(ids: readonly string[]): Promise<void>;
  /** @returns the key; null when there is none. A key that is revoked already stays as it is */
  revoke(id: string): Promise<ApiKeyRow | null>;
  /**
   * Stores the successor of a key, which ends after `overlapMs` at the latest.
   * @returns null when the key is revoked, has expired, or has a successor
   */
  rotate(
    id: string,
    successor: Pick<NewApiKey, 'id' | 'hash' | 'createdBy'>,
    overlapMs: number,
  ): Promise<ApiKeyRow | null>;
}

/** More keys than anybody lists. */
const LIST_LIMIT = 10_000;
/** Keys of a tenant that are live and have no successor; keys of every tenant count as one tenant's. */
const TENANT_LIMIT = 100;

const COLUMNS = `id, name, tenant, scopes, created_at AS "createdAt", created_by AS "createdBy", expires_at AS "expiresAt",
  last_used_at AS "lastUsedAt", revoked_at AS "revokedAt", successor_id AS "successorId"`;
const IS_LIVE = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())';

export function apiKeysIn(pool: pg.Pool): ApiKeys {
  const one = async (text: string, values: unknown[]): Promise<ApiKeyRow | null> =>
    (await pool.query<ApiKeyRow>(text, values)).rows[0] ?? null;
  return {
    create: (key) => create(pool, key),
    list: async () =>
      (
        await pool.query<ApiKeyRow>(
          `SELECT ${COLUMNS} FROM syncline.api_keys ORDER BY created_at DESC, id LIMIT ${LIST_LIMIT}`,
        )
      ).rows,
    page: (page) => pageOf(pool, page),
    get: async (id) =>
      (
        await pool.query<ApiKeyRow & { isLive: boolean }>(
          `SELECT ${COLUMNS}, ${IS_LIVE} AS "isLive" FROM syncline.api_keys WHERE id = $1`,
          [id],
        )
      ).rows[0] ?? null,
    find: async (id) => (await pool.query<StoredApiKey>(findKey(id))).rows[0] ?? null,
    noteUse: async (ids) =>
      void (await pool.query(
        "UPDATE syncline.api_keys SET last_used_at = now() WHERE id = ANY($1::text[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')",
        [ids],
      )),
    revoke: (id) =>
      one(
        `UPDATE syncline.api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING ${COLUMNS}`,
        [id],
      ),
    rotate: (id, successor, overlapMs) =>
      one(ROTATE, [id, successor.id, successor.hash, successor.createdBy, overlapMs]),
  };
}

/** The lock makes the count exact; keys are made rarely. */
function create(pool: pg.Pool, key: NewApiKey): Promise<ApiKeyRow | null> {
  const { id, hash, name, tenant, scopes, createdBy, expiresAt } = key;
  return inTransaction(pool, async (transaction) => {
    await transaction.query("SELECT pg_advisory_xact_lock(hashtext('syncline api keys'))");
    const { rows } = await transaction.query<ApiKeyRow>(
      `INSERT INTO syncline.api_keys (id, hash, name, tenant, scopes, created_by, expires_at)
       SELECT $1, $2, $3, $4::text, $5, $6, $7
        WHERE (SELECT count(*) FROM syncline.api_keys WHERE tenant IS NOT DISTINCT FROM $4::text AND successor_id IS NULL AND ${IS_LIVE}) < ${TENANT_LIMIT}
       RETURNING ${COLUMNS}`,
      [id, hash, name, tenant, scopes, createdBy, expiresAt],
    );
    return rows[0] ?? null;
  });
}

async function pageOf(pool: pg.Pool, { tenant, after, limit }: ApiKeyPage): Promise<ApiKeyRow[]> {
  const { rows } = await pool.query<ApiKeyRow>(
    `SELECT ${COLUMNS} FROM syncline.api_keys
      WHERE ($1::text IS NULL OR tenant = $1)
        AND ($2::float8 IS NULL OR (created_at, id) < ('epoch'::timestamptz + $2 * interval '1 ms', $3::text))
      ORDER BY created_at DESC, id DESC LIMIT $4`,
    [tenant, after?.createdAtMs ?? null, after?.id ?? null, limit],
  );
  return rows;
}

/** One statement, so that a key has one successor. */
const ROTATE = `
  WITH ended AS (
    UPDATE syncline.api_keys SET successor_id = $2, expires_at = least(expires_at, now() + $5::float8 * interval '1 ms')
     WHERE id = $1 AND successor_id IS NULL AND ${IS_LIVE} RETURNING id),
  former AS (SELECT k.name, k.tenant, k.scopes, k.expires_at FROM syncline.api_keys k JOIN ended USING (id))
  INSERT INTO syncline.api_keys (id, hash, name, tenant, scopes, created_by, expires_at)
  SELECT $2, $3, name, tenant, scopes, $4, expires_at FROM former RETURNING ${COLUMNS}`;

function findKey(id: string): pg.QueryConfig {
  return {
    name: 'api-key',
    text: `SELECT id, hash, tenant, scopes, expires_at AS "expiresAt", ${IS_LIVE} AS "isLive"
             FROM syncline.api_keys WHERE id = $1`,
    values: [id],
  };
}
