import { Job } from 'bullmq';
import { isCount, isInstant } from './job-report.js';

/**
 * What a job records for people in Bull Board. Each call is a small write to Redis; a run that
 * found nothing new makes none. It must contain no personal data and no secrets.
 */
export interface JobJournal {
  /** Adds a line to the job's log. The last 20 are kept. */
  log(line: string): void;
  /** Sets the progress of a full sync; `total` is null while it is not known. */
  progress(done: number, total: number | null): void;
  /** Sets the reason for a delay, as a text. */
  waits(until: Date, reason: string): void;
}

/** The same in the form that Bull Board reads: it draws `progress`, in percent, as a ring. */
export type JobProgress =
  { done: number; total: number | null; progress: number } | { waitsUntil: string; reason: string };

const LINES_KEPT = 20;
const LINE_LENGTH = 500;

type JobQueue = Parameters<typeof Job.addJobLog>[0];

/**
 * Does not await the writes: they are sent before the command that ends the job, on the same
 * connection.
 * @param queue the queue with that connection
 * @param report called with the error of a failed write
 */
export function journalOf(queue: JobQueue, job: Job, report: (error: Error) => void): JobJournal {
  const log = (line: string): void => {
    Job.addJobLog(queue, String(job.id), line.slice(0, LINE_LENGTH), LINES_KEPT).catch(report);
  };
  const note = (progress: JobProgress): void => {
    job.updateProgress(progress).catch(report);
  };
  return {
    log,
    progress: (done, total) => note({ done, total, progress: percentOf(done, total) }),
    waits: (until, reason) => {
      const waitsUntil = until.toISOString();
      note({ waitsUntil, reason: reason.slice(0, LINE_LENGTH) });
      log(`waits until ${waitsUntil}: ${reason}`);
    },
  };
}

/** Returns a job's progress from Redis, or null when it does not have our form. */
export function readJobProgress(raw: unknown): JobProgress | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const { done, total, waitsUntil, reason } = raw as Record<string, unknown>;
  if (isInstant(waitsUntil) && typeof reason === 'string')
    return { waitsUntil, reason: reason.slice(0, LINE_LENGTH) };
  if (!isCount(done)) return null;
  const whole = isCount(total) ? total : null;
  return { done, total: whole, progress: percentOf(done, whole) };
}

/** Google's totals are estimates, so the result is capped at 100. */
function percentOf(done: number, total: number | null): number {
  return total === null || total === 0 ? 0 : Math.min(100, Math.floor((100 * done) / total));
}
