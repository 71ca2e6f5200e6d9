import type { Google, GoogleAccount } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { HeldWatch, Store } from '@syncline/store';
import type { WatchTargets } from './step.js';

/** What the maintenance of watches needs. */
export interface WatchDeps {
  store: Store;
  google: Google;
  watchTargets?: WatchTargets;
}

export type WatchOutcome = 'watched' | 'stopped' | 'waiting' | 'refused' | 'busy' | 'taken-over';

/** One watch that is maintained now, under its hold. */
export interface WatchWork {
  rt: Runtime;
  deps: WatchDeps;
  held: HeldWatch;
  account: GoogleAccount;
  /** The time for which the old and the new channel are both open. */
  overlapMs: number;
}
