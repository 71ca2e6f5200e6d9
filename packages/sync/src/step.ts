import type { GoogleAccount } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { Committed, Lease, PageCommit, ParkCause, Store } from '@syncline/store';
import type { Cursor } from './cursor.js';
import type { MirrorPolicy } from './mirror-policy.js';
import type { AddressSource, Profile } from './resources/identity.js';
import type { SyncPolicy } from './policy.js';
import type { Snooze } from './outcome.js';
import type { Prefetched } from './resources/cursors.js';
import type { CollectionModule } from './resources/resource.js';

/** What a step needs: the lease that it works under, and the access to Google and Postgres. */
export interface StepContext {
  rt: Runtime;
  store: Store;
  google: GoogleAccount;
  lease: Lease;
  /** The module of the collection's kind. */
  collection: CollectionModule;
  mirror: MirrorPolicy;
  /** How far back the mailbox is mirrored; a commit may move it. */
  window: Lease['window'];
  /** Number of the current full sync; a commit that begins a full sync raises it. */
  generation: number;
  /**
   * Whether the current listing began in this run: one that began earlier does not show that the
   * collection is caught up now.
   */
  listingBegunHere: boolean;
  /**
   * A full sync without a sync position ended in this run: no incremental sync can begin, so the
   * run ends.
   */
  fullSyncCompleted: boolean;
  /**
   * The page after the one that is being committed, already requested, where the resource
   * prefetches.
   */
  prefetched: Prefetched | null;
  /** The mailbox's profile, if the check of the grant has just read it. */
  profile: Profile | null;
  /**
   * Handles the address by which Google names the account's mailbox or primary calendar.
   * @throws AccountHeld when the account waits for a person because of it
   */
  adoptAddress(address: string, of: AddressSource): Promise<void>;
  /** Set when earlier runs crashed: items are then taken one by one, each marked beforehand. */
  crashIsolation: CrashIsolation | null;
  policy: SyncPolicy;
  /** The sweep of the collection that waits for evidence; a commit may change it. */
  held: Lease['held'];
  /**
   * The collection was synced incrementally since the last page of a second listing, so the next
   * page may be read.
   */
  hasCheckedChanges: boolean;
  /** A sample of the held rows was requested in this run, after the second listing. */
  heldIsProven: boolean;
  /** Whether the slice has time for another page. */
  hasTime(): boolean;
}

export interface CrashIsolation {
  /**
   * Items passed in this run; after enough of them, the item that crashed the worker was not among
   * them.
   */
  passed: number;
}

/** A commit whose step states where its events come from. */
export type PlannedCommit = PageCommit & Required<Pick<PageCommit, 'origin'>>;

/**
 * One step of a sync: one page, from request to commit. The commit stores it; `next` returns the
 * cursor of the next step. Where the commit itself decides (a sweep with more rows), `next` reads
 * its result.
 */
export interface Step {
  commit: PlannedCommit | null;
  next: (committed: Committed) => Cursor;
  /**
   * The changes that the step stores during incremental syncs are not in Google's log of changes,
   * so that no notification announces them.
   */
  unlogged?: boolean;
  /** Set when nothing is left to do now. */
  end?: CaughtUp | ({ kind: 'snoozed' } & Snooze) | { kind: 'parked'; cause: ParkCause };
}

export interface CaughtUp {
  kind: 'caught-up';
  /** Google gave no new sync position, so the next sync is not an incremental one from there. */
  withoutPosition?: WithoutPosition;
}

interface WithoutPosition {
  /** For a person. */
  why: string;
  /**
   * Set when the mirror is confirmed only by the full sync that has ended: another one is due after
   * this time.
   */
  fullSyncInMs?: number;
}

/**
 * The maximum number of rows of one sweeping, relabelling or clearing commit: bounds the
 * transaction.
 */
export const SWEEP_PAGE = 1_000;
export const RELABEL_PAGE = 1_000;
export const CLEAR_PAGE = 10_000;
/** The maximum number of rows that one commit records as held. */
export const HOLD_PAGE = 10_000;

/**
 * The maximum number of restarts of a full sync after Google has rejected a page token; one more
 * counts as a failure.
 */
export const MAX_RESTARTS = 5;
