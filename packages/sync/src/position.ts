import type { GoogleAccount, Spent } from '@syncline/google';
import type { Lease } from '@syncline/store';
import type { Cursor } from './cursor.js';
import type { Outcome } from './outcome.js';
import { nextSyncAt, unitsOf, type RunTotals } from './run-observer.js';

/** The state of a run: its cursor and its totals. */
export interface Position {
  cursor: Cursor;
  /** Rows changed by this run. */
  changed: number;
  /**
   * Full syncs that this run began because Google no longer accepts a sync position or a page
   * token.
   */
  restarts: number;
  beganMs: number;
  /** The time of the first commit that changed a row. */
  storedAtMs: number | null;
  /**
   * Some of the stored changes were not in Google's log of changes: they came from a full sync or
   * an extension of the window, or see `Step.unlogged`.
   */
  unlogged: boolean;
  /** Units that the run has spent and not yet recorded in Postgres. */
  unreported: Spent[];
  /** Units that the run has spent in total. */
  quotaUnits: number;
  /** Pages stored, and the items that they named. */
  pages: number;
  items: number;
  /** When the collection is synced next, for a run that caught up. */
  nextSyncAtMs: number | null;
}

export function positionAt(lease: Lease, cursor: Cursor, beganMs: number): Position {
  return {
    cursor,
    changed: 0,
    restarts: 0,
    beganMs,
    storedAtMs: null,
    unlogged: lease.phase !== 'incremental',
    unreported: [],
    quotaUnits: 0,
    pages: 0,
    items: 0,
    nextSyncAtMs: null,
  };
}

/**
 * Takes the units that the account has spent since the last call, and adds them to the run's total.
 */
export function takeSpent(account: GoogleAccount, position: Position): Spent[] {
  const spent = account.takeSpent();
  position.quotaUnits += unitsOf(spent);
  return spent;
}

export function totalsOf(position: Position, outcome: Outcome | null, nowMs: number): RunTotals {
  const { pages, items, changed, quotaUnits, nextSyncAtMs } = position;
  return {
    pages,
    items,
    changes: changed,
    quotaUnits,
    nextSyncAt: nextSyncAt(outcome, nextSyncAtMs, nowMs),
  };
}
