import type { PageCommit } from '@syncline/store';
import type { SetAside } from '../../item-failures.js';
import type { StepContext } from '../../step.js';
import type { PositionCall } from '../resource.js';

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
   * Returns when the collection is read in full again, because its incremental syncs hide some
   * changes, or its sync tokens end some time after the full sync. Absent: neither.
   * @param o.begunAtMs when the full sync began that has just ended
   * @param o.jitter a number in [0, 1)
   */
  nextRelistAtMs?(o: { nowMs: number; begunAtMs: number; jitter: number }): number;
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
  delta: PageCommit['delta'];
  /** Items that could not be parsed. */
  quarantined: SetAside[];
  listedIds: string[];
  /** Deleted items that later pages of the same listing may name again. */
  gone: string[];
}

/** A page of a full listing is asked for by the same method, without the sync token. */
export function positionOf(source: SyncTokenSource): PositionCall {
  return {
    method: source.method,
    otherAnswer: (context) => source.read(context, { syncToken: null, pageToken: null, gone: [] }),
  };
}
