import type { Delta, SetAside } from '@syncline/store';
import type { StepContext } from '../../step.js';

/**
 * What a kind of collection with sync tokens is by itself; how it is synced is the same for all of
 * them (turn.ts).
 */
export interface SyncTokenSource {
  /** Asks Google for a page. @throws GoogleError */
  read(context: StepContext, request: PageRequest): Promise<SourcePage>;
  /**
   * When the collection is read in full again, since its increments hide some changes; absent: they
   * hide none.
   * @param jitter a number in [0, 1)
   */
  nextRelistAtMs?(nowMs: number, jitter: number): number;
}

interface PageRequest {
  /** Null: a page of a full listing. */
  syncToken: string | null;
  pageToken: string | null;
  /** What earlier pages of the listing told to be deleted. */
  gone: readonly string[];
}

/** A page and what it means. */
export interface SourcePage extends Meaning {
  /** Items without an id. */
  nameless: number;
  nextPageToken: string | null;
  nextSyncToken: string | null;
}

/** What the items of a page mean for the mirror. */
export interface Meaning {
  delta: Delta;
  /** Items that could not be understood. */
  quarantined: SetAside[];
  metIds: string[];
  /** Deleted items that later pages of the same listing are held against. */
  gone: string[];
}
