/**
 * Which master keys are in use, and which process holds which: in Postgres, beside the values that they sealed. Key ids only.
 * A process announces itself at its start and with every write probe; it is living while its row is fresh.
 */
import { hostname } from 'node:os';
import { OperatorError } from '@syncline/runtime';
import type { KeyRing } from './key-ring.js';
import type { Queryable } from './transaction.js';

/** Six write probes: a process that did not announce itself for so long is dead or cut off. */
const LIVING_MS = 30_000;

export interface MasterKeyHolder {
  service: string;
  host: string;
  pid: number;
}

export interface Keys {
  /**
   * Tells that this process is about to work, with the keys that it holds. Awaited before its first
   * work: from then on a rotation waits for no value of a key that it does not know of.
   */
  announce(service: string): Promise<void>;
  /** Repeats the announcement, once there was one. */
  heartbeat(): Promise<void>;
  /** Of keys in use that this process lacks, as of the last announcement. */
  missing(): readonly string[];
  /** @throws OperatorError that says which keys this process lacks */
  check(): Promise<void>;
  /** This process has ended. */
  withdraw(): Promise<void>;
}

/** @param id of this process, no other's. */
export function masterKeysIn(session: Queryable, ring: KeyRing, id: string): Keys {
  let holder: MasterKeyHolder | null = null;
  let missing: readonly string[] = [];
  const heartbeat = async (): Promise<void> => {
    if (holder === null) return;
    await announceHolder(session, ring, id, holder);
    missing = await missingKeys(session, ring);
  };
  return {
    announce: async (service) => {
      holder = { service, host: hostname(), pid: process.pid };
      await noteSealingKey(session, ring.keyId);
      await session.query(
        "DELETE FROM syncline.process_keys WHERE seen_at < now() - interval '1 day'",
      );
      await heartbeat();
    },
    heartbeat,
    missing: () => missing,
    check: async () => {
      if (missing.length > 0) throw new OperatorError(lacking(missing));
    },
    withdraw: async () => {
      if (holder === null) return;
      await session.query('DELETE FROM syncline.process_keys WHERE process = $1', [id]);
    },
  };
}

/** One sentence for a person. Key ids are names, not keys. */
function lacking(missing: readonly string[]): string {
  return (
    `This process lacks the master key with the id ${missing.join(' and ')}, which is in use: other processes seal with it, or values of a rotation that has not ended are under it. ` +
    'Set it as SYNCLINE_MASTER_KEY, with the key before as SYNCLINE_MASTER_KEY_OLD until `syncline keys rotate-master` is done, and restart the process.'
  );
}

/** The key that began to seal last is the current one. A key that has sealed before keeps its date. */
export async function noteSealingKey(session: Queryable, keyId: string): Promise<void> {
  await session.query(
    'INSERT INTO syncline.master_keys (key_id) VALUES ($1) ON CONFLICT (key_id) DO NOTHING',
    [keyId],
  );
}

export const CURRENT_KEY =
  '(SELECT key_id FROM syncline.master_keys ORDER BY current_since DESC, key_id LIMIT 1)';

const LIVING = `p.seen_at > now() - interval '${LIVING_MS} ms'`;

/** Of `k.key_id`: current, being replaced, or in the hands of a living process. Any other is lost. */
const IN_USE = `(k.key_id = ${CURRENT_KEY}
  OR EXISTS (SELECT 1 FROM syncline.master_keys r WHERE r.key_id = k.key_id AND r.is_retiring)
  OR EXISTS (SELECT 1 FROM syncline.process_keys p WHERE k.key_id = ANY(p.key_ids) AND ${LIVING}))`;

/** Whether a value under this key opens for others: then its account is not at fault. */
export async function isKeyInUse(session: Queryable, keyId: string): Promise<boolean> {
  const { rows } = await session.query<{ inUse: boolean | null }>(
    `SELECT ${IN_USE} AS "inUse" FROM (SELECT $1::text AS key_id) AS k`,
    [keyId],
  );
  return rows[0]?.inUse ?? false;
}

/** Living processes that cannot open what `keyId` seals, or seal with another key. */
export async function holdersWithout(
  session: Queryable,
  keyId: string,
): Promise<(MasterKeyHolder & { lacksKey: boolean })[]> {
  const { rows } = await session.query<MasterKeyHolder & { lacksKey: boolean }>(
    `SELECT service, host, pid, NOT ($1 = ANY(key_ids)) AS "lacksKey" FROM syncline.process_keys p
      WHERE ${LIVING} AND sealing_key <> $1 ORDER BY service, host, pid LIMIT 100`,
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

/** The keys of stored values by skipping along their index: a few reads, however many accounts there are. */
async function missingKeys(session: Queryable, ring: KeyRing): Promise<string[]> {
  const { rows } = await session.query<{ keyId: string }>(
    `WITH RECURSIVE used AS (
       (SELECT key_id FROM syncline.credentials ORDER BY key_id LIMIT 1)
       UNION ALL
       SELECT (SELECT c.key_id FROM syncline.credentials c WHERE c.key_id > u.key_id ORDER BY c.key_id LIMIT 1) FROM used u WHERE u.key_id IS NOT NULL
     )
     SELECT key_id AS "keyId" FROM (
       SELECT k.key_id FROM (SELECT key_id FROM used LIMIT 64) AS k WHERE k.key_id IS NOT NULL AND ${IN_USE}
       UNION SELECT p.sealing_key FROM syncline.process_keys p WHERE ${LIVING}
     ) AS needed WHERE key_id <> ALL($1) ORDER BY 1`,
    [ring.keyIds],
  );
  return rows.map(({ keyId }) => keyId);
}
