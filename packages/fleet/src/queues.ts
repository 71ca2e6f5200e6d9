/**
 * The queues of the fleet. Their names are API: operators see them in Bull Board, and dashboards
 * and alerts use them.
 */
export type QueueName = SyncQueueName | 'watch';

/**
 * The slots of a queue in each worker process: a share of WORKER_CONCURRENCY, or slots in addition
 * to it: `extra` times that number, or a fixed number.
 */
export type Slots = { share: number } | { extra: number } | { fixed: number };

/**
 * The resources that have queues of their own, and the slots of each of their two queues. Gmail
 * gets more than Calendar because a mailbox holds a hundred times as much as a calendar.
 * Incremental syncs get as much as full syncs although their jobs are short: customers see their
 * latency, and many notifications may arrive at once. Contacts have extra slots: they are off by
 * default, and a share would be idle then. The names are those of the store, which this package
 * does not import.
 */
const RESOURCES = {
  gmail: { share: 3 },
  calendar: { share: 2 },
  contacts: { extra: 1 / 8 },
} as const satisfies Record<string, Slots>;

export type ResourceName = keyof typeof RESOURCES;

/** The queues of syncs; the queue `watch` holds the jobs that maintain watches and channels. */
export type SyncQueueName = `${ResourceName}-full` | `${ResourceName}-incremental`;

export const SYNC_QUEUES: readonly SyncQueueName[] = (
  Object.keys(RESOURCES) as ResourceName[]
).flatMap((resource): SyncQueueName[] => [`${resource}-full`, `${resource}-incremental`]);
export const QUEUE_NAMES: readonly QueueName[] = [...SYNC_QUEUES, 'watch'];

/**
 * Returns BullMQ's prefix of a queue's keys: `syncline:{gmail-full}:gmail-full:wait`. The braces
 * are a hash tag, which keeps all keys of a queue in one slot of a cluster.
 */
export function queuePrefix(prefix: string, queue: QueueName): string {
  return `${prefix}:{${queue}}`;
}

/** A collection kind begins with the name of its resource, as a queue does. */
type OfResource = ResourceName | `${ResourceName}-${string}`;

export function isResourceName(name: unknown): name is ResourceName {
  return typeof name === 'string' && Object.hasOwn(RESOURCES, name);
}

/** Returns the resource of a queue or of a collection kind. */
export function resourceNamedBy(name: OfResource): ResourceName {
  return name.split('-', 1)[0] as ResourceName;
}

/**
 * Returns the queue for a collection's work. `full` is a full sync (phases `pending` and `full`);
 * an incremental sync continues from a sync position. The two have separate queues: one full sync
 * of 100,000 messages in front of a thousand incremental syncs would make every mailbox an hour
 * stale.
 */
export function queueFor(kind: OfResource, full: boolean): SyncQueueName {
  return `${resourceNamedBy(kind)}-${full ? 'full' : 'incremental'}`;
}

/**
 * Returns the queue of the same resource for full or incremental syncs. A job continues there when
 * its phase changed.
 */
export function siblingQueue(queue: SyncQueueName, full: boolean): SyncQueueName {
  return queueFor(queue, full);
}

/** Whether the queue holds full syncs rather than incremental syncs. */
export function isFullQueue(queue: SyncQueueName): boolean {
  return queue.endsWith('-full');
}

export function slotsOf(queue: SyncQueueName): Slots {
  return RESOURCES[resourceNamedBy(queue)];
}
