import type { Spent } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import type { Outcome } from './outcome.js';

/** The totals of a run, for people who look at its job. */
export interface RunTotals {
  /** Pages stored. */
  pages: number;
  /** Items that the pages named. */
  items: number;
  /** Rows created, updated or deleted. */
  changes: number;
  quotaUnits: number;
  /** Null when only a person or a sync request resumes the collection, and after an error. */
  nextSyncAt: Date | null;
}

/** Receives the progress of a run. Its methods must not throw. */
export interface RunObserver {
  /** A page of a full sync is stored; `total` is null while it is unknown. */
  progressed(done: number, total: number | null): void;
  /** The run has ended, with any outcome. Not called when nothing was run. */
  finished(totals: RunTotals): void;
}

export function unitsOf(spent: readonly Spent[]): number {
  return spent.reduce((sum, { units }) => sum + units, 0);
}

/** @param caughtUpNextMs when a run that caught up is due next, in milliseconds since the epoch */
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
