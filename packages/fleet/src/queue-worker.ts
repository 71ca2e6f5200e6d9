/**
 * The worker of one queue: BullMQ's Worker with additions from production experience. A job ends in
 * one of these ways:
 *
 * - `done`: completed.
 * - `again`: completed, and the collection continues in the named queue. It is added at once if no
 *   job waits there (deduplication holds it back until this one has ended, so a collection never
 *   runs twice at once), and otherwise by the scheduler when it is the tenant's turn. If each job
 *   re-added itself, a tenant with two hundred full syncs would hold two hundred places in the
 *   queue.
 * - `delay`: postponed until a time; no attempt is spent.
 * - thrown: an attempt is spent, and BullMQ retries after `backoffMs`. Redis keeps a JobFailure.
 * - given back while this process drains: to the head of its queue; no attempt is spent.
 *
 * After a lost lock (this process was suspended, or Redis was away) another worker may have the
 * job. The handler's signal is aborted, and the lease's fence in Postgres rejects its later writes.
 */
import {
  OwnError,
  type RedisConnection,
  type Runtime,
  runLoop,
  unreachable,
} from '@syncline/runtime';
import {
  DelayedError,
  type Job,
  type Queue,
  UnrecoverableError,
  WaitingError,
  Worker,
} from 'bullmq';
import { JobFailure, asJobFailure } from './job-failure.js';
import type { Enqueued, JobData, JobPayload, JobSubject } from './job-payload.js';
import { type JobJournal, journalOf } from './job-journal.js';
import type { JobReport } from './job-report.js';
import { JOBS, backoffMs } from './jobs.js';
import { type QueueName, queuePrefix } from './queues.js';
import { Breaker, type ErrorLog, errorKey } from './redis-errors.js';
import { hasStopped, fetchStalledSince } from './watchdog.js';

/** Renewed every 2 to 4 s. Shorter locks would expire while the event loop is busy. */
const LOCK_MS = 8_000;
/**
 * When a dead worker is not detected otherwise (a stopped process, a lost machine), its job returns
 * one check after its lock has expired, or two when the first falls into the pause that BullMQ
 * keeps between the checks of different workers: 9.5 to 11 s. With 2.5 s the maximum was 12.5 s. A
 * check is one small script.
 */
const STALL_CHECK_MS = 1_500;
/**
 * After this many kills BullMQ fails a job permanently, with attempts left. High: deploys and OOM
 * kills are not the job's fault; an item that kills its worker is quarantined through Postgres.
 */
const STALLS_LIMIT = 1_000_000;
const WATCH_EVERY_MS = 10_000;
/** The least number of checks within the time after which a worker counts as stuck. */
const CHECKS_BEFORE_STUCK = 4;
/** A check later than this was delayed by a stop or by Redis: the worker could not fetch either. */
const LATE_CHECK_MS = 5_000;
/** A `delay` into the past would cause a busy loop. */
const MIN_DELAY_MS = 250;

/** What is to be done with the job, and the return value of a completed job. */
export type JobResult = { report?: JobReport } & (
  { kind: 'done' } | { kind: 'again'; queue: QueueName } | { kind: 'delay'; until: Date }
);

export interface JobRun {
  collectionId: string;
  queue: QueueName;
  payload: JobPayload;
  journal: JobJournal;
  /** 1 for the first attempt; counts failures, not kills and delays. */
  attempt: number;
  /**
   * Aborted when this process drains or the lock is lost: commit or abandon the page and return.
   */
  signal: AbortSignal;
}

type StoredJob = Job<JobData, JobReport | undefined>;

interface Running {
  run: AbortController;
  beganMs: number;
}

const UNKNOWN_DATA =
  'the data of this job does not fit its queue: it was evicted, made by hand, or made by another version; the scheduler enqueues the collection again';

class JobTimeout extends OwnError {
  override readonly name = 'JobTimeout';
  constructor(ms: number) {
    super(`the job ran for longer than ${ms / 60_000} minutes`);
  }
}

export type Handle = (run: JobRun) => Promise<JobResult>;

export interface QueueWorkerOptions {
  queue: Queue;
  name: QueueName;
  prefix: string;
  /** BullMQ writes it into each active job and into the name of its blocking connection. */
  holder: string | undefined;
  connection: RedisConnection;
  concurrency: number;
  handle: Handle;
  /** Adds a job to its queue. */
  enqueue: (job: Enqueued) => Promise<void>;
  errors: ErrorLog;
  /** How long jobs may wait for this worker while it fetches none. */
  stuckAfterMs: number;
  onUnhealthy: (queue: QueueName) => void;
}

export class QueueWorker {
  readonly #worker: Worker<JobData, JobReport | undefined>;
  readonly #running = new Map<string, Running>();
  readonly #stopped = new AbortController();
  readonly #breaker = new Breaker();
  readonly #loop: string;
  #fetchedAtMs: number;
  #whenIdle: (() => void) | undefined;
  #starvingSinceMs: number | null = null;
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  #isStuckLogged = false;

  constructor(
    private readonly rt: Runtime,
    private readonly o: QueueWorkerOptions,
  ) {
    this.#fetchedAtMs = rt.clock.nowMs();
    this.#loop = `queue-${o.name}`;
    this.#worker = new Worker(o.name, (job, token) => this.#process(job, token), {
      connection: o.connection,
      prefix: queuePrefix(o.prefix, o.name),
      ...(o.holder === undefined ? {} : { name: o.holder }),
      concurrency: o.concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALL_CHECK_MS,
      maxStalledCount: STALLS_LIMIT,
      settings: {
        backoffStrategy: (attemptsMade) => backoffMs(o.name, attemptsMade, rt.random.next()),
      },
    });
    this.#listen();
    void this.#watch();
  }

  /** Resolves when the worker can fetch jobs. */
  ready(): Promise<void> {
    return this.#worker.waitUntilReady();
  }

  /** Stops fetching and aborts the signals of running jobs. Returns at once. */
  stop(): void {
    this.#stopped.abort(new Error('draining'));
    for (const { run } of this.#running.values()) run.abort(new Error('draining'));
    // `true`: does not wait for running jobs. It uses no connection, so it works without Redis.
    this.#worker.pause(true).catch((error: Error) => this.o.errors.report(error));
  }

  /**
   * Waits for the running jobs and closes; call stop() first. Never resolves while Redis is away
   * (bullmq #4656), so callers must bound the wait.
   */
  async close(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    await this.#worker.close();
  }

  /** Ends without waiting. Locks are not renewed; other workers get the jobs when they expire. */
  abandon(): void {
    const report = (error: Error): void => this.o.errors.report(error);
    this.#worker.close(true).catch(report);
    // close(true) does not end a close() that already hangs, so the connection is closed.
    this.#worker.disconnect().catch(report);
  }

  async #process(job: StoredJob, token: string | undefined): Promise<JobReport | undefined> {
    // BullMQ may fetch one more job after pause(), because its blocking read was already in flight.
    if (this.#stopped.signal.aborted) return await this.#giveBack(job, token);
    const run = new AbortController();
    const id = String(job.id);
    this.#running.set(id, { run, beganMs: this.rt.clock.nowMs() });
    try {
      return await this.#run(job, token, run.signal);
    } finally {
      this.#running.delete(id);
      if (this.#running.size === 0) this.#whenIdle?.();
    }
  }

  async #run(
    job: StoredJob,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<JobReport | undefined> {
    const payload = JOBS[this.o.name].read(job.data);
    if (payload === null) {
      this.#count('failed');
      throw new UnrecoverableError(UNKNOWN_DATA);
    }
    const journal = journalOf(this.#worker, job, (error) => this.o.errors.report(error));
    const attempt = job.attemptsMade + 1;
    let result: JobResult;
    try {
      result = await this.o.handle({
        collectionId: payload.collection,
        queue: this.o.name,
        payload,
        journal,
        attempt,
        signal,
      });
    } catch (error) {
      if (this.#stopped.signal.aborted) return await this.#giveBack(job, token);
      this.#count('failed');
      const failure = asJobFailure(error);
      journal.log(`attempt ${attempt} of ${JOBS[this.o.name].retry.attempts}: ${failure.message}`);
      throw failure;
    }
    this.#count(result.kind);
    await this.#conclude(result, payload, job, token);
    return result.report;
  }

  async #conclude(
    result: JobResult,
    payload: JobPayload,
    job: StoredJob,
    token: string | undefined,
  ): Promise<void> {
    switch (result.kind) {
      case 'done':
        return;
      case 'again':
        // An error (Redis is away) spends an attempt only: Postgres has the work as due.
        if (result.queue === this.o.name && (await this.#waiting()) > 0) return;
        return await this.o.enqueue({ ...subjectOf(payload), queue: result.queue });
      case 'delay':
        await job.moveToDelayed(
          Math.max(result.until.getTime(), this.rt.clock.nowMs() + MIN_DELAY_MS),
          token,
        );
        throw new DelayedError();
      default:
        return unreachable(result);
    }
  }

  async #giveBack(job: StoredJob, token: string | undefined): Promise<never> {
    await job.moveToWait(token);
    this.#count('given-back');
    throw new WaitingError();
  }

  #count(outcome: string): void {
    this.rt.metrics.jobsProcessed.inc({ queue: this.o.name, outcome });
  }

  #listen(): void {
    this.#worker.on('active', () => {
      this.#fetchedAtMs = this.rt.clock.nowMs();
      this.rt.health.loopSucceeded(this.#loop);
    });
    this.#worker.on('error', (error) => this.#reportError(error));
    this.#worker.on('lockRenewalFailed', (jobIds: string[]) => {
      for (const id of jobIds)
        this.#running.get(id)?.run.abort(new Error('the lock of this job was lost'));
    });
    this.#worker.on('stalled', (jobId) => {
      this.rt.log.warn(
        { event: 'job_stalled', queue: this.o.name, jobId },
        'the worker of this job is gone; another worker gets it',
      );
    });
    this.#worker.on('failed', (job, error) => {
      const last = job === undefined || job.finishedOn !== undefined;
      const fields = {
        event: 'job_failed',
        queue: this.o.name,
        jobId: job?.id,
        attempt: job?.attemptsMade,
        reason: error instanceof JobFailure ? error.error : errorKey(error),
        final: last,
      };
      this.rt.log[last ? 'error' : 'warn'](
        fields,
        last
          ? 'a job failed permanently; the scheduler will enqueue its collection again'
          : 'a job failed and will be tried again',
      );
    });
  }

  /** Logs and counts the errors of BullMQ's own loops, and pauses the worker. */
  #reportError(error: Error): void {
    this.o.errors.report(error);
    const nowMs = this.rt.clock.nowMs();
    const pauseMs = this.#breaker.pauseAfter(error, nowMs, this.rt.random.next());
    const overAtMs = this.#breaker.resetAtMs(nowMs);
    this.rt.health.loopFailed(this.#loop, error, { need: 'not-ready', overAtMs });
    if (pauseMs !== null) void this.#pauseForAWhile(pauseMs);
  }

  /** Measured with a full Redis: 5 errors in 5 s instead of 40,000, and it resumes by itself. */
  async #pauseForAWhile(pauseMs: number): Promise<void> {
    if (this.#worker.isPaused()) return;
    try {
      await this.#worker.pause(true);
      await this.rt.clock.sleep(pauseMs, this.#stopped.signal);
      await this.#worker.resume();
    } catch (error) {
      if (!this.#stopped.signal.aborted) this.o.errors.report(error as Error);
    }
  }

  async #watch(): Promise<void> {
    const everyMs = Math.min(WATCH_EVERY_MS, this.o.stuckAfterMs / CHECKS_BEFORE_STUCK);
    await runLoop(this.rt, {
      name: `queue-watch-${this.o.name}`,
      signal: this.#stopped.signal,
      backoff: { firstMs: everyMs, capMs: everyMs },
      firstAfterMs: everyMs,
      failed: {
        event: 'queue_watch_failed',
        text: 'whether jobs wait in a queue cannot be read; trying again',
      },
      round: async () => {
        this.#endOverdue();
        await this.#check(everyMs);
        return everyMs;
      },
    });
  }

  /** Checked here and not by a timer per job, because a worker runs hundreds of jobs a second. */
  #endOverdue(): void {
    const { timeoutMs } = JOBS[this.o.name];
    for (const [jobId, { run, beganMs }] of this.#running) {
      if (run.signal.aborted || this.rt.clock.nowMs() - beganMs < timeoutMs) continue;
      run.abort(new JobTimeout(timeoutMs));
      this.rt.log.warn(
        { event: 'job_timed_out', queue: this.o.name, jobId, timeoutMs },
        'a job ran for longer than its timeout; its signal is aborted',
      );
    }
  }

  async #check(everyMs: number): Promise<void> {
    const { name: queue, concurrency, stuckAfterMs } = this.o;
    // Redis is queried only when nothing was fetched since the last check, because there are
    // several workers per process and hundreds of processes.
    const isFed = this.rt.clock.nowMs() - this.#fetchedAtMs < everyMs;
    const waiting =
      isFed || this.#worker.isPaused() || (await this.o.queue.isPaused())
        ? 0
        : await this.#waiting();
    const pulse = {
      waiting,
      running: this.#running.size,
      concurrency,
      fetchedAtMs: this.#fetchedAtMs,
      nowMs: this.rt.clock.nowMs(),
    };
    const isLate = pulse.nowMs - this.#checkedAtMs > everyMs + LATE_CHECK_MS;
    this.#checkedAtMs = pulse.nowMs;
    this.#starvingSinceMs = fetchStalledSince(isLate ? null : this.#starvingSinceMs, pulse);
    const starvingMs = pulse.nowMs - (this.#starvingSinceMs ?? pulse.nowMs);
    this.rt.metrics.workerStarvingSeconds.set({ queue }, starvingMs / 1_000);
    if (this.#isStuckLogged || !hasStopped(this.#starvingSinceMs, pulse, stuckAfterMs)) return;
    this.#isStuckLogged = true;
    this.rt.log.error(
      { event: 'worker_stuck', queue, starvingMs, waiting, running: pulse.running },
      'jobs wait and this worker fetches none of them',
    );
    this.o.onUnhealthy(queue);
  }

  async #waiting(): Promise<number> {
    const { waiting = 0, prioritized = 0 } = await this.o.queue.getJobCounts(
      'waiting',
      'prioritized',
    );
    return waiting + prioritized;
  }
}

function subjectOf(payload: JobPayload): JobSubject {
  return {
    collectionId: payload.collection,
    accountId: payload.account,
    tenant: payload.tenant,
    resource: payload.resource,
    cause: payload.cause,
  };
}
