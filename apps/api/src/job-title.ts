import {
  JOBS,
  type JobReport,
  type QueueName,
  jobName,
  readJobProgress,
  readJobReport,
} from '@syncline/fleet';

/** A job as Bull Board has read it from Redis. */
export interface ShownJob {
  data?: unknown;
  progress?: unknown;
  returnvalue?: unknown;
  finishedOn?: unknown;
  failedReason?: unknown;
}

/**
 * Returns a job's title on the board: the tenant, and the outcome or the reason to wait. For
 * example `gmail incremental acme: caught up, 3 changes`.
 */
export function jobTitle(queue: QueueName, job: ShownJob): string {
  const payload = JOBS[queue].read(job.data);
  if (payload === null) return 'not a job of this queue';
  const state = stateOf(job);
  const name = jobName(queue, payload);
  return state === null ? name : `${name}: ${state}`;
}

function stateOf({ progress, returnvalue, finishedOn, failedReason }: ShownJob): string | null {
  const report = readJobReport(returnvalue);
  if (report !== null) return endOf(report);
  const isOver = finishedOn != null;
  if (typeof failedReason === 'string') return isOver ? 'failed' : 'failed, to be tried again';
  const now = readJobProgress(progress);
  if (now === null || isOver) return null;
  if ('waitsUntil' in now) return `waits until ${now.waitsUntil.slice(11, 19)} UTC (${now.reason})`;
  return now.total === null ? `${now.done} items` : `${now.done} of ${now.total} items`;
}

function endOf({ outcome, reason, sync }: JobReport): string {
  const changes = sync?.changes ?? 0;
  const words = outcome.replaceAll('-', ' ');
  if (reason !== null) return `${words}, ${reason}`;
  return changes === 0 ? words : `${words}, ${changes} change${changes === 1 ? '' : 's'}`;
}
