import type { GoogleAccount, Spent } from '@syncline/google';
import type { Lease } from '@syncline/store';
import type { Cursor } from './cursor.js';
import type { Outcome } from './outcome.js';
import { nextSyncAt, unitsOf, type RunTotals } from './run-observer.js';

/** Where a run is, and what it has done so far. */
export interface Position {
  cursor: Cursor;
  /** Rows changed by this run. */
  changed: number;
  /** Full syncs that this run began because Google disowned a sync position or a page token. */
  restarts: number;
  beganMs: number;
  /** When the first commit that changed a row was through. */
  storedAtMs: number | null;
  /**
   * Some of what it stored was not in Google's log of changes: a full sync or an extension of the
   * window brought it, or see `Step.unlogged`.
   */
  unlogged: boolean;
  /** What the run has cost and the write that finishes it has not written down yet. */
  unreported: Spent[];
  /** What it has cost in all. */
  quotaUnits: number;
  /** Pages stored, and the items that they named. */
  pages: number;
  items: number;
  /** When the collection comes next, of a run that caught up. */
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

/** What the account has spent since it was last asked. */
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
