import { type SyncQueueName, isWalkQueue } from '@syncline/fleet';

/** What Redis tells of a queue. */
export interface QueueLoad {
  /** Jobs that wait for a worker now. */
  waiting: number;
  active: number;
}

/**
 * Waiting jobs that a queue holds at least, before anybody is seen to work: few walks, whose slices last seconds, and a tick's
 * worth of follows, which last milliseconds.
 */
const WALKS_FLOOR = 8;
const FOLLOWS_FLOOR = 200;
/** Waiting jobs for each that runs: enough that no worker is ever idle between two ticks. */
const WALKS_PER_ACTIVE = 2;
const FOLLOWS_PER_ACTIVE = 20;
/** Whatever runs: a wipe of Redis costs no more than this is worth. */
const WAITING_LIMIT = 2_000;

/**
 * How many jobs may be put into a queue now. Queues are kept short, since the order inside them is that of the past: a tenant who comes
 * new waits behind what lies there already, and turns among tenants are taken in Postgres only. How many workers
 * there are need not be known: as they take jobs up, `active` grows, and the room with it.
 */
export function roomIn(queue: SyncQueueName, { waiting, active }: QueueLoad): number {
  const wanted = isWalkQueue(queue)
    ? Math.max(WALKS_FLOOR, WALKS_PER_ACTIVE * active)
    : Math.max(FOLLOWS_FLOOR, FOLLOWS_PER_ACTIVE * active);
  return Math.max(0, Math.min(WAITING_LIMIT, wanted) - waiting);
}
