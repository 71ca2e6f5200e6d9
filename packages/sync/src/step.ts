import type { GoogleAccount } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { Committed, HeldState, Lease, MailWindow, PageCommit, Store } from '@syncline/store';
import type { Cursor } from './cursor.js';
import type { MirrorPolicy } from './mirror-policy.js';
import type { AddressSource, Profile } from './resources/identity.js';
import type { SyncPolicy } from './policy.js';
import type { ParkCause } from './parking.js';
import type { Prefetched } from './resources/cursors.js';
import type { CollectionModule } from './resources/resource.js';

/** What a turn needs: the lease it works under, and the doors to Google and Postgres. */
export interface StepContext {
  rt: Runtime;
  store: Store;
  google: GoogleAccount;
  lease: Lease;
  /** What the collection's kind does by itself. */
  collection: CollectionModule;
  mirror: MirrorPolicy;
  /** How far back the mailbox is mirrored; a commit may move it. */
  window: MailWindow;
  /** Number of the full sync in hand; a commit that begins a full sync raises it. */
  generation: number;
  /** Whether the listing in hand began in this run: one that began earlier cannot vouch for now. */
  listingBegunHere: boolean;
  /**
   * A full sync ended in this run for which Google gave no sync position: nothing can be followed,
   * so the run ends with it.
   */
  fullSyncCompleted: boolean;
  /** The page after the one that is being committed, already asked for, where the resource does that. */
  prefetched: Prefetched | null;
  /** The mailbox's profile, when the check of the grant has just read it. */
  profile: Profile | null;
  /**
   * Google names the account's mailbox or primary calendar like this.
   * @throws AccountHeld when the account waits for a person because of it
   */
  meetAddress(address: string, of: AddressSource): Promise<void>;
  /**
   * Set when runs before this one crashed: items are then taken one by one, each marked beforehand.
   */
  crashIsolation: CrashIsolation | null;
  policy: SyncPolicy;
  /** A sweep of the collection waits for evidence; a commit may change it. */
  held: HeldState | null;
  /**
   * The collection has looked for changes since the last page of a second listing: the next one may
   * be read.
   */
  hasCheckedChanges: boolean;
  /** A sample of the held rows was asked for in this run, after the second listing. */
  heldIsProven: boolean;
  /** Whether the slice has time for another page. */
  hasTime(): boolean;
}

export interface CrashIsolation {
  /** Items passed since; enough of them, and whatever ended the worker was not among them. */
  passed: number;
}

/**
 * One turn of the loop: one page, whole, and what it means. The commit makes it true; `next` is where the loop goes on.
 * When the commit itself decides (a sweep that has more to do), `next` reads its result.
 */
export interface Step {
  commit: PageCommit | null;
  next: (committed: Committed) => Cursor;
  /**
   * What it brings during incremental syncs is not in Google's log of changes, so that no
   * notification announces it.
   */
  unlogged?: boolean;
  /** Set when nothing is left to do now. */
  end?:
    | CaughtUp
    | { kind: 'snoozed'; delayMs: number; reason: string; counts: boolean }
    | { kind: 'parked'; cause: ParkCause };
}

export interface CaughtUp {
  kind: 'caught-up';
  /**
   * Google gave no new sync position, so something else than an incremental sync from there comes
   * next.
   */
  withoutPosition?: WithoutPosition;
}

interface WithoutPosition {
  /** For a person. */
  why: string;
  /**
   * Set when only the full sync that has ended vouches for the mirror: another one is due after
   * this time.
   */
  fullSyncInMs?: number;
}

/** Rows that one sweep, relabelling or clearing commit takes at most: bounds the transaction. */
export const SWEEP_PAGE = 1_000;
export const RELABEL_PAGE = 1_000;
export const CLEAR_PAGE = 10_000;
/** Rows that one commit writes down as held at most. */
export const HOLD_PAGE = 10_000;

/**
 * Full syncs that may be begun again because Google no longer knows a page token, before it counts
 * as a failure.
 */
export const MAX_RESTARTS = 5;
