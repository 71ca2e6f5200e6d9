/**
 * Lost master keys. Only a person can declare a key lost: a process cannot distinguish a lost key
 * from one that is missing in its configuration.
 */
import { OperatorError } from '@syncline/runtime';
import type pg from 'pg';
import type { KeyRing } from './key-ring.js';
import { LIVING, holderText, type MasterKeyHolder } from './master-keys.js';

export interface LostKeys {
  /**
   * Retires a lost key: its accounts need a new import from now on. May be repeated.
   * @returns the number of refresh tokens under the key
   * @throws OperatorError when this process or another live one has the key, and when the key has
   * sealed nothing
   */
  retire(keyId: string): Promise<number>;
}

export function lostKeysIn(pool: pg.Pool, ring: KeyRing): LostKeys {
  return { retire: (keyId) => retire(pool, ring, keyId) };
}

async function retire(pool: pg.Pool, ring: KeyRing, keyId: string): Promise<number> {
  if (ring.keyIds.includes(keyId))
    throw new OperatorError(
      `The master key with the id ${keyId} is set here, and is not lost. To replace it: syncline keys rotate-master`,
    );
  const holders = await holdersOf(pool, keyId);
  if (holders.length > 0)
    throw new OperatorError(
      `These processes have the master key with the id ${keyId}, so it is not lost:\n${holders.map(holderText).join('\n')}\n` +
        'A killed process no longer counts after 30 s.',
    );
  const { rowCount } = await pool.query(
    'UPDATE syncline.master_keys SET is_retiring = false, retired_at = coalesce(retired_at, now()) WHERE key_id = $1',
    [keyId],
  );
  if (rowCount === 0)
    throw new OperatorError(`No master key with the id ${keyId} has sealed here.`);
  const { rows } = await pool.query<{ n: string }>(
    'SELECT count(*) AS n FROM syncline.credentials WHERE key_id = $1',
    [keyId],
  );
  return Number(rows[0]?.n ?? 0);
}

async function holdersOf(pool: pg.Pool, keyId: string): Promise<MasterKeyHolder[]> {
  const { rows } = await pool.query<MasterKeyHolder>(
    `SELECT service, host, pid FROM syncline.process_keys p WHERE ${LIVING} AND $1 = ANY(key_ids) ORDER BY service, host, pid LIMIT 100`,
    [keyId],
  );
  return rows;
}
