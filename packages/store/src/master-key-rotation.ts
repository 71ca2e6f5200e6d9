/**
 * Seals every stored value with the current master key. Its progress is in the rows themselves, so
 * a rotation that was killed continues when it is run again. It runs concurrently with syncs: a
 * value is replaced only while it is the ciphertext that was read, which is unique by its IV.
 */
import { OperatorError } from '@syncline/runtime';
import type pg from 'pg';
import type { KeyRing } from './key-ring.js';
import {
  CURRENT_KEY,
  retireLostCommand,
  holdersWithout,
  IN_USE,
  IS_SEALING_RETIRED,
  isRetired,
  keysInUse,
  noteSealingKey,
  replaced,
  sealingKey,
  type KeyInUse,
  type MasterKeyHolder,
} from './master-keys.js';
import { inTransaction, type Queryable } from './transaction.js';

/** Start of the next batch. */
interface ResealCursor {
  keyId: string;
  afterAccountId: string;
}

interface ResealedBatch {
  resealed: number;
  /**
   * Values that do not open although this process has their key. Their accounts need a new import.
   */
  unreadable: number;
  /** Null when no value under an old key follows this batch. */
  next: ResealCursor | null;
}

export interface MasterKeyRotation {
  /**
   * Returns the live processes that prevent the rotation: they lack the new key, or seal with
   * another one.
   */
  blockingProcesses(): Promise<(MasterKeyHolder & { lacksKey: boolean })[]>;
  /**
   * Makes the current key of this process that of the deployment, and marks its other keys as being
   * replaced.
   * @throws OperatorError, without a change, when an earlier rotation has replaced the current key,
   * when values are under a key that is missing here, and when an old key has sealed nothing
   */
  begin(): Promise<void>;
  /** Returns null when the process has no old key. */
  start(): ResealCursor | null;
  reseal(cursor: ResealCursor, limit: number): Promise<ResealedBatch>;
  /**
   * Counts refresh tokens. `old`: under a replaced key of this process, or under a key in use that
   * it lacks. `lost`: under keys that were retired or are unknown.
   */
  remaining(): Promise<{ old: number; lost: number }>;
  /**
   * Makes at most `limit` watches due whose channels were created under another key. Workers renew
   * them, or end those of paused accounts.
   * @returns the number of these watches
   */
  makeChannelsDue(limit: number): Promise<number>;
  /**
   * Returns accounts by id, with their Google projects.
   * @param afterAccountId null starts with the first account
   */
  accountsAfter(
    afterAccountId: string | null,
    limit: number,
  ): Promise<{ accountId: string; project: string }[]>;
  /**
   * Seals an access token that the fleet shares with the current key. Returns it unchanged when it
   * already is, and null when it does not open here.
   */
  resealAccessToken(accountId: string, sealed: string): string | null;
  /** Counts channels of synced collections that still carry a token of another key. */
  channelsLeft(): Promise<number>;
  /**
   * Retires the old keys: no process may seal with them from now on. A key is kept while channels
   * of synced collections are under it, or values other than those that `reseal` found unreadable.
   * @returns the ids of the kept keys
   * @throws OperatorError when another rotation has replaced the current key meanwhile
   */
  end(): Promise<string[]>;
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

export function masterKeyRotationIn(pool: pg.Pool, ring: KeyRing): MasterKeyRotation {
  const old = ring.keyIds.filter((keyId) => keyId !== ring.keyId);
  /** Unreadable values under each old key, in the last pass over its values. */
  const unreadable = new Map<string, number>();
  const startOf = (at: number): ResealCursor | null => {
    const keyId = old[at];
    return keyId === undefined ? null : { keyId, afterAccountId: FIRST_ID };
  };
  return {
    blockingProcesses: () => holdersWithout(pool, ring.keyId),
    begin: () => begin(pool, ring, old),
    start: () => startOf(0),
    reseal: async (cursor, limit) => {
      const isFirst = cursor.afterAccountId === FIRST_ID;
      const delegations = isFirst ? await resealDelegations(pool, ring, cursor.keyId) : 0;
      const { last, ...batch } = await resealBatch(pool, ring, cursor, limit);
      const counts = { ...batch, resealed: batch.resealed + delegations };
      const before = isFirst ? 0 : (unreadable.get(cursor.keyId) ?? 0);
      unreadable.set(cursor.keyId, before + counts.unreadable);
      const next = last === null ? startOf(old.indexOf(cursor.keyId) + 1) : null;
      return {
        ...counts,
        next: last === null ? next : { keyId: cursor.keyId, afterAccountId: last },
      };
    },
    remaining: () => remaining(pool, ring.keyId, old),
    makeChannelsDue: (limit) => makeChannelsDue(pool, ring.keyId, limit),
    channelsLeft: () => channelsLeft(pool, ring.keyId),
    accountsAfter: async (afterAccountId, limit) =>
      (
        await pool.query<{ accountId: string; project: string }>(
          'SELECT id AS "accountId", project FROM syncline.accounts WHERE id > $1 ORDER BY id LIMIT $2',
          [afterAccountId ?? FIRST_ID, limit],
        )
      ).rows,
    resealAccessToken: (accountId, sealed) => resealAccessToken(ring, accountId, sealed),
    end: () => end(pool, ring.keyId, old, unreadable),
  };
}

/** A former key that is the new one again gets a new date. */
async function begin(pool: pg.Pool, ring: KeyRing, old: readonly string[]): Promise<void> {
  const { keyId } = ring;
  if (await isRetired(pool, keyId)) throw new OperatorError(replaced(keyId));
  const refusal = refusalOf(ring, await keysInUse(pool), await unusedKeys(pool, keyId, old));
  if (refusal !== null) throw new OperatorError(refusal);
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

/**
 * Returns the reason why a rotation with these keys would lose one of them, or null.
 * @param unused keys of the ring that have sealed nothing here
 */
function refusalOf(
  ring: KeyRing,
  inUse: readonly KeyInUse[],
  unused: readonly string[],
): string | null {
  const [exchanged] = unused;
  if (exchanged !== undefined)
    return `SYNCLINE_MASTER_KEY_OLD (id ${exchanged}) has sealed nothing here: are SYNCLINE_MASTER_KEY and SYNCLINE_MASTER_KEY_OLD exchanged? Nothing was changed.`;
  const withValues = inUse.filter(({ hasValues }) => hasValues);
  const missing = withValues.find(({ keyId }) => !ring.keyIds.includes(keyId));
  // No process can have all keys of values under three keys. In this case the values of the old key
  // are resealed, and the others remain.
  if (missing === undefined || withValues.length > KEYS_OF_A_PROCESS) return null;
  const why = missing.isRetiring
    ? 'a rotation from it has not ended'
    : 'no rotation has replaced it';
  return (
    `Values are under the master key with the id ${missing.keyId}, which is missing here: ${why}. ` +
    'Set it as SYNCLINE_MASTER_KEY_OLD, with the key after it as SYNCLINE_MASTER_KEY, restart every process and run this command. Then begin the next rotation. Nothing was changed.\n' +
    `If that key is lost: ${retireLostCommand(missing.keyId)}`
  );
}

/** Keys of one process: SYNCLINE_MASTER_KEY and SYNCLINE_MASTER_KEY_OLD. */
const KEYS_OF_A_PROCESS = 2;

/**
 * Returns the old keys that have sealed nothing here: no value and no channel is under them, and no
 * process used them before `keyId`. A process that started later with one of them and was stopped
 * has sealed nothing with it.
 */
async function unusedKeys(
  pool: Queryable,
  keyId: string,
  old: readonly string[],
): Promise<string[]> {
  const { rows } = await pool.query<{ keyId: string }>(
    `SELECT o.key_id AS "keyId" FROM unnest($1::text[]) AS o(key_id)
      WHERE NOT EXISTS (
              SELECT 1 FROM syncline.master_keys m WHERE m.key_id = o.key_id AND (m.is_retiring OR m.retired_at IS NOT NULL
                  OR m.current_since <= coalesce((SELECT k.current_since FROM syncline.master_keys k WHERE k.key_id = $2), 'infinity')))
        AND NOT EXISTS (SELECT 1 FROM syncline.credentials c WHERE c.key_id = o.key_id)
        AND NOT EXISTS (SELECT 1 FROM syncline.delegations d WHERE d.key_id = o.key_id)
        AND NOT EXISTS (SELECT 1 FROM syncline.channels h WHERE h.key_id = o.key_id)`,
    [old, keyId],
  );
  return rows.map((row) => row.keyId);
}

/**
 * The locks wait for transactions that seal with these keys, so that a later count includes their
 * values.
 */
async function end(
  pool: pg.Pool,
  keyId: string,
  old: readonly string[],
  unreadable: ReadonlyMap<string, number>,
): Promise<string[]> {
  return inTransaction(pool, async (session) => {
    await session.query(
      'SELECT 1 FROM syncline.master_keys WHERE key_id = $1 OR key_id = ANY($2) OR is_retiring ORDER BY key_id FOR UPDATE',
      [keyId, old],
    );
    if (await isRetired(session, keyId)) throw new OperatorError(replaced(keyId));
    await session.query(
      `UPDATE syncline.master_keys m SET is_retiring = false, retired_at = now()
        WHERE m.key_id <> $1 AND (m.key_id = ANY($2) OR m.is_retiring)
          AND (SELECT count(*) FROM syncline.credentials c WHERE c.key_id = m.key_id)
           <= coalesce((SELECT u.n FROM unnest($3::text[], $4::int[]) AS u(key_id, n) WHERE u.key_id = m.key_id), 0)
          AND NOT EXISTS (SELECT 1 FROM syncline.delegations d WHERE d.key_id = m.key_id)
          AND NOT EXISTS (SELECT 1 ${CHANNELS} AND ${IS_SYNCED} AND h.key_id = m.key_id)`,
      [keyId, old, [...unreadable.keys()], [...unreadable.values()]],
    );
    const { rows } = await session.query<{ keyId: string }>(
      'SELECT key_id AS "keyId" FROM syncline.master_keys WHERE key_id <> $1 AND is_retiring ORDER BY key_id',
      [keyId],
    );
    return rows.map((row) => row.keyId);
  });
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

interface DelegationRow {
  id: string;
  tenant: string;
  sealed: Buffer;
}

/** There are few, so they need no batches. One that does not open keeps its key from being retired. */
async function resealDelegations(pool: pg.Pool, ring: KeyRing, keyId: string): Promise<number> {
  const { rows } = await pool.query<DelegationRow>(
    'SELECT id, tenant, sealed FROM syncline.delegations WHERE key_id = $1 ORDER BY id',
    [keyId],
  );
  let resealed = 0;
  for (const { id, tenant, sealed } of rows) {
    const owner = { tenant, accountId: id };
    const opened = ring.open('service-account-key', owner, sealed);
    if (opened.kind !== 'opened') continue;
    const stored = await pool.query(
      `WITH ${sealingKey('$4')}
       UPDATE syncline.delegations SET sealed = $3, key_id = $4 WHERE id = $1 AND sealed = $2 AND NOT ${IS_SEALING_RETIRED}`,
      [id, sealed, ring.seal('service-account-key', owner, opened.text), ring.keyId],
    );
    resealed += stored.rowCount ?? 0;
  }
  return resealed;
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
    `WITH ${sealingKey('$4')}
     UPDATE syncline.credentials c SET sealed = n.after, key_id = $4
       FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n(account_id, before, after)
      WHERE c.account_id = n.account_id AND c.sealed = n.before AND NOT ${IS_SEALING_RETIRED}`,
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
  pool: Queryable,
  keyId: string,
  old: readonly string[],
): Promise<{ old: number; lost: number }> {
  const { rows } = await pool.query<{ old: string | null; lost: string | null }>(
    `SELECT sum(n) FILTER (WHERE is_old) AS old, sum(n) FILTER (WHERE NOT is_old) AS lost FROM (
       SELECT k.n, k.key_id = ANY($2) OR ${IN_USE} AS is_old
         FROM (SELECT key_id, count(*) AS n FROM syncline.credentials WHERE key_id < $1 OR key_id > $1 GROUP BY key_id
               UNION ALL SELECT key_id, count(*) FROM syncline.delegations WHERE key_id <> $1 GROUP BY key_id) AS k
     ) AS counted`,
    [keyId, old],
  );
  return { old: Number(rows[0]?.old ?? 0), lost: Number(rows[0]?.lost ?? 0) };
}

/**
 * SQL: live channels. Channels of accounts whose grant Google refuses cannot be ended, and expire
 * within a week.
 */
const CHANNELS = `
  FROM syncline.channels h JOIN syncline.watches w ON w.collection_id = h.collection_id
  JOIN syncline.collections c ON c.id = h.collection_id JOIN syncline.accounts a ON a.id = h.account_id
 WHERE NOT h.superseded AND h.expires_at > now() AND w.state = 'on' AND a.verified_grant = a.grant_number`;
/** SQL: live channels whose token was created with another key. */
const CHANNELS_LEFT = `${CHANNELS} AND (h.key_id < $1 OR h.key_id > $1 OR h.key_id IS NULL)`;
const IS_SYNCED = "c.state = 'active' AND a.state = 'active'";

/**
 * Includes channels of paused accounts, which are ended. A watch step in progress may set a later
 * date again, so this is repeated for dates more than 2 minutes ahead. Failed watches keep their
 * backoff.
 */
async function makeChannelsDue(pool: pg.Pool, keyId: string, limit: number): Promise<number> {
  const brought = await pool.query(
    `UPDATE syncline.watches SET due_at = now() WHERE collection_id IN (
       SELECT DISTINCT w.collection_id ${CHANNELS_LEFT} AND a.state IN ('active', 'paused') AND w.failures = 0 AND w.due_at > now() + interval '2 minutes' LIMIT $2)`,
    [keyId, limit],
  );
  return brought.rowCount ?? 0;
}

async function channelsLeft(pool: pg.Pool, keyId: string): Promise<number> {
  const { rows } = await pool.query<{ left: string }>(
    `SELECT count(DISTINCT h.collection_id) AS left ${CHANNELS_LEFT} AND ${IS_SYNCED}`,
    [keyId],
  );
  return Number(rows[0]?.left ?? 0);
}
