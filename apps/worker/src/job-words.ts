/** A job's texts in Bull Board: the words and numbers of a run that a job returns or logs. */
import type { JobReport, SyncCounts } from '@syncline/fleet';
import { OUTCOME_WORDS, type Outcome, type RunTotals } from '@syncline/sync';

const NOTHING: RunTotals = { pages: 0, items: 0, changes: 0, quotaUnits: 0, nextSyncAt: null };

/** @param totals null when nothing was run */
export function reportOf(
  outcome: Outcome,
  totals: RunTotals | null,
  durationMs: number,
): JobReport & { sync: SyncCounts } {
  const { nextSyncAt, ...counts } = totals ?? NOTHING;
  const sync = { ...counts, nextSync: nextSyncAt?.toISOString() ?? null };
  return { outcome: outcome.kind, reason: reasonOf(outcome), durationMs, sync };
}

/** Returns why the collection waits; null when it does not. */
function reasonOf(outcome: Outcome): string | null {
  if ('reason' in outcome) return outcome.reason;
  return outcome.kind === 'busy' ? 'another worker has this collection' : null;
}

/** Returns `incremental sync, caught up: 1 page, 3 items, 2 changes, 45 quota units, 120 ms`. */
export function summaryOf(
  work: string,
  outcome: Outcome,
  { reason, durationMs, sync }: ReturnType<typeof reportOf>,
): string {
  const counts = [
    counted(sync.pages, 'page'),
    counted(sync.items, 'item'),
    counted(sync.changes, 'change'),
    counted(sync.quotaUnits, 'quota unit'),
    `${durationMs} ms`,
  ];
  const why = reason === null ? '' : ` (${reason})`;
  return `${work}, ${OUTCOME_WORDS[outcome.kind]}${why}: ${counts.join(', ')}`;
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
