import type pg from 'pg';
import { absenceOf, absentIds, type Absence, type Absent } from './absence.js';
import type { Lease } from './lease.js';
import { labelQueriesIn, type LabelQueries } from './mirrors/index.js';
import {
  listedThreads,
  nextWanted,
  type ListedThread,
  type WantedItem,
  type WantedQuery,
} from './walk.js';

/** Queries over the lists of a full sync. */
export interface WalkQueries extends LabelQueries {
  nextWanted(lease: Lease, generation: number, q: WantedQuery): Promise<WantedItem[]>;
  threads(
    lease: Lease,
    generation: number,
    q: WantedQuery & { threadIds: readonly string[] },
  ): Promise<ListedThread[]>;
  /**
   * What a complete listing did not name, with a sample of it.
   * @param q excluded: labels that no row should have
   */
  absence(
    lease: Lease,
    generation: number,
    q: { which: Absent; excluded: readonly string[]; limit: number },
  ): Promise<Absence>;
  /** A page of the ids that it did not name. */
  absentIds(
    lease: Lease,
    generation: number,
    q: { which: Absent; excluded: readonly string[]; after: string; limit: number },
  ): Promise<string[]>;
}

export function walkQueriesIn(pool: pg.Pool): WalkQueries {
  return {
    ...labelQueriesIn(pool),
    nextWanted: (lease, generation, q) => nextWanted(pool, lease, generation, q),
    threads: (lease, generation, q) => listedThreads(pool, lease, generation, q),
    absence: (lease, generation, q) => absenceOf(pool, lease, generation, q),
    absentIds: (lease, generation, q) => absentIds(pool, lease, generation, q),
  };
}
