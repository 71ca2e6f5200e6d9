import type { GoogleAccount } from '@syncline/google';
import type { PageCommit, HeldWatch, Store } from '@syncline/store';
import type { Runtime } from '@syncline/runtime';
import type { AuditContext, AuditEnd } from '../audit-slice.js';
import type { Cursor } from '../cursor.js';
import type { Asked } from '../evidence/ask.js';
import type { Step, StepContext } from '../step.js';
import type { Comparison } from '../verify.js';
import type { WatchOutcome, WatchWork } from '../watch/work.js';

/** A resource's module in the engine. Its facts and texts are in facts.ts. */
export interface ResourceModule {
  /**
   * Makes the cheapest call that needs the account's consent.
   * @throws GoogleError
   */
  probe(account: GoogleAccount): Promise<void>;
  /** Compares the mirror with Google now. */
  compare(rt: Runtime, comparison: Comparison): Promise<Drift>;
  /** Whether an account may have one comparison at a time only: two would exceed Google's limit. */
  comparesAlone: boolean;
  /** Requests that the next run reads these items again. */
  refetch(store: Store, accountId: string, ids: readonly string[]): Promise<void>;
}

/** The items that differ, by id. */
export interface Drift {
  checked: number;
  missing: string[];
  extra: string[];
  stale: string[];
  /**
   * Items that could not be read at the source while others could: whether they differ is unknown.
   */
  unread: string[];
}

/** One kind of a resource's collections. */
export interface CollectionModule {
  /** @throws when it is not a cursor of this kind */
  parseCursor(letter: unknown): Cursor;
  /**
   * Reads the next page, by the cursor.
   * @throws GoogleError
   */
  step(context: StepContext, cursor: Cursor): Promise<Step>;
  position: PositionCall;
  /** Returns the ids of rows that a page's delta shows to exist. */
  namedBy(delta: PageCommit['delta']): string[];
  /**
   * Asks Google for each of these by its id.
   * @throws GoogleError
   */
  ask(context: StepContext, ids: readonly string[]): Promise<Asked>;
  /** Runs one slice of the audit in progress. */
  audit(context: AuditContext, cursor: Cursor): Promise<AuditEnd>;
  watch: WatchModule;
}

/** The call that reads what changed since the sync position. */
export interface PositionCall {
  /** Google's name of it. */
  method: string;
  /** Another call about the same collection, the first of a full sync. @throws GoogleError */
  otherAnswer(context: StepContext): Promise<unknown>;
}

/** How a watch on a collection is created and ended at Google. */
export interface WatchModule {
  begin(work: WatchWork, target: string, forSilence: boolean): Promise<WatchOutcome>;
  end(store: Store, account: GoogleAccount, held: HeldWatch): Promise<void>;
  /** Ends the watches that a newer one has replaced. */
  endSuperseded(store: Store, account: GoogleAccount, held: HeldWatch): Promise<void>;
}
