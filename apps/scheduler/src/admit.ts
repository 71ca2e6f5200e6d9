import { QUEUE_NAMES, type Enqueued, type QueueName, queueFor } from '@syncline/fleet';
import type { DueCollection } from '@syncline/store';

/**
 * Waiting jobs a queue may hold. It is a minute's work or more for any fleet; beyond it the order of the queue is that of
 * the past, a wipe of Redis costs more, and a new tenant waits behind all of it.
 */
export const WAITING_LIMIT = 2_000;

/**
 * Which of the claimed collections go to their queues, given the jobs that wait there. What finds its queue full is left:
 * it comes due again when its claim lapses. So a queue that stands still never keeps the others from being fed.
 */
export function admit(due: readonly DueCollection[], waiting: Record<QueueName, number>): Enqueued[] {
  const room = Object.fromEntries(QUEUE_NAMES.map((name) => [name, WAITING_LIMIT - waiting[name]])) as Record<QueueName, number>;
  const admitted: Enqueued[] = [];
  for (const { id, kind, phase, wantedFull } of due) {
    const queue = queueFor(kind, phase !== 'follow' || wantedFull);
    if (room[queue] <= 0) continue;
    room[queue] -= 1;
    admitted.push({ collectionId: id, queue });
  }
  return admitted;
}

/** True when every queue is full: then nothing need be claimed. */
export function allFull(waiting: Record<QueueName, number>): boolean {
  return QUEUE_NAMES.every((name) => waiting[name] >= WAITING_LIMIT);
}
