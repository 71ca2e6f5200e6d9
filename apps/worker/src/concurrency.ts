import { JOBS, QUEUE_NAMES, type QueueName } from '@syncline/fleet';

/**
 * Divides WORKER_CONCURRENCY among the queues that share it, in proportion to their shares in the
 * job catalogue. Each gets at least one slot of its own, so a total below four counts as four.
 * Slots are not lent: a queue that lends its slots would have to wait for other queues' jobs to end
 * exactly when it needs them. Left-over slots go where the rounding cost most. Other queues have
 * their slots in addition to the total.
 *
 * `splitConcurrency(16)` is 5, 5, 3, 3, and in addition 2 and 2 for contacts and 2 for watches.
 */
export function splitConcurrency(total: number): Record<QueueName, number> {
  const sharing = QUEUE_NAMES.flatMap((name) => {
    const { slots } = JOBS[name];
    return 'share' in slots ? [{ name, share: slots.share }] : [];
  });
  const spare = Math.max(0, Math.floor(total) - sharing.length);
  const wholes = sharing.reduce((sum, { share }) => sum + share, 0);
  const due = sharing.map(({ name, share }) => ({ name, exact: (spare * share) / wholes }));
  const slots = Object.fromEntries(
    QUEUE_NAMES.map((name) => [name, furtherSlots(name, total)]),
  ) as Record<QueueName, number>;
  for (const { name, exact } of due) slots[name] = 1 + Math.floor(exact);
  const leftOver = spare - due.reduce((sum, { exact }) => sum + Math.floor(exact), 0);
  const byLoss = due.toSorted((a, b) => (b.exact % 1) - (a.exact % 1));
  for (const { name } of byLoss.slice(0, leftOver)) slots[name] += 1;
  return slots;
}

function furtherSlots(name: QueueName, total: number): number {
  const { slots } = JOBS[name];
  if ('extra' in slots) return Math.max(1, Math.floor(total * slots.extra));
  return 'fixed' in slots ? slots.fixed : 0;
}
