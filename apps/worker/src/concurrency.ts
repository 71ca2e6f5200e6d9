import { shareOf, SYNC_QUEUES, type SyncQueueName } from '@syncline/fleet';

/**
 * Following gets half of the slots although its jobs are short: its latency is what customers see, and a push storm
 * arrives at once.
 *
 * WORKER_CONCURRENCY divided among the queues, in proportion to their shares; each queue has at least one slot of its own, so a
 * total below four counts as four. Slots are not lent: a queue that could borrow would be waiting for its lenders' jobs to
 * end exactly when it needs them back. Left-over slots go where the rounding cost most.
 *
 * `splitConcurrency(16)` is 5, 5, 3, 3.
 */
export function splitConcurrency(total: number): Record<SyncQueueName, number> {
  const spare = Math.max(0, Math.floor(total) - SYNC_QUEUES.length);
  const wholes = SYNC_QUEUES.reduce((sum, name) => sum + shareOf(name), 0);
  const due = SYNC_QUEUES.map((name) => ({ name, exact: (spare * shareOf(name)) / wholes }));
  const slots = Object.fromEntries(
    due.map(({ name, exact }) => [name, 1 + Math.floor(exact)]),
  ) as Record<SyncQueueName, number>;
  const leftOver = spare - due.reduce((sum, { exact }) => sum + Math.floor(exact), 0);
  const byLoss = due.toSorted((a, b) => (b.exact % 1) - (a.exact % 1));
  for (const { name } of byLoss.slice(0, leftOver)) slots[name] += 1;
  return slots;
}
