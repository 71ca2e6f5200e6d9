/** The credentials of accounts, and the master keys that seal them. */
import type { Runtime } from '@syncline/runtime';
import type pg from 'pg';
import { delegationsIn, type Delegations } from './delegations.js';
import type { KeyRing } from './key-ring.js';
import { lostKeysIn, type LostKeys } from './lost-keys.js';
import { masterKeyRotationIn, type MasterKeyRotation } from './master-key-rotation.js';
import { masterKeysIn, type Keys } from './master-keys.js';
import type { Processes } from './processes.js';
import type { Queryable } from './transaction.js';
import { openVault, type Vault } from './vault.js';

export interface KeyOptions {
  masterKey: Buffer;
  /** The previous master key, during a rotation. It only opens. */
  oldMasterKey?: Buffer | null;
  /**
   * Whether to open the store even when the master key opens no stored value, to import and remove
   * accounts after the key was lost. Default: false.
   */
  takesOtherKey?: boolean;
}

export interface Credentials {
  vault: Vault;
  delegations: Delegations;
  /** The keys in use, and whether this process has them. */
  keys: Keys;
  masterKeyRotation: MasterKeyRotation;
  lostKeys: LostKeys;
}

/**
 * Maximum wait of a drain for deleting the row of the process, which otherwise expires by itself.
 */
const WITHDRAW_LIMIT_MS = 1_000;

/** @param apart a session that does not wait for page commits */
export function credentialsIn(
  rt: Runtime,
  pool: pg.Pool,
  apart: Queryable,
  { ring, holder }: { ring: KeyRing; holder: string },
): Credentials {
  return {
    vault: openVault(rt, pool, ring),
    delegations: delegationsIn(pool, ring),
    keys: masterKeysIn(rt, apart, ring, `${holder}-${rt.random.uuid()}`),
    masterKeyRotation: masterKeyRotationIn(pool, ring),
    lostKeys: lostKeysIn(pool, ring),
  };
}

/** Deletes what says that this process is alive. */
export async function withdrawKeys(
  rt: Runtime,
  keys: Keys,
  processes: Pick<Processes, 'leave'>,
): Promise<void> {
  const finished = new AbortController();
  const withdrawn = Promise.all([keys.withdraw(), processes.leave()]).catch((err: unknown) => {
    rt.log.debug(
      { event: 'keys_not_withdrawn', err },
      "the announcement of this process's keys could not be deleted; it expires by itself",
    );
  });
  const late = rt.clock.sleep(WITHDRAW_LIMIT_MS, finished.signal).catch(() => undefined);
  await Promise.race([withdrawn, late]).finally(() => finished.abort());
}
