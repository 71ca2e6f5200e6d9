import type { GoogleAccount } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { Committed, Lease, PageCommit, Store } from '@syncline/store';
import type { Cursor } from './cursor.js';

/** What a turn needs: the lease it works under, and the doors to Google and Postgres. */
export interface TurnContext {
  rt: Runtime;
  store: Store;
  google: GoogleAccount;
  lease: Lease;
  /** Number of the walk in hand; a commit that begins a walk raises it. */
  generation: number;
  /** When this run began, by this process's clock: a listing that began earlier cannot vouch for now. */
  listingBegunHere: boolean;
}

/**
 * One turn of the loop: one page, whole, and what it means. The commit makes it true; `next` is where the loop goes on.
 * When the commit itself decides (a sweep that has more to do), `next` reads its result.
 */
export interface Turn {
  commit: PageCommit | null;
  next: (committed: Committed) => Cursor;
  /** Set when nothing is left to do now. */
  rest?: { kind: 'caught-up' } | { kind: 'wait'; delayMs: number; why: string; counts: boolean };
}

/** Rows that one sweep or clearing commit takes at most: bounds the transaction. */
export const SWEEP_PAGE = 1_000;
export const CLEAR_PAGE = 10_000;

/** Walks that may be begun again because Google no longer knows a page token, before it counts as a failure. */
export const MAX_RESTARTS = 5;
