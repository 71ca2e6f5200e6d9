import type { GoogleAccount } from '@syncline/google';
import type { Delta, HeldWatch, Store } from '@syncline/store';
import type { Runtime } from '@syncline/runtime';
import type { AuditContext, AuditEnd } from '../audit-slice.js';
import type { Cursor } from '../cursor.js';
import type { Asked } from '../evidence/ask.js';
import type { Step, StepContext } from '../step.js';
import type { Comparison } from '../verify.js';
import type { WatchOutcome, WatchWork } from '../watch/work.js';

/** What an account may have mirrored, as the engine knows it. Its facts and words are in facts.ts. */
export interface ResourceModule {
  /** The cheapest call that needs the account's consent. @throws GoogleError */
  probe(account: GoogleAccount): Promise<void>;
  /** Compares the mirror with Google now. */
  compare(rt: Runtime, comparison: Comparison): Promise<Drift>;
  /** One comparison of an account at a time: two would exceed what Google answers. */
  comparesAlone: boolean;
  /** Has what a comparison named read again by the next run. */
  refetch(store: Store, accountId: string, ids: readonly string[]): Promise<void>;
}

/** What differs, by ids. */
export interface Drift {
  checked: number;
  missing: string[];
  extra: string[];
  stale: string[];
  /** What could not be read at the source while others could: nothing is said of it. */
  unread: string[];
}

/** One kind of a resource's collections. */
export interface CollectionModule {
  /** @throws when it is no cursor of this kind */
  parseCursor(letter: unknown): Cursor;
  /** The next page, by the cursor. @throws GoogleError */
  step(context: StepContext, cursor: Cursor): Promise<Step>;
  /** Rows that a page's delta shows to be there. */
  namedBy(delta: Delta): string[];
  /** Asks Google for each of these by its id. @throws GoogleError */
  ask(context: StepContext, ids: readonly string[]): Promise<Asked>;
  /** One slice of the audit in hand. */
  audit(context: AuditContext, cursor: Cursor): Promise<AuditEnd>;
  watch: WatchModule;
}

/** How Google is told to notify of a collection, and to end it. */
export interface WatchModule {
  begin(work: WatchWork, target: string, forSilence: boolean): Promise<WatchOutcome>;
  end(store: Store, account: GoogleAccount, held: HeldWatch): Promise<void>;
  /** Ends what a newer watch has taken the place of. */
  endSuperseded(store: Store, account: GoogleAccount, held: HeldWatch): Promise<void>;
}
