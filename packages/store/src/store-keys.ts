/** What the store does with the master keys of its process. */
import type { Runtime } from '@syncline/runtime';
import type pg from 'pg';
import type { KeyRing } from './key-ring.js';
import { lostKeysIn, type LostKeys } from './lost-keys.js';
import { masterKeyRotationIn, type MasterKeyRotation } from './master-key-rotation.js';
import { masterKeysIn, type Keys } from './master-keys.js';
import type { Queryable } from './transaction.js';
import { openVault, type Vault } from './vault.js';

export interface KeyOptions {
  masterKey: Buffer;
  /** It opens, and seals nothing: the master key before a rotation. */
  oldMasterKey?: Buffer | null;
  /**
   * Also with a master key that opens nothing of what is stored: for importing and removing
   * accounts after the key was lost.
   */
  takesOtherKey?: boolean;
}

export interface StoreKeys {
  vault: Vault;
  /** Which keys are in use, and whether this process has them. */
  keys: Keys;
  masterKeyRotation: MasterKeyRotation;
  lostKeys: LostKeys;
}

/** A drain waits no longer for Postgres: the row of a process that ends without lapses by itself. */
const WITHDRAW_LIMIT_MS = 1_000;

/** @param apart a session that waits for no page */
export function storeKeysOver(
  rt: Runtime,
  pool: pg.Pool,
  apart: Queryable,
  { ring, holder }: { ring: KeyRing; holder: string },
): StoreKeys {
  return {
    vault: openVault(rt, pool, ring),
    keys: masterKeysIn(rt, apart, ring, `${holder}-${rt.random.uuid()}`),
    masterKeyRotation: masterKeyRotationIn(pool, ring),
    lostKeys: lostKeysIn(pool, ring),
  };
}

export async function withdrawKeys(rt: Runtime, keys: Keys): Promise<void> {
  const over = new AbortController();
  const told = keys.withdraw().catch((err: unknown) => {
    rt.log.debug({ event: 'keys_not_withdrawn', err }, 'Postgres is away; the row lapses');
  });
  const late = rt.clock.sleep(WITHDRAW_LIMIT_MS, over.signal).catch(() => undefined);
  await Promise.race([told, late]).finally(() => over.abort());
}
