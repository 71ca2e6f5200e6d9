/** The queues of the fleet. Names are API: operators see them in Bull Board, dashboards and alerts are keyed by them. */
export type QueueName = SyncQueueName | 'watch';

/** Where collections are synced; `watch` looks after what rings for them. */
export type SyncQueueName =
  'gmail-full' | 'gmail-incremental' | 'calendar-full' | 'calendar-incremental';

export const SYNC_QUEUES: readonly SyncQueueName[] = [
  'gmail-full',
  'gmail-incremental',
  'calendar-full',
  'calendar-incremental',
];
export const QUEUE_NAMES: readonly QueueName[] = [...SYNC_QUEUES, 'watch'];

/**
 * What BullMQ puts before the names of a queue's keys: `syncline:{gmail-full}:gmail-full:wait`. The braces are a hash tag, which keeps all keys of a queue
 * in one slot of a cluster.
 */
export function queuePrefix(prefix: string, queue: QueueName): string {
  return `${prefix}:{${queue}}`;
}

/** What a collection is, as far as a queue is chosen by it. Store's CollectionKind, repeated since fleet doesn't know store. */
export type CollectionKindLike = 'gmail' | 'calendar-list' | 'calendar-events';

/**
 * The queue that a collection's work belongs to. `full` is a walk over everything (phases `new` and `backfill`); the rest
 * follows a bookmark. The two never share a queue: one backfill of 100,000 messages in front of a thousand polls would
 * make every mailbox an hour stale.
 */
export function queueFor(kind: CollectionKindLike, full: boolean): SyncQueueName {
  const family = kind === 'gmail' ? 'gmail' : 'calendar';
  return full ? `${family}-full` : `${family}-incremental`;
}

/** The queue of the same family (Gmail or Calendar) for full or incremental work: where a job goes on when its phase changed. */
export function siblingQueue(queue: SyncQueueName, full: boolean): SyncQueueName {
  const family = queue === 'gmail-full' || queue === 'gmail-incremental' ? 'gmail' : 'calendar';
  return full ? `${family}-full` : `${family}-incremental`;
}

/** Whether the queue holds walks rather than follows. */
export function isWalkQueue(queue: SyncQueueName): boolean {
  return queue === 'gmail-full' || queue === 'calendar-full';
}
