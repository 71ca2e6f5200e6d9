export type { FeedHints } from './feed-hints.js';
export { type Fleet, openFleet } from './fleet.js';
export type { HeldJob, Holders } from './holders.js';
export { type Enqueued, jobName } from './job-payload.js';
export { readJobProgress } from './job-journal.js';
export { type JobReport, type SyncCounts, readJobReport } from './job-report.js';
export { JOBS } from './jobs.js';
export type { QueueDataId } from './queue-data-id.js';
export type { Handle, JobResult, JobRun } from './queue-worker.js';
export {
  QUEUE_NAMES,
  type QueueName,
  SYNC_QUEUES,
  type SyncQueueName,
  isFullQueue,
  queueFor,
  resourceNamedBy,
  siblingQueue,
} from './queues.js';
export type { WorkOptions, WorkerHost } from './worker-host.js';
