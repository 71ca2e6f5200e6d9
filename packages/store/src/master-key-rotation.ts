/**
 * Seals every stored value with the current master key. What is left to do stands in the rows themselves, so a rotation that was killed goes
 * on where it was. Beside running syncs: a value is replaced only while it is the very ciphertext that was read, which is unique by its IV.
 */
import type pg from 'pg';
import type { KeyRing } from './key-ring.js';
import {
  CURRENT_KEY,
  holdersWithout,
  noteSealingKey,
  type MasterKeyHolder,
} from './master-keys.js';

/** Where the next batch begins. */
export interface ResealCursor {
  keyId: string;
  afterAccountId: string;
}

export interface ResealedBatch {
  resealed: number;
  /** Values that do not open although their key is here: their accounts need a new import. */
  unreadable: number;
  /** Null: there is no value under an old key behind this batch. */
  next: ResealCursor | null;
}

export interface MasterKeyRotation {
  /** Living processes that stand in the way: without the new key, or sealing with another. */
  hindrances(): Promise<(MasterKeyHolder & { lacksKey: boolean })[]>;
  /**
   * The current key becomes the deployment's; all others that are held here are being replaced.
   * @throws OperatorError when an earlier rotation has replaced the current key
   */
  begin(): Promise<void>;
  /** Null when no old key is held. */
  start(): ResealCursor | null;
  reseal(cursor: ResealCursor, limit: number): Promise<ResealedBatch>;
  /** `old`: under a key that is held here and was replaced. `lost`: under keys that nobody here has. */
  remaining(): Promise<{ old: number; lost: number }>;
  /** Lets channels made under another key be renewed now, `limit` at most, or ended where the account is paused. @returns how many */
  bringChannelsForward(limit: number): Promise<number>;
  /** Accounts by id, with the Google project that each belongs to. @param afterAccountId null begins */
  accountsAfter(
    afterAccountId: string | null,
    limit: number,
  ): Promise<{ accountId: string; project: string }[]>;
  /**
   * An access token that the fleet shares, sealed with the current key: itself when it is already,
   * null when it does not open here.
   */
  resealAccessToken(accountId: string, sealed: string): string | null;
  /** Channels of synced collections that still carry a token of another key. */
  channelsLeft(): Promise<number>;
  /** From now on nothing needs the old keys, and they seal nothing any more. */
  end(): Promise<void>;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

export function masterKeyRotationIn(pool: pg.Pool, ring: KeyRing): MasterKeyRotation {
  const old = ring.keyIds.filter((keyId) => keyId !== ring.keyId);
  const startOf = (at: number): ResealCursor | null => {
    const keyId = old[at];
    return keyId === undefined ? null : { keyId, afterAccountId: FIRST_ID };
  };
  return {
    hindrances: () => holdersWithout(pool, ring.keyId),
    begin: () => begin(pool, ring.keyId, old),
    start: () => startOf(0),
    reseal: async (cursor, limit) => {
      const { last, ...counts } = await resealBatch(pool, ring, cursor, limit);
      const next = last === null ? startOf(old.indexOf(cursor.keyId) + 1) : null;
      return {
        ...counts,
        next: last === null ? next : { keyId: cursor.keyId, afterAccountId: last },
      };
    },
    remaining: () => remaining(pool, ring.keyId, old),
    bringChannelsForward: (limit) => bringChannelsForward(pool, ring.keyId, limit),
    channelsLeft: () => channelsLeft(pool, ring.keyId),
    accountsAfter: async (afterAccountId, limit) =>
      (
        await pool.query<{ accountId: string; project: string }>(
          'SELECT id AS "accountId", project FROM syncline.accounts WHERE id > $1 ORDER BY id LIMIT $2',
          [afterAccountId ?? FIRST_ID, limit],
        )
      ).rows,
    resealAccessToken: (accountId, sealed) => resealAccessToken(ring, accountId, sealed),
    end: async () =>
      void (await pool.query(
        'UPDATE syncline.master_keys SET is_retiring = false, retired_at = now() WHERE key_id <> $1 AND (key_id = ANY($2) OR is_retiring)',
        [ring.keyId, old],
      )),
  };
}

/** A key that sealed before, and is the new one again, begins anew. */
async function begin(pool: pg.Pool, keyId: string, old: readonly string[]): Promise<void> {
  await noteSealingKey(pool, keyId);
  await pool.query(
    `WITH replaced AS (
       INSERT INTO syncline.master_keys (key_id, current_since, is_retiring) SELECT o, '-infinity', true FROM unnest($2::text[]) AS o
       ON CONFLICT (key_id) DO UPDATE SET is_retiring = true
     )
     INSERT INTO syncline.master_keys (key_id, current_since, is_retiring) VALUES ($1, clock_timestamp(), false)
     ON CONFLICT (key_id) DO UPDATE SET is_retiring = false,
       current_since = CASE WHEN master_keys.key_id = ${CURRENT_KEY} THEN master_keys.current_since ELSE excluded.current_since END`,
    [keyId, old],
  );
}

function resealAccessToken(ring: KeyRing, accountId: string, sealed: string): string | null {
  const value = Buffer.from(sealed, 'base64');
  if (ring.sealedBy(value) === ring.keyId) return sealed;
  const owner = { tenant: '', accountId };
  const opened = ring.open('access-token', owner, value);
  return opened.kind === 'opened'
    ? ring.seal('access-token', owner, opened.text).toString('base64')
    : null;
}

interface ValueRow {
  accountId: string;
  tenant: string;
  sealed: Buffer;
}

async function resealBatch(
  pool: pg.Pool,
  ring: KeyRing,
  { keyId, afterAccountId }: ResealCursor,
  limit: number,
): Promise<{ resealed: number; unreadable: number; last: string | null }> {
  const { rows } = await pool.query<ValueRow>(
    `SELECT c.account_id AS "accountId", a.tenant, c.sealed FROM syncline.credentials c JOIN syncline.accounts a ON a.id = c.account_id
      WHERE c.key_id = $1 AND c.account_id > $2 ORDER BY c.account_id LIMIT $3`,
    [keyId, afterAccountId, limit],
  );
  const again = rows.flatMap(({ accountId, tenant, sealed }) => {
    const owner = { tenant, accountId };
    const opened = ring.open('refresh-token', owner, sealed);
    if (opened.kind !== 'opened') return [];
    return [{ accountId, before: sealed, after: ring.seal('refresh-token', owner, opened.text) }];
  });
  const stored = await pool.query(
    `UPDATE syncline.credentials c SET sealed = n.after, key_id = $4
       FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n(account_id, before, after)
      WHERE c.account_id = n.account_id AND c.sealed = n.before`,
    [
      again.map(({ accountId }) => accountId),
      again.map(({ before }) => before),
      again.map(({ after }) => after),
      ring.keyId,
    ],
  );
  return {
    resealed: stored.rowCount ?? 0,
    unreadable: rows.length - again.length,
    last: rows.at(-1)?.accountId ?? null,
  };
}

async function remaining(
  pool: pg.Pool,
  keyId: string,
  old: readonly string[],
): Promise<{ old: number; lost: number }> {
  const { rows } = await pool.query<{ old: string; lost: string }>(
    `SELECT count(*) FILTER (WHERE key_id = ANY($2)) AS old, count(*) FILTER (WHERE key_id <> ALL($2)) AS lost
       FROM syncline.credentials WHERE key_id < $1 OR key_id > $1`,
    [keyId, old],
  );
  return { old: Number(rows[0]?.old ?? 0), lost: Number(rows[0]?.lost ?? 0) };
}

/** Channels that ring under another key. Those of accounts whose grant Google refuses cannot be ended, and expire within a week. */
const CHANNELS_LEFT = `
  FROM syncline.channels h JOIN syncline.watches w ON w.collection_id = h.collection_id
  JOIN syncline.collections c ON c.id = h.collection_id JOIN syncline.accounts a ON a.id = h.account_id
 WHERE (h.key_id < $1 OR h.key_id > $1 OR h.key_id IS NULL) AND NOT h.superseded AND h.expires_at > now()
   AND w.state = 'on' AND a.verified_grant = a.grant_number`;

/**
 * Those of paused accounts too: theirs are ended. A look that is under way may set the date again: what is far off is brought forward again.
 * Failed ones have their own backoff.
 */
async function bringChannelsForward(pool: pg.Pool, keyId: string, limit: number): Promise<number> {
  const brought = await pool.query(
    `UPDATE syncline.watches SET due_at = now() WHERE collection_id IN (
       SELECT DISTINCT w.collection_id ${CHANNELS_LEFT} AND a.state IN ('active', 'paused') AND w.failures = 0 AND w.due_at > now() + interval '2 minutes' LIMIT $2)`,
    [keyId, limit],
  );
  return brought.rowCount ?? 0;
}

async function channelsLeft(pool: pg.Pool, keyId: string): Promise<number> {
  const { rows } = await pool.query<{ left: string }>(
    `SELECT count(DISTINCT h.collection_id) AS left ${CHANNELS_LEFT} AND c.state = 'active' AND a.state = 'active'`,
    [keyId],
  );
  return Number(rows[0]?.left ?? 0);
}
