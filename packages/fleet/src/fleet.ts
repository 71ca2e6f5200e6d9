/**
 * How work moves between machines. Redis only knows who is next: a queue here may be wiped at any moment and the scheduler
 * fills it again from Postgres. So nothing in this package is precious, and everything in it is bounded.
 */
import type { Runtime } from '@syncline/runtime';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_NAME, jobData, jobOptions } from './jobs.js';
import { QUEUE_NAMES, type QueueName } from './queues.js';
import { checkRedis, endConnection, producerConnection } from './redis.js';
import { type WorkOptions, type WorkerHost, startWorkerHost } from './worker-host.js';
import { ErrorLog } from './weather.js';

const BULK_LIMIT = 500;
const CLOSE_TIMEOUT_MS = 2_000;
/** Nobody reads BullMQ's event stream (it is lossy); its default of 10,000 entries a queue is memory for nothing. */
const EVENTS_LIMIT = 500;

export interface FleetOptions {
  redisUrl: string;
  /** Of every key in Redis. Default `syncline`. */
  prefix?: string;
}

export interface Enqueued {
  collectionId: string;
  queue: QueueName;
  /** Somebody who has just connected waits for this walk: it goes before others in its queue. */
  onboarding?: boolean;
}

export interface Fleet {
  /**
   * Puts each collection in its queue, unless it already waits there. One that is running there is put in once more when
   * it ends. Rejects within about 2 s while Redis is away; some items may be in then, and doing it again is harmless.
   */
  enqueue(items: readonly Enqueued[]): Promise<void>;
  /** Starts processing. Resolves when the workers are connected. */
  work(options: WorkOptions): Promise<WorkerHost>;
  /** Jobs by queue and BullMQ's state (`waiting`, `active`, `delayed`, `completed`, `failed`, …). Rejects while Redis is away. */
  counts(): Promise<Record<QueueName, Record<string, number>>>;
  /** How long the job that is next has waited, in ms; 0 where nothing waits. One small read a queue, however long it is. */
  waitingAgesMs(): Promise<Record<QueueName, number>>;
  /** Resolves when Redis answers, rejects within about 2 s when it doesn't. */
  ping(): Promise<void>;
  /** For Bull Board, which speaks BullMQ. */
  queues(): Queue[];
  /** Closes the producer's side, within 2 s. Worker hosts are drained by whoever started them. */
  close(): Promise<void>;
}

/** Connects to Redis. @throws OperatorError when it cannot be reached within about 5 s or isn't fit for a queue. */
export async function openFleet(rt: Runtime, options: FleetOptions): Promise<Fleet> {
  await checkRedis(rt, options.redisUrl);
  const prefix = options.prefix ?? 'syncline';
  const errors = new ErrorLog(rt, 'queue-error');
  const connection = producerConnection(rt, options.redisUrl);
  connection.on('error', (error: Error) => errors.report(error));
  const queues = Object.fromEntries(QUEUE_NAMES.map((name) => [name, openQueue(name, prefix, connection, errors)])) as Record<QueueName, Queue>;
  await Promise.all(QUEUE_NAMES.map((name) => queues[name].waitUntilReady()));

  const enqueue = (items: readonly Enqueued[]): Promise<void> => enqueueAll(queues, items);
  const enqueueOne = (collectionId: string, queue: QueueName): Promise<void> => enqueue([{ collectionId, queue }]);
  return {
    enqueue,
    work: (o) => startWorkerHost(rt, { redisUrl: options.redisUrl, prefix, queues, enqueue: enqueueOne }, o),
    counts: () => countJobs(queues),
    waitingAgesMs: () => waitingAges(rt, queues),
    ping: async () => void (await connection.ping()),
    queues: () => QUEUE_NAMES.map((name) => queues[name]),
    close: () => closeProducer(rt, connection),
  };
}

function openQueue(name: QueueName, prefix: string, connection: Redis, errors: ErrorLog): Queue {
  const queue = new Queue(name, { connection, prefix, streams: { events: { maxLen: EVENTS_LIMIT } } });
  queue.on('error', (error) => errors.report(error));
  return queue;
}

async function enqueueAll(queues: Record<QueueName, Queue>, items: readonly Enqueued[]): Promise<void> {
  for (const name of QUEUE_NAMES) {
    const turns = items.filter((item) => item.queue === name);
    // One pipeline a chunk: bigger ones hold Redis' single thread, and everyone's locks, for longer.
    for (let at = 0; at < turns.length; at += BULK_LIMIT) {
      const jobs = turns.slice(at, at + BULK_LIMIT).map(({ collectionId, onboarding }) => ({
        name: JOB_NAME,
        data: jobData(collectionId),
        opts: jobOptions(collectionId, onboarding),
      }));
      await queues[name].addBulk(jobs);
    }
  }
}

async function countJobs(queues: Record<QueueName, Queue>): Promise<Record<QueueName, Record<string, number>>> {
  const counts = await Promise.all(QUEUE_NAMES.map(async (name) => [name, await queues[name].getJobCounts()] as const));
  return Object.fromEntries(counts) as Record<QueueName, Record<string, number>>;
}

async function waitingAges(rt: Runtime, queues: Record<QueueName, Queue>): Promise<Record<QueueName, number>> {
  const ages = await Promise.all(
    QUEUE_NAMES.map(async (name) => {
      const [next] = await queues[name].getWaiting(0, 0);
      return [name, next === undefined ? 0 : Math.max(0, rt.clock.nowMs() - next.timestamp)] as const;
    }),
  );
  return Object.fromEntries(ages) as Record<QueueName, number>;
}

/** QUIT waits for Redis, and Redis may be away. The queues own nothing but this connection. */
async function closeProducer(rt: Runtime, connection: Redis): Promise<void> {
  const waiting = new AbortController();
  try {
    await Promise.race([connection.quit(), rt.clock.sleep(CLOSE_TIMEOUT_MS, waiting.signal)]);
  } catch {
    // Redis is away: there is nothing to say goodbye to.
  } finally {
    waiting.abort(new Error('closed'));
    endConnection(connection);
  }
}
