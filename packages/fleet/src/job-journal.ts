import { Job } from 'bullmq';
import { isCount, isInstant } from './job-report.js';

/**
 * What a job writes down for people in Bull Board. Each call is a small write to Redis; a run that found nothing new
 * makes none. Nothing personal and no secret goes in.
 */
export interface JobJournal {
  /** A line of the job's log. The last 20 are kept. */
  log(line: string): void;
  /** How far a full sync has come; `total` is null while it is not known. */
  progress(done: number, total: number | null): void;
  /** Why the job is put off, in words. */
  waits(until: Date, reason: string): void;
}

/** The same as Bull Board reads it: `progress`, in percent, is drawn as a ring. */
export type JobProgress =
  { done: number; total: number | null; progress: number } | { waitsUntil: string; reason: string };

const LINES_KEPT = 20;
const LINE_LENGTH = 500;

type JobQueue = Parameters<typeof Job.addJobLog>[0];

/**
 * Nobody waits for these writes: they go out before the one that ends the job, on the same connection.
 * @param queue whose connection that is
 * @param report what to do with an error of a write
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

/** Progress as Redis gave it, or null if it isn't ours. */
export function readJobProgress(raw: unknown): JobProgress | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const { done, total, waitsUntil, reason } = raw as Record<string, unknown>;
  if (isInstant(waitsUntil) && typeof reason === 'string')
    return { waitsUntil, reason: reason.slice(0, LINE_LENGTH) };
  if (!isCount(done)) return null;
  const whole = isCount(total) ? total : null;
  return { done, total: whole, progress: percentOf(done, whole) };
}

/** Google's totals are estimates: more than all is all. */
function percentOf(done: number, total: number | null): number {
  return total === null || total === 0 ? 0 : Math.min(100, Math.floor((100 * done) / total));
}
