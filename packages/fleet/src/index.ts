export { type Enqueued, type Fleet, openFleet } from './fleet.js';
export type { HeldJob, Holders } from './holders.js';
export { readJobData } from './jobs.js';
export type { QueueMemory } from './memory.js';
export type { Handle, JobResult, JobRun } from './queue-worker.js';
export {
  QUEUE_NAMES,
  type QueueName,
  SYNC_QUEUES,
  type SyncQueueName,
  isWalkQueue,
  queueFor,
  resourceNamedBy,
  shareOf,
  siblingQueue,
} from './queues.js';
export type { WorkOptions, WorkerHost } from './worker-host.js';
