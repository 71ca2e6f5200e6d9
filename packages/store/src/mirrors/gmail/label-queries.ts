import type pg from 'pg';
import type { Lease } from '../../lease.js';
import { storedLabels } from './labels.js';
import type { LabelRow } from './rows.js';
import {
  labelAfter,
  labelLosses,
  relabelBound,
  type LabelLoss,
  type LabelLossQuery,
} from './full-sync-labels.js';

/** Queries over labels and their lists in a resync. */
export interface LabelQueries {
  labelAfter(accountId: string, after: string): Promise<string | null>;
  relabelBound(accountId: string, after: string, limit: number): Promise<string | null>;
  /**
   * Returns labels that rows would lose according to the lists of a resync, the largest losses
   * first.
   */
  labelLosses(lease: Lease, generation: number, q: LabelLossQuery): Promise<LabelLoss[]>;
  /** Returns the stored label catalogue. */
  labels(accountId: string): Promise<LabelRow[]>;
}

export function labelQueriesIn(pool: pg.Pool): LabelQueries {
  return {
    labelAfter: (accountId, after) => labelAfter(pool, accountId, after),
    relabelBound: (accountId, after, limit) => relabelBound(pool, accountId, after, limit),
    labelLosses: (lease, generation, q) => labelLosses(pool, lease, generation, q),
    labels: (accountId) => storedLabels(pool, accountId),
  };
}
