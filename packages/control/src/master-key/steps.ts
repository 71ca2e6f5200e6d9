/** The progress reports of a rotation of the master key, and its reasons to stop. */
import type { Runtime } from '@syncline/runtime';
import type { Credentials } from '@syncline/store';

export type Step =
  /** Refresh tokens sealed so far. */
  | { step: 'values'; resealed: number }
  | { step: 'access-tokens'; resealed: number }
  /** Channels that the workers have not renewed yet. */
  | { step: 'channels'; left: number };

/** A live process that does not seal with the current key. */
export type BlockingProcess = Awaited<
  ReturnType<Credentials['masterKeyRotation']['blockingProcesses']>
>[number];

export type Stop =
  | { kind: 'blocked'; by: readonly BlockingProcess[] }
  /** Values are sealed with a key that this process does not have. */
  | { kind: 'old-key-missing'; values: number }
  /** Values or channels are under replaced keys again. */
  | { kind: 'old-key-used'; keyIds: readonly string[] }
  /** The workers do not renew channels. */
  | { kind: 'channels-stuck'; left: number; forMs: number };

/** Stops a rotation; `rotateMasterKey` returns its reason. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
  constructor(readonly stop: Stop) {
    super(stop.kind);
  }
}

/** What the passes of a rotation need. */
export interface Pass {
  rt: Runtime;
  rotation: Credentials['masterKeyRotation'];
  /** Values and channels per second. */
  rate: number;
  onProgress(step: Step): void;
  /** @throws Stopped */
  stopIfBlocked(): Promise<void>;
}
