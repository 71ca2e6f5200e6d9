/** The queues of the fleet. Names are API: operators see them in Bull Board, dashboards and alerts are keyed by them. */
export type QueueName = SyncQueueName | 'watch';

/**
 * The resources whose collections have queues of their own, and their shares of a worker's slots. Gmail gets more than
 * Calendar since a mailbox holds a hundred times what a calendar does. Following gets as much as walking although its jobs
 * are short: its latency is what customers see, and a push storm arrives at once. Named as in the store, which fleet does
 * not know.
 */
const RESOURCES = { gmail: { share: 3 }, calendar: { share: 2 } } as const;

export type ResourceName = keyof typeof RESOURCES;

/** Where collections are synced; `watch` looks after what rings for them. */
export type SyncQueueName = `${ResourceName}-full` | `${ResourceName}-incremental`;

export const SYNC_QUEUES: readonly SyncQueueName[] = (
  Object.keys(RESOURCES) as ResourceName[]
).flatMap((resource): SyncQueueName[] => [`${resource}-full`, `${resource}-incremental`]);
export const QUEUE_NAMES: readonly QueueName[] = [...SYNC_QUEUES, 'watch'];

/**
 * What BullMQ puts before the names of a queue's keys: `syncline:{gmail-full}:gmail-full:wait`. The braces are a hash tag, which keeps all keys of a queue
 * in one slot of a cluster.
 */
export function queuePrefix(prefix: string, queue: QueueName): string {
  return `${prefix}:{${queue}}`;
}

/** A kind of collection begins with its resource's name, as a queue does. */
type OfResource = ResourceName | `${ResourceName}-${string}`;

export function isResourceName(name: unknown): name is ResourceName {
  return typeof name === 'string' && Object.hasOwn(RESOURCES, name);
}

/** The resource of a queue or of a kind of collection. */
export function resourceNamedBy(name: OfResource): ResourceName {
  return name.split('-', 1)[0] as ResourceName;
}

/**
 * The queue that a collection's work belongs to. `full` is a full sync over everything (phases
 * `pending` and `full`); the rest continues from a sync position. The two never share a queue: one
 * backfill of 100,000 messages in front of a thousand polls would make every mailbox an hour stale.
 */
export function queueFor(kind: OfResource, full: boolean): SyncQueueName {
  return `${resourceNamedBy(kind)}-${full ? 'full' : 'incremental'}`;
}

/** The queue of the same resource for full or incremental work: where a job goes on when its phase changed. */
export function siblingQueue(queue: SyncQueueName, full: boolean): SyncQueueName {
  return queueFor(queue, full);
}

/** Whether the queue holds full syncs rather than incremental syncs. */
export function isFullQueue(queue: SyncQueueName): boolean {
  return queue.endsWith('-full');
}

/** Its share of a worker's slots, of those of all queues together. */
export function shareOf(queue: SyncQueueName): number {
  return RESOURCES[resourceNamedBy(queue)].share;
}
