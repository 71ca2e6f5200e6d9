import { type SyncQueueName, isFullQueue } from '@syncline/fleet';

/** The load of a queue, from Redis. */
export interface QueueLoad {
  /** Jobs that wait for a worker now. */
  waiting: number;
  active: number;
}

/**
 * The minimum number of waiting jobs of a queue, before any job is active: few full syncs, whose
 * slices last seconds, and a tick's worth of incremental syncs, which last milliseconds.
 */
const FULL_FLOOR = 8;
const INCREMENTAL_FLOOR = 200;
/** Waiting jobs per active job: enough to keep every worker busy between two ticks. */
const FULL_PER_ACTIVE = 2;
const INCREMENTAL_PER_ACTIVE = 20;
/**
 * The maximum for any number of active jobs: bounds the work that a loss of Redis' data repeats.
 */
const WAITING_LIMIT = 2_000;

/**
 * Returns how many jobs may be put into a queue now. Queues are kept short, since their order is
 * fixed when jobs are enqueued: a new tenant waits behind the jobs that are already there, and fair
 * shares apply to claims in Postgres only. The number of workers need not be known: as they take
 * jobs, `active` grows, and the room with it.
 */
export function roomIn(queue: SyncQueueName, { waiting, active }: QueueLoad): number {
  const target = isFullQueue(queue)
    ? Math.max(FULL_FLOOR, FULL_PER_ACTIVE * active)
    : Math.max(INCREMENTAL_FLOOR, INCREMENTAL_PER_ACTIVE * active);
  return Math.max(0, Math.min(WAITING_LIMIT, target) - waiting);
}
