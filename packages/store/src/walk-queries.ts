import type pg from 'pg';
import { absenceOf, absentIds, type Absence, type Absent } from './absence.js';
import type { Lease } from './lease.js';
import { storedLabels } from './mirrors/gmail/labels.js';
import {
  labelAfter,
  labelLosses,
  relabelBound,
  type LabelLoss,
  type LabelLossQuery,
} from './mirrors/gmail/walk-labels.js';
import type { LabelRow } from './rows.js';
import {
  listedThreads,
  nextWanted,
  type ListedThread,
  type WantedItem,
  type WantedQuery,
} from './walk.js';

/** Queries over the lists of a full sync. */
export interface WalkQueries {
  nextWanted(lease: Lease, generation: number, q: WantedQuery): Promise<WantedItem[]>;
  threads(
    lease: Lease,
    generation: number,
    q: WantedQuery & { threadIds: readonly string[] },
  ): Promise<ListedThread[]>;
  labelAfter(accountId: string, after: string): Promise<string | null>;
  relabelBound(accountId: string, after: string, limit: number): Promise<string | null>;
  /** Labels that rows would lose by the lists of a resync, the largest losses first. */
  labelLosses(lease: Lease, generation: number, q: LabelLossQuery): Promise<LabelLoss[]>;
  /** The catalogue of labels as it is stored. */
  labels(accountId: string): Promise<LabelRow[]>;
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
    nextWanted: (lease, generation, q) => nextWanted(pool, lease, generation, q),
    threads: (lease, generation, q) => listedThreads(pool, lease, generation, q),
    labelAfter: (accountId, after) => labelAfter(pool, accountId, after),
    relabelBound: (accountId, after, limit) => relabelBound(pool, accountId, after, limit),
    labelLosses: (lease, generation, q) => labelLosses(pool, lease, generation, q),
    labels: (accountId) => storedLabels(pool, accountId),
    absence: (lease, generation, q) => absenceOf(pool, lease, generation, q),
    absentIds: (lease, generation, q) => absentIds(pool, lease, generation, q),
  };
}
