/**
 * The catalogue of jobs. Everything that is particular to a kind of job stands here once: what it holds, how many run at
 * once, how long one may run, how it is tried again, and how BullMQ keeps it. A job's queue names its kind.
 */
import { backoffMs as cappedBackoffMs } from '@syncline/runtime';
import type { JobsOptions } from 'bullmq';
import { type JobPayload, readJobData } from './job-payload.js';
import { type QueueName, SYNC_QUEUES, type SyncQueueName, shareOf } from './queues.js';

export interface JobKind {
  /** The payload of a job as Redis gave it; null when it isn't exactly ours. */
  read(raw: unknown): JobPayload | null;
  /** Slots in each worker process: a share of WORKER_CONCURRENCY, or a number beside it. */
  slots: { share: number } | { fixed: number };
  /** After this time the job's signal is aborted: the page in hand is committed or given up. */
  timeoutMs: number;
  retry: RetryPolicy;
}

/** Failed attempts, delays excluded; the pause doubles from the first to the cap, its upper half by chance. */
interface RetryPolicy {
  attempts: number;
  firstMs: number;
  capMs: number;
}

const MINUTE_MS = 60_000;
/** A sync's slice lasts seconds. A page behind a slow Google may take minutes, and more than this only by a bug. */
const SYNC_TIMEOUT_MS = 15 * MINUTE_MS;
/** One or two calls, which end after 20 s by themselves. */
const WATCH_TIMEOUT_MS = MINUTE_MS;
/** Looking after a watch is one or two calls, five days apart: these slots serve a million mailboxes. */
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
 * How BullMQ treats a job.
 *
 * - `keepLastIfActive`: at most one job of a collection runs and one more waits. Without it a
 *   hint that arrives during a
 *   run is lost (measured: 28 of 300 accounts missed their last change); with a job id instead, a
 *   kept failed job would block its collection for a week.
 * - Completed jobs are kept, 1,000 a queue: it costs 14 % of Redis' CPU and 1.3 MB a queue, and
 *   is what lets an operator see
 *   in Bull Board that work is being done. Failed ones last a week; never by age alone, since an
 *   outage can fail a million (1.3 GB) in an hour.
 * - A full sync that somebody who has just connected waits for goes to the head of its queue.
 *   Priorities would do the same, but a queue in
 *   which some jobs have one is two lists, and stalled jobs leave theirs.
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
 * How long until the next attempt, in ms, after `attemptsMade` (≥ 1) failed: the upper half of it is by chance, so that
 * what failed together doesn't come back together. BullMQ's own exponential backoff has jitter but no cap. `chance` is
 * uniform in [0, 1).
 */
export function backoffMs(queue: QueueName, attemptsMade: number, chance: number): number {
  return Math.round(cappedBackoffMs(attemptsMade, JOBS[queue].retry, chance));
}

function syncJobs(): Record<SyncQueueName, JobKind> {
  const kinds = SYNC_QUEUES.map((queue): [SyncQueueName, JobKind] => [
    queue,
    {
      read: (raw) => readJobData(raw, queue),
      slots: { share: shareOf(queue) },
      timeoutMs: SYNC_TIMEOUT_MS,
      retry: RETRY,
    },
  ]);
  return Object.fromEntries(kinds) as Record<SyncQueueName, JobKind>;
}
