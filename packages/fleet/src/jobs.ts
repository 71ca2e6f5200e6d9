/**
 * The catalogue of jobs: for each kind its payload, the number of concurrent jobs, the timeout, the
 * retries, and how BullMQ keeps it. A job's queue is its kind.
 */
import { backoffMs as cappedBackoffMs } from '@syncline/runtime';
import type { JobsOptions } from 'bullmq';
import { type JobPayload, readJobData } from './job-payload.js';
import { type QueueName, type Slots, SYNC_QUEUES, type SyncQueueName, slotsOf } from './queues.js';

export interface JobKind {
  /** Reads the payload of a job from Redis; null when it does not have exactly our form. */
  read(raw: unknown): JobPayload | null;
  slots: Slots;
  /**
   * After this time the job's signal is aborted; the current page is then committed or abandoned.
   */
  timeoutMs: number;
  retry: RetryPolicy;
}

/**
 * Counts failed attempts, not delays. The pause doubles from the first to the cap; its upper half
 * is random.
 */
interface RetryPolicy {
  attempts: number;
  firstMs: number;
  capMs: number;
}

const MINUTE_MS = 60_000;
/** A run lasts seconds. A page may take minutes when Google is slow; more than this is a bug. */
const SYNC_TIMEOUT_MS = 15 * MINUTE_MS;
/** A watch job makes one or two calls, which time out after 20 s. */
const WATCH_TIMEOUT_MS = MINUTE_MS;
/**
 * Maintaining a watch takes one or two calls every five days, so these slots serve a million
 * mailboxes.
 */
const WATCH_SLOTS = 2;
const RETRY: RetryPolicy = { attempts: 8, firstMs: 2_000, capMs: 2 * MINUTE_MS };

const DATA_BYTES_LIMIT = 256;

export const JOBS: Readonly<Record<QueueName, JobKind>> = {
  ...syncJobs(),
  watch: {
    read: (raw) => readJobData(raw, 'watch'),
    slots: { fixed: WATCH_SLOTS },
    timeoutMs: WATCH_TIMEOUT_MS,
    retry: RETRY,
  },
};

/**
 * Returns BullMQ's options for a job.
 *
 * - `keepLastIfActive`: at most one job of a collection runs and one more waits. Without it a
 *   notification that arrives during a run is lost (measured: 28 of 300 accounts missed their last
 *   change). With a job id instead, a kept failed job would block its collection for a week.
 * - Completed jobs are kept, 1,000 per queue, so that an operator can see in Bull Board that work
 *   is done. It costs 14 % of Redis's CPU and 1.3 MB per queue. Failed jobs are kept for a week,
 *   with a limit on their number too, because an outage can fail a million (1.3 GB) in an hour.
 * - A full sync of a newly connected account goes to the head of its queue. Priorities would have
 *   the same effect, but a queue in which some jobs have one is two lists, and stalled jobs lose
 *   their priority.
 */
export function jobOptions(queue: QueueName, collectionId: string, first = false): JobsOptions {
  return {
    ...(first ? { lifo: true } : {}),
    attempts: JOBS[queue].retry.attempts,
    backoff: { type: 'capped-exponential' },
    deduplication: { id: collectionId, keepLastIfActive: true },
    removeOnComplete: { count: 1_000 },
    removeOnFail: { age: 7 * 24 * 3600, count: 10_000 },
    sizeLimit: DATA_BYTES_LIMIT,
    stackTraceLimit: 3,
  };
}

/**
 * Returns the pause before the next attempt in ms, after `attemptsMade` (≥ 1) failed. The upper
 * half of it is random, so that jobs that failed together do not return together. BullMQ's own
 * exponential backoff has jitter but no cap.
 * @param chance uniform in [0, 1)
 */
export function backoffMs(queue: QueueName, attemptsMade: number, chance: number): number {
  return Math.round(cappedBackoffMs(attemptsMade, JOBS[queue].retry, chance));
}

function syncJobs(): Record<SyncQueueName, JobKind> {
  const kinds = SYNC_QUEUES.map((queue): [SyncQueueName, JobKind] => [
    queue,
    {
      read: (raw) => readJobData(raw, queue),
      slots: slotsOf(queue),
      timeoutMs: SYNC_TIMEOUT_MS,
      retry: RETRY,
    },
  ]);
  return Object.fromEntries(kinds) as Record<SyncQueueName, JobKind>;
}
