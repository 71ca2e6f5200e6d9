import type { Spent } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import type { Outcome } from './outcome.js';

/** What a run has done, for people who look at its job. */
export interface RunTotals {
  /** Pages stored. */
  pages: number;
  /** Items that they named. */
  items: number;
  /** Rows created, updated or deleted. */
  changes: number;
  quotaUnits: number;
  /** Null when only a person or a sync request brings the collection back, and after an error. */
  nextSyncAt: Date | null;
}

/** Whoever started a run follows it with this. Its methods must not throw. */
export interface RunObserver {
  /** A page of a full sync is stored; `total` is null while Google has not said it. */
  progressed(done: number, total: number | null): void;
  /** The run is over, in whatever way. Not called when nothing was run. */
  finished(totals: RunTotals): void;
}

export function unitsOf(spent: readonly Spent[]): number {
  return spent.reduce((sum, { units }) => sum + units, 0);
}

/** @param levelNextMs when a run that caught up comes next, in milliseconds since the epoch */
export function nextSyncAt(
  outcome: Outcome | null,
  caughtUpNextMs: number | null,
  nowMs: number,
): Date | null {
  switch (outcome?.kind) {
    case 'more':
      return new Date(nowMs);
    case 'snoozed':
    case 'busy':
    case 'parked':
      return outcome.until;
    case 'caught-up':
    case 'held':
      return caughtUpNextMs === null ? null : new Date(caughtUpNextMs);
    case 'reauth-required':
    case 'gone':
    case undefined:
      return null;
    default:
      return unreachable(outcome);
  }
}
