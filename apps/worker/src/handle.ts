/**
 * Runs a job: calls the sync loop and translates its outcome for the queue. No other decision is
 * made here.
 */
import {
  type Handle,
  type JobResult,
  type JobRun,
  type QueueName,
  type SyncQueueName,
  resourceNamedBy,
  siblingQueue,
} from '@syncline/fleet';
import { type Runtime, unreachable, type LogFields } from '@syncline/runtime';
import {
  type Outcome,
  type OutcomeKind,
  QUEUED_SNOOZE_LIMIT_MS,
  type RunTotals,
  type SyncDeps,
  type WatchOutcome,
  maintainWatch,
  syncCollection,
} from '@syncline/sync';
import { reportOf, summaryOf } from './job-words.js';
import { isQuiet, type QuietSyncs } from './quiet-syncs.js';

/**
 * Long enough that claiming a lease and committing pages outweigh the change between collections,
 * short enough that other collections do not wait for one mailbox.
 */
const SLICE_MS = 5_000;
/**
 * Slices that began together must not end together: a slot's next mailbox begins with a token, a
 * profile and labels, and twenty of those at once delay incremental syncs.
 */
const SLICE_SPREAD = 0.5;

/**
 * The maximum delay of a job that waits for a lease. A lease may end before its expiry: its run
 * finishes, or its holder is found dead. Until then the waiting job occupies the collection's place
 * in the queue.
 */
const BUSY_LIMIT_MS = 1_500;
const BUSY_JITTER_MS = 500;

export function handleJob(rt: Runtime, deps: SyncDeps, quiet: QuietSyncs): Handle {
  return async (job) => {
    if (job.queue === 'watch') return maintain(rt, deps, job);
    return sync(rt, deps, job, job.queue, quiet);
  };
}

async function sync(
  rt: Runtime,
  deps: SyncDeps,
  job: JobRun,
  queue: SyncQueueName,
  quiet: QuietSyncs,
): Promise<JobResult> {
  const beganMs = rt.clock.nowMs();
  const { outcome, totals } = await syncAndMeasure(rt, deps, job, queue);
  const ms = rt.clock.nowMs() - beganMs;
  const report = reportOf(outcome, totals, ms);
  const foundNothing = isQuiet(outcome, ms);
  if (foundNothing) quiet.add(queue, ms);
  rt.log[foundNothing ? 'debug' : 'info'](
    { event: 'job', ...idsOf(job), ms, ...outcomeFields(outcome) },
    'a slice of work ended',
  );
  const result = jobResult(outcome, queue, rt.clock.nowMs(), rt.random.next());
  // Each of these is a write to Redis, and most syncs find no changes.
  if (!foundNothing && (result.kind !== 'delay' || report.sync.pages > 0))
    job.journal.log(summaryOf(`${job.payload.mode} sync`, outcome, report));
  if (result.kind === 'delay') job.journal.waits(result.until, report.reason ?? outcome.kind);
  return { ...result, report };
}

/** Maintains a watch. Postgres has the date of its next maintenance, whatever the outcome. */
async function maintain(rt: Runtime, deps: SyncDeps, job: JobRun): Promise<JobResult> {
  const beganMs = rt.clock.nowMs();
  const outcome = await maintainWatch(rt, deps, job.collectionId, { signal: job.signal });
  rt.metrics.watchWork.inc({ outcome });
  rt.log.info({ event: 'job', ...idsOf(job), outcome }, 'a watch was maintained');
  job.journal.log(WATCH_WORDS[outcome]);
  return {
    kind: 'done',
    report: { outcome, reason: WATCH_WORDS[outcome], durationMs: rt.clock.nowMs() - beganMs },
  };
}

const WATCH_WORDS: Record<WatchOutcome, string> = {
  watched: 'Google notifies of changes from now on',
  stopped: 'Google was asked to stop its notifications',
  waiting: 'there is nothing to do now',
  refused: 'Google does not notify of this collection now; it is polled',
  busy: 'another worker maintains this watch',
  'taken-over': 'another worker has taken over this watch',
};

/** Returns the job's result. `nowMs` is since the epoch, `chance` uniform in [0, 1). */
export function jobResult(
  outcome: Outcome,
  queue: SyncQueueName,
  nowMs: number,
  chance: number,
): JobResult {
  switch (outcome.kind) {
    case 'caught-up':
    case 'gone':
    case 'reauth-required':
    case 'parked':
    case 'held':
      return { kind: 'done' };
    case 'more':
      return { kind: 'again', queue: siblingQueue(queue, outcome.full) };
    case 'snoozed':
      return outcome.until.getTime() - nowMs > QUEUED_SNOOZE_LIMIT_MS
        ? { kind: 'done' }
        : { kind: 'delay', until: outcome.until };
    case 'busy':
      // Two jobs that wait for the same lease should not return in the same millisecond.
      return {
        kind: 'delay',
        until: new Date(
          Math.min(outcome.until.getTime(), nowMs + BUSY_LIMIT_MS) + chance * BUSY_JITTER_MS,
        ),
      };
    default:
      return unreachable(outcome);
  }
}

async function syncAndMeasure(
  rt: Runtime,
  deps: SyncDeps,
  job: JobRun,
  queue: SyncQueueName,
): Promise<{ outcome: Outcome; totals: RunTotals | null }> {
  const kind = resourceNamedBy(queue);
  const endTimer = rt.metrics.syncSliceSeconds.startTimer({ kind });
  let outcomeKind: OutcomeKind = 'failed';
  let totals: RunTotals | null = null;
  const progress = progressOf(rt, job);
  try {
    const outcome = await syncCollection(rt, deps, job.collectionId, {
      sliceMs: sliceMsBy(rt.random.next()),
      signal: job.signal,
      observer: {
        progressed: progress.report,
        finished: (of) => {
          totals = of;
          progress.finish();
        },
      },
    });
    outcomeKind = outcome.kind;
    return { outcome, totals };
  } finally {
    endTimer();
    rt.metrics.syncOutcomes.inc({ kind, outcome: outcomeKind });
  }
}

/** Each report is two writes to Redis, for each of the jobs that a worker runs at once. */
const PROGRESS_INTERVAL_MS = 5_000;

/** Reports the progress of a run at most every five seconds, and its last progress at the end. */
function progressOf(
  rt: Runtime,
  { journal }: JobRun,
): { report(done: number, total: number | null): void; finish(): void } {
  let dueMs = 0;
  let unreported: [done: number, total: number | null] | null = null;
  const finish = (): void => {
    if (unreported) journal.progress(...unreported);
    unreported = null;
  };
  return {
    report: (done, total) => {
      unreported = [done, total];
      if (rt.clock.nowMs() < dueMs) return;
      dueMs = rt.clock.nowMs() + PROGRESS_INTERVAL_MS;
      finish();
    },
    finish,
  };
}

/** Returns the length of a slice: between 3.75 and 6.25 s, by `chance` in [0, 1). */
export function sliceMsBy(chance: number): number {
  return SLICE_MS * (1 + SLICE_SPREAD * (chance - 0.5));
}

function idsOf(job: JobRun): { collectionId: string; queue: QueueName; attempt: number } {
  return { collectionId: job.collectionId, queue: job.queue, attempt: job.attempt };
}

/**
 * Returns the outcome as fields of a log line; its reasons are fixed phrases and Google's error
 * codes.
 */
function outcomeFields(outcome: Outcome): LogFields {
  const { kind, ...rest } = outcome;
  return { outcome: kind, ...rest };
}
