import type pg from 'pg';
import { absenceOf, absentIds, type Absence, type Absent } from './absence.js';
import type { Lease } from './lease.js';
import { labelQueriesIn, type LabelQueries } from './mirrors/index.js';
import {
  hasListedAfter,
  listedThreads,
  nextPending,
  type ListedThread,
  type PendingItem,
  type PendingQuery,
} from './full-sync-items.js';

/** Queries over the lists of a full sync. */
export interface ItemQueries extends LabelQueries {
  nextPending(lease: Lease, generation: number, q: PendingQuery): Promise<PendingItem[]>;
  threads(
    lease: Lease,
    generation: number,
    q: PendingQuery & { threadIds: readonly string[] },
  ): Promise<ListedThread[]>;
  /**
   * Whether the listing named an id for the first time after this position. Reads the list once:
   * not for every page.
   */
  hasListedAfter(lease: Lease, generation: number, ordinal: number): Promise<boolean>;
  /**
   * Returns the rows that a complete listing did not name, with a sample of them.
   * @param q excluded: labels that no row may have
   */
  absence(
    lease: Lease,
    generation: number,
    q: { which: Absent; excluded: readonly string[]; limit: number },
  ): Promise<Absence>;
  /** Returns a page of the ids that the listing did not name. */
  absentIds(
    lease: Lease,
    generation: number,
    q: { which: Absent; excluded: readonly string[]; after: string; limit: number },
  ): Promise<string[]>;
}

export function itemQueriesIn(pool: pg.Pool): ItemQueries {
  return {
    ...labelQueriesIn(pool),
    nextPending: (lease, generation, q) => nextPending(pool, lease, generation, q),
    threads: (lease, generation, q) => listedThreads(pool, lease, generation, q),
    hasListedAfter: (lease, generation, ordinal) =>
      hasListedAfter(pool, lease, generation, ordinal),
    absence: (lease, generation, q) => absenceOf(pool, lease, generation, q),
    absentIds: (lease, generation, q) => absentIds(pool, lease, generation, q),
  };
}
