import { type SyncQueueName, isFullQueue } from '@syncline/fleet';

/** What Redis tells of a queue. */
export interface QueueLoad {
  /** Jobs that wait for a worker now. */
  waiting: number;
  active: number;
}

/**
 * Waiting jobs that a queue holds at least, before anybody is seen to work: few full syncs, whose
 * slices last seconds, and a tick's worth of incremental syncs, which last milliseconds.
 */
const FULL_FLOOR = 8;
const INCREMENTAL_FLOOR = 200;
/** Waiting jobs for each that runs: enough that no worker is ever idle between two ticks. */
const FULL_PER_ACTIVE = 2;
const INCREMENTAL_PER_ACTIVE = 20;
/** Whatever runs: a wipe of Redis costs no more than this is worth. */
const WAITING_LIMIT = 2_000;

/**
 * How many jobs may be put into a queue now. Queues are kept short, since the order inside them is that of the past: a tenant who comes
 * new waits behind what lies there already, and turns among tenants are taken in Postgres only. How many workers
 * there are need not be known: as they take jobs up, `active` grows, and the room with it.
 */
export function roomIn(queue: SyncQueueName, { waiting, active }: QueueLoad): number {
  const target = isFullQueue(queue)
    ? Math.max(FULL_FLOOR, FULL_PER_ACTIVE * active)
    : Math.max(INCREMENTAL_FLOOR, INCREMENTAL_PER_ACTIVE * active);
  return Math.max(0, Math.min(WAITING_LIMIT, target) - waiting);
}
