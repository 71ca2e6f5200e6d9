import { type Runtime, endConnection, onRedisError } from '@syncline/runtime';
import type { Queue } from 'bullmq';
import type { Enqueued } from './job-payload.js';
import { type Handle, QueueWorker } from './queue-worker.js';
import { QUEUE_NAMES, type QueueName } from './queues.js';
import { type FleetRedis, workerConnection } from './redis.js';
import { ErrorLog } from './redis-errors.js';

export interface WorkOptions {
  /**
   * The number of concurrent jobs of each queue in this process, each at least 1. Queues do not
   * share slots.
   */
  concurrency: Record<QueueName, number>;
  handle: Handle;
  /**
   * How long jobs may wait in a queue while this process fetches none of them. Default: a minute.
   * Five times as long while all its slots are occupied.
   */
  stuckAfterMs?: number;
  /** Called once per queue when that time has passed; the process should then be restarted. */
  onUnhealthy?: (queue: QueueName) => void;
}

const STUCK_AFTER_MS = 60_000;

/** The workers of one process. */
export interface WorkerHost {
  /**
   * Stops fetching, aborts the handlers' signals, waits for the handlers and closes. Resolves after
   * `deadlineMs` at the latest, whatever the state of Redis. A job that still runs then is taken
   * over by another worker when its lock expires. Never rejects.
   */
  drain(deadlineMs: number): Promise<void>;
}

export interface HostParts {
  home: FleetRedis;
  queues: Record<QueueName, Queue>;
  enqueue: (job: Enqueued) => Promise<void>;
}

/**
 * Starts one BullMQ worker per queue. They share one connection, and each has a blocking one of its
 * own.
 */
export async function startWorkerHost(
  rt: Runtime,
  parts: HostParts,
  o: WorkOptions,
): Promise<WorkerHost> {
  const errors = new ErrorLog(rt, 'worker_failed');
  const connection = workerConnection(rt, parts.home);
  onRedisError(connection, (error) => errors.report(error));
  const workers = QUEUE_NAMES.map(
    (name) =>
      new QueueWorker(rt, {
        name,
        queue: parts.queues[name],
        prefix: parts.home.settings.redisPrefix,
        holder: parts.home.holder,
        connection,
        concurrency: o.concurrency[name],
        handle: o.handle,
        enqueue: parts.enqueue,
        errors,
        stuckAfterMs: o.stuckAfterMs ?? STUCK_AFTER_MS,
        onUnhealthy: o.onUnhealthy ?? (() => undefined),
      }),
  );
  await Promise.all(workers.map((worker) => worker.ready()));

  let drained: Promise<void> | undefined;
  return {
    drain: (deadlineMs) =>
      (drained ??= drainWorkers(rt, workers, deadlineMs, errors).finally(() =>
        endConnection(connection),
      )),
  };
}

async function drainWorkers(
  rt: Runtime,
  workers: QueueWorker[],
  deadlineMs: number,
  errors: ErrorLog,
): Promise<void> {
  for (const worker of workers) worker.stop();
  const closing = Promise.all(
    workers.map((worker) => worker.close().catch((error: Error) => errors.report(error))),
  );
  const inTime = await within(rt, deadlineMs, closing);
  if (inTime) return;
  rt.log.warn(
    { event: 'drain_deadline_passed', deadlineMs },
    'the workers did not close in time; others get their jobs when the locks expire',
  );
  for (const worker of workers) worker.abandon();
}

/** Returns whether `done` resolved within `ms`. */
async function within(rt: Runtime, ms: number, done: Promise<unknown>): Promise<boolean> {
  const waiting = new AbortController();
  const late = rt.clock.sleep(ms, waiting.signal).then(
    () => false,
    () => true,
  );
  const inTime = await Promise.race([done.then(() => true), late]);
  waiting.abort(new Error('closed in time'));
  return inTime;
}
