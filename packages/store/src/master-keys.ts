/**
 * The master keys in use, and the processes that have them. The data is in Postgres, beside the
 * values that the keys sealed, and consists of key ids only. A process announces itself at its
 * start and with every write probe. It counts as live while its row is younger than 30 s.
 */
import { hostname } from 'node:os';
import { OperatorError, type Runtime } from '@syncline/runtime';
import type { KeyRing } from './key-ring.js';
import type { Queryable } from './transaction.js';

/**
 * Six write probes. A process without an announcement for this time has ended or is disconnected.
 */
const LIVING_MS = 30_000;
/** The interval of the write probe. */
const ANNOUNCE_EVERY_MS = 5_000;
/** Service name of a command that seals. */
const COMMAND = 'cli';

export interface MasterKeyHolder {
  service: string;
  host: string;
  pid: number;
}

export interface Keys {
  /**
   * Records this process and its keys in Postgres. Must be awaited before the first work of the
   * process, so that a rotation knows every process that may seal.
   * @throws OperatorError when its key has been replaced
   */
  announce(service: string): Promise<void>;
  /** Repeats the announcement, after the first one. */
  heartbeat(): Promise<void>;
  /**
   * Checks the result of the last announcement, without a query.
   * @throws OperatorError that lists the keys in use that this process lacks, or says that its key
   * has been replaced
   */
  check(): Promise<void>;
  /**
   * Must be called before a value is sealed. A command, which does not announce itself otherwise,
   * announces itself here. A rotation is refused while the command runs. Queries Postgres at most
   * once in 5 s.
   * @throws OperatorError when live processes could not open what this command seals, or its key
   * has been replaced
   */
  beforeSealing(): Promise<void>;
  /** Deletes the announcement at the end of the process. */
  withdraw(): Promise<void>;
}

/**
 * @param session a separate session, so that announcements do not wait for page commits
 * @param id unique to this process
 */
export function masterKeysIn(
  rt: Pick<Runtime, 'clock'>,
  session: Queryable,
  ring: KeyRing,
  id: string,
): Keys {
  let holder: MasterKeyHolder | null = null;
  let announcedAtMs = -Infinity;
  let problem: string | null = null;
  const heartbeat = async (): Promise<void> => {
    if (holder === null) return;
    const nowMs = rt.clock.nowMs();
    await announceHolder(session, ring, id, holder);
    problem = await problemOf(session, ring);
    announcedAtMs = nowMs;
  };
  const announce = async (service: string): Promise<void> => {
    await noteSealingKey(session, ring.keyId);
    holder = { service, host: hostname(), pid: process.pid };
    await session.query(
      "DELETE FROM syncline.process_keys WHERE seen_at < now() - interval '1 day'",
    );
    await heartbeat();
  };
  return {
    announce,
    heartbeat,
    check: async () => {
      if (problem !== null) throw new OperatorError(problem);
    },
    beforeSealing: async () => {
      if (rt.clock.nowMs() - announcedAtMs < ANNOUNCE_EVERY_MS) return;
      if (holder !== null && holder.service !== COMMAND) return heartbeat();
      await refuseWhereUnknown(session, ring.keyId);
      await announce(COMMAND);
    },
    withdraw: async () => {
      if (holder === null) return;
      [holder, announcedAtMs] = [null, -Infinity];
      await session.query('DELETE FROM syncline.process_keys WHERE process = $1', [id]);
    },
  };
}

/**
 * Returns null when this process has all keys in use. Otherwise returns sentences for the operator
 * with key ids, which are not secret.
 */
async function problemOf(session: Queryable, ring: KeyRing): Promise<string | null> {
  if (await isRetired(session, ring.keyId)) return replaced(ring.keyId);
  const missing = (await keysInUse(session)).filter(({ keyId }) => !ring.keyIds.includes(keyId));
  return missing.length === 0 ? null : missing.map(lackOf).join('\n');
}

function lackOf({ keyId, isSealing, isCurrent, isRetiring }: KeyInUse): string {
  const lack = `This process lacks the master key with the id ${keyId}, which is in use: `;
  const ifLost = `If the key is lost: ${retireLostCommand(keyId)}`;
  if (isSealing || isCurrent)
    return (
      `${lack}other processes ${isSealing ? 'seal' : 'sealed'} with it. ` +
      'Set it as SYNCLINE_MASTER_KEY, with the previous key as SYNCLINE_MASTER_KEY_OLD until `syncline keys rotate-master` is done, and restart the process.' +
      (isSealing ? '' : ` ${ifLost}`)
    );
  return (
    `${lack}stored refresh tokens are sealed with it${isRetiring ? ', and a rotation from it has not ended' : ''}. ` +
    `Set it as SYNCLINE_MASTER_KEY_OLD until \`syncline keys rotate-master\` is done, and restart the process. ${ifLost}`
  );
}

/** Returns the command for a lost key. */
export function retireLostCommand(keyId: string): string {
  return `syncline keys retire-lost ${keyId}`;
}

/**
 * @throws OperatorError when a live process lacks this command's key and could not open what the
 * command seals
 */
async function refuseWhereUnknown(session: Queryable, keyId: string): Promise<void> {
  const lacking = (await holdersWithout(session, keyId)).filter(({ lacksKey }) => lacksKey);
  if (lacking.length === 0) return;
  throw new OperatorError(
    `These processes lack the SYNCLINE_MASTER_KEY of this command and could not open the tokens that it seals:\n${lacking.map(holderText).join('\n')}\n` +
      'Set SYNCLINE_MASTER_KEY to the key that these processes have. To change their key, first restart them with the new one as SYNCLINE_MASTER_KEY and the previous one as SYNCLINE_MASTER_KEY_OLD. A killed process no longer counts after 30 s.',
  );
}

/** Returns a description for people. */
export function holderText({ service, host, pid }: MasterKeyHolder): string {
  return `  ${service} on ${host}, pid ${pid}`;
}

/**
 * Records the sealing key. The key with the latest date is the current one. A key that has sealed
 * before keeps its date.
 * @throws OperatorError when a rotation has replaced it
 */
export async function noteSealingKey(session: Queryable, keyId: string): Promise<void> {
  await session.query(
    'INSERT INTO syncline.master_keys (key_id) VALUES ($1) ON CONFLICT (key_id) DO NOTHING',
    [keyId],
  );
  if (await isRetired(session, keyId)) throw new OperatorError(replaced(keyId));
}

export async function isRetired(session: Queryable, keyId: string): Promise<boolean> {
  const { rows } = await session.query(
    'SELECT 1 FROM syncline.master_keys WHERE key_id = $1 AND retired_at IS NOT NULL',
    [keyId],
  );
  return rows.length > 0;
}

export function replaced(keyId: string): string {
  return `SYNCLINE_MASTER_KEY (id ${keyId}) was replaced by \`syncline keys rotate-master\`, or retired by \`syncline keys retire-lost\`, and can no longer seal tokens. Set the key that replaced it, and restart the process.`;
}

/**
 * Returns a CTE for a statement that stores a sealed value: it selects and locks the row of its
 * key, which cannot be retired until the statement is committed. A key that no process has
 * announced has no row.
 */
export function sealingKey(parameter: string): string {
  return `sealing AS (SELECT retired_at FROM syncline.master_keys WHERE key_id = ${parameter} FOR SHARE)`;
}

/** SQL for a statement with `sealingKey`: whether the key was retired. */
export const IS_SEALING_RETIRED = 'EXISTS (SELECT 1 FROM sealing WHERE retired_at IS NOT NULL)';

export const CURRENT_KEY =
  '(SELECT key_id FROM syncline.master_keys WHERE retired_at IS NULL ORDER BY current_since DESC, key_id LIMIT 1)';

/** SQL over a row `p` of process_keys: whether the process counts as live. */
export const LIVING = `p.seen_at > now() - interval '${LIVING_MS} ms'`;

/**
 * SQL for `k.key_id`: whether the key has sealed and was not retired, is being replaced, or belongs
 * to a live process. A key that no live process has may still be in use, because it may be missing
 * in their configuration.
 */
export const IN_USE = `(EXISTS (SELECT 1 FROM syncline.master_keys r WHERE r.key_id = k.key_id AND (r.is_retiring OR r.retired_at IS NULL))
  OR EXISTS (SELECT 1 FROM syncline.process_keys p WHERE k.key_id = ANY(p.key_ids) AND ${LIVING}))`;

/**
 * Whether other processes may have this key. If so, a value that does not open here is not a
 * problem of its account.
 */
export async function isKeyInUse(session: Queryable, keyId: string): Promise<boolean> {
  const { rows } = await session.query<{ inUse: boolean | null }>(
    `SELECT ${IN_USE} AS "inUse" FROM (SELECT $1::text AS key_id) AS k`,
    [keyId],
  );
  return rows[0]?.inUse ?? false;
}

/**
 * Returns the live processes that cannot open what `keyId` seals, or that seal with another key.
 */
export async function holdersWithout(
  session: Queryable,
  keyId: string,
): Promise<(MasterKeyHolder & { lacksKey: boolean })[]> {
  const { rows } = await session.query<MasterKeyHolder & { lacksKey: boolean }>(
    `SELECT service, host, pid, NOT ($1 = ANY(key_ids)) AS "lacksKey" FROM syncline.process_keys p
      WHERE ${LIVING} AND sealing_key <> $1 ORDER BY NOT ($1 = ANY(key_ids)) DESC, service, host, pid LIMIT 100`,
    [keyId],
  );
  return rows;
}

async function announceHolder(
  session: Queryable,
  ring: KeyRing,
  id: string,
  { service, host, pid }: MasterKeyHolder,
): Promise<void> {
  await session.query(
    `INSERT INTO syncline.process_keys (process, service, host, pid, key_ids, sealing_key, seen_at) VALUES ($1, $2, $3, $4, $5, $6, now())
     ON CONFLICT (process) DO UPDATE SET seen_at = excluded.seen_at`,
    [id, service, host, pid, ring.keyIds, ring.keyId],
  );
}

export interface KeyInUse {
  keyId: string;
  /** Whether stored refresh tokens are sealed with it. */
  hasValues: boolean;
  /** Whether live processes seal with it. */
  isSealing: boolean;
  /** Whether it is the key that began to seal last. */
  isCurrent: boolean;
  /** Whether a rotation from it has not ended. */
  isRetiring: boolean;
}

/**
 * Returns the keys that processes need: those of stored refresh tokens, unless they are lost, and
 * those that live processes seal with. A skip scan of the index finds the keys of stored values,
 * which takes a few reads for any number of accounts.
 */
export async function keysInUse(session: Queryable): Promise<KeyInUse[]> {
  const { rows } = await session.query<KeyInUse>(
    `WITH RECURSIVE used AS (
       (SELECT key_id FROM syncline.credentials ORDER BY key_id LIMIT 1)
       UNION ALL
       SELECT (SELECT c.key_id FROM syncline.credentials c WHERE c.key_id > u.key_id ORDER BY c.key_id LIMIT 1) FROM used u WHERE u.key_id IS NOT NULL
     )
     SELECT n.key_id AS "keyId", bool_or(n.has_values) AS "hasValues", bool_or(n.seals) AS "isSealing", n.key_id = ${CURRENT_KEY} AS "isCurrent",
            EXISTS (SELECT 1 FROM syncline.master_keys r WHERE r.key_id = n.key_id AND r.is_retiring) AS "isRetiring"
       FROM (
         SELECT k.key_id, true AS has_values, false AS seals FROM (SELECT key_id FROM used LIMIT 64) AS k WHERE k.key_id IS NOT NULL AND ${IN_USE}
         UNION ALL SELECT k.key_id, true, false FROM (SELECT DISTINCT key_id FROM syncline.delegations) AS k WHERE ${IN_USE}
         UNION ALL SELECT p.sealing_key, false, true FROM syncline.process_keys p WHERE ${LIVING}
       ) AS n GROUP BY n.key_id ORDER BY n.key_id`,
  );
  return rows;
}
