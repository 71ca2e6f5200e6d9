import type { Delta, SetAside } from '@syncline/store';
import type { StepContext } from '../../step.js';

/**
 * The specific parts of a kind of collection with sync tokens; step.ts syncs all of them in the
 * same way.
 */
export interface SyncTokenSource {
  /** Google's name of its listing, for messages. */
  method: string;
  /**
   * Requests a page from Google.
   * @throws GoogleError
   */
  read(context: StepContext, request: PageRequest): Promise<SourcePage>;
  /**
   * Returns when the collection is read in full again, since its incremental syncs hide some
   * changes; absent: they hide none.
   * @param jitter a number in [0, 1)
   */
  nextRelistAtMs?(nowMs: number, jitter: number): number;
}

interface PageRequest {
  /** Null: a page of a full listing. */
  syncToken: string | null;
  pageToken: string | null;
  /** Items that earlier pages of the listing reported as deleted and none has named again. */
  gone: readonly string[];
}

/** A page and its meaning. */
export interface SourcePage extends Meaning {
  /** Items without an id. */
  nameless: number;
  nextPageToken: string | null;
  nextSyncToken: string | null;
}

/** The meaning of a page's items for the mirror. */
export interface Meaning {
  delta: Delta;
  /** Items that could not be parsed. */
  quarantined: SetAside[];
  metIds: string[];
  /** Deleted items that later pages of the same listing may name again. */
  gone: string[];
}
