/**
 * Sums syncs without changes into one log line per minute. A worker does 500 of them a second: a
 * line each would be 43 million lines a day, and took 7 % of the worker's CPU time. A killed worker
 * loses the count of its last minute; metrics count each sync.
 */
import type { SyncQueueName } from '@syncline/fleet';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Outcome } from '@syncline/sync';

const LINE_EVERY_MS = 60_000;
/** A longer sync has a line of its own in any case. */
const SLOW_MS = 5_000;

/** Whether a sync that took `ms` needs no line of its own. */
export function isQuiet(outcome: Outcome, ms: number): boolean {
  return outcome.kind === 'caught-up' && outcome.changes === 0 && ms <= SLOW_MS;
}

export interface QuietSyncs {
  add(queue: SyncQueueName, ms: number): void;
  /** Writes the line of the syncs since the previous line, if there were any. */
  flush(): void;
}

export function openQuietSyncs(rt: Runtime): QuietSyncs {
  let syncs: Partial<Record<SyncQueueName, number>> = {};
  let totalMs = 0;
  return {
    add: (queue, ms) => {
      syncs[queue] = (syncs[queue] ?? 0) + 1;
      totalMs += ms;
    },
    flush: () => {
      const count = Object.values(syncs).reduce((sum, n) => sum + n, 0);
      if (count === 0) return;
      const meanMs = Math.round(totalMs / count);
      rt.log.info({ event: 'quiet_syncs', count, queues: syncs, meanMs }, 'syncs found no changes');
      syncs = {};
      totalMs = 0;
    },
  };
}

/** Writes the line once a minute until `rt.signal` is aborted. */
export async function runQuietSyncs(rt: Runtime, quiet: QuietSyncs): Promise<void> {
  await runLoop(rt, {
    name: 'quiet-syncs',
    need: 'degraded',
    backoff: { firstMs: LINE_EVERY_MS, capMs: LINE_EVERY_MS },
    failed: {
      event: 'quiet_syncs_failed',
      text: 'the summary of syncs without changes was not logged',
    },
    firstAfterMs: LINE_EVERY_MS,
    round: async () => {
      quiet.flush();
      return LINE_EVERY_MS;
    },
  });
}
