/** Replaces the master key, and retires a lost one (`@syncline/control/master-key`). */
import type { SharedTokens } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { LeaseHolder, Credentials, Store } from '@syncline/store';
import { renewChannels } from './channels.js';
import { resealAll, resealShared } from './reseal.js';
import { type BlockingProcess, type Step, type Stop, Stopped } from './steps.js';

export type { Step as RotationStep, Stop as RotationStop } from './steps.js';

export interface Rotated {
  /** Number of refresh tokens sealed with the current key. */
  resealed: number;
  /**
   * Number of refresh tokens that cannot be decrypted, or whose keys this process lacks: their
   * accounts need a new import.
   */
  unreadable: number;
  /** Number of access tokens sealed again, of those that the fleet shares through Redis. */
  resealedAccessTokens: number;
  renewedChannels: number;
  /** Number of refresh tokens still under the old key. */
  remaining: number;
}

export type Rotation =
  | { kind: 'rotated'; rotated: Rotated }
  /** Another rotation is in progress on this database. */
  | { kind: 'running-elsewhere'; holder: LeaseHolder }
  /** The rotation stopped early. Sealed values stay sealed, and another rotation continues. */
  | { kind: 'stopped'; stop: Stop };

interface Deps {
  store: Pick<Store, 'alone' | 'masterKeyRotation'>;
  /** Opens the access tokens that the fleet shares; the rotation closes them. */
  openTokens(
    rt: Runtime,
    reseal: Credentials['masterKeyRotation']['resealAccessToken'],
  ): Promise<SharedTokens>;
}

/**
 * Seals every stored value with the current master key, and has channels renewed, so that the old
 * key can be removed. Continues an interrupted rotation.
 * @param input `rate`: values and channels per second
 */
export async function rotateMasterKey(
  rt: Runtime,
  deps: Deps,
  input: { rate: number },
  onProgress: (step: Step) => void = () => undefined,
): Promise<Rotation> {
  try {
    const done = await deps.store.alone('rotate-master', ({ signal }) =>
      rotate(endingWith(rt, signal), deps, input.rate, onProgress),
    );
    return done.kind === 'held'
      ? { kind: 'running-elsewhere', holder: done.by }
      : { kind: 'rotated', rotated: done.result };
  } catch (error) {
    if (error instanceof Stopped) return { kind: 'stopped', stop: error.stop };
    throw error;
  }
}

/**
 * Declares a master key lost: accounts whose tokens are sealed with it need a new import.
 * @returns how many refresh tokens are sealed with it
 * @throws OperatorError when a process has the key, and when it has sealed nothing
 */
export function retireLostKey(
  { store }: { store: { lostKeys: Pick<Store['lostKeys'], 'retire'> } },
  keyId: string,
): Promise<number> {
  return store.lostKeys.retire(keyId);
}

/** Returns a runtime that a lost lease ends in the same way as a signal to the process. */
function endingWith(rt: Runtime, lost: AbortSignal): Runtime {
  return { ...rt, signal: AbortSignal.any([rt.signal, lost]) };
}

async function rotate(
  rt: Runtime,
  { store, openTokens }: Deps,
  rate: number,
  onProgress: (step: Step) => void,
): Promise<Rotated> {
  const rotation = store.masterKeyRotation;
  const pass = { rt, rotation, rate, onProgress, stopIfBlocked: () => stopIfBlocked(rotation) };
  await stopIfBlocked(rotation);
  if (rotation.start() === null) await stopWithoutOldKey(rotation);
  const tokens = await openTokens(rt, rotation.resealAccessToken);
  try {
    await rotation.begin();
    const values = await resealAll(pass);
    const resealedAccessTokens = await resealShared(pass, tokens);
    const renewedChannels = await renewChannels(pass);
    // A process that started meanwhile with only the old key may have sealed values with it.
    await stopIfBlocked(rotation);
    const { old, lost } = await rotation.remaining();
    // The old key does not open these values, so they do not count as using it.
    const remaining = Math.max(0, old - values.unreadable);
    if (remaining === 0) stopIfKept(await rotation.end());
    return {
      resealed: values.resealed,
      unreadable: values.unreadable + lost,
      resealedAccessTokens,
      renewedChannels,
      remaining,
    };
  } finally {
    tokens.close();
  }
}

async function stopIfBlocked(rotation: Credentials['masterKeyRotation']): Promise<void> {
  const blocking: BlockingProcess[] = await rotation.blockingProcesses();
  if (blocking.length > 0) throw new Stopped({ kind: 'blocked', by: blocking });
}

/** Throws when a process has used an old key after its values were sealed again. */
function stopIfKept(keyIds: readonly string[]): void {
  if (keyIds.length > 0) throw new Stopped({ kind: 'old-key-used', keyIds });
}

async function stopWithoutOldKey(rotation: Credentials['masterKeyRotation']): Promise<void> {
  const { old, lost } = await rotation.remaining();
  if (old + lost > 0) throw new Stopped({ kind: 'old-key-missing', values: old + lost });
}
