/**
 * Distributes work between machines. Redis holds only the queue, which may be lost at any time; the
 * scheduler fills it again from Postgres. So this package stores nothing durable, and everything in
 * it is bounded.
 */
import {
  assert,
  claimPrefix,
  endConnection,
  findRedis,
  onRedisError,
  type OperatorError,
  type RedisConnection,
  type RedisSettings,
  type Runtime,
  redisProblemOf,
  waitForServers,
} from '@syncline/runtime';
import { type JobsOptions, Queue } from 'bullmq';
import { type FeedHints, openFeedHints } from './feed-hints.js';
import { type StoredCounters, storedCounters } from './stored-counters.js';
import { probeWrite } from './health-probe.js';
import {
  type HeldJob,
  type Holders,
  openHolderRegistry,
  heldJobs,
  isHolderName,
} from './holders.js';
import { type Enqueued, type JobData, jobData, jobName } from './job-payload.js';
import { jobOptions } from './jobs.js';
import { type QueueDataId, queueDataIdOf } from './queue-data-id.js';
import { watchPrefix } from './prefix-watch.js';
import { QUEUE_NAMES, type QueueName, queuePrefix } from './queues.js';
import { type FleetRedis, producerConnection, whenReady } from './redis.js';
import { type WorkOptions, type WorkerHost, startWorkerHost } from './worker-host.js';
import { ErrorLog } from './redis-errors.js';

const BULK_LIMIT = 500;
const CLOSE_TIMEOUT_MS = 2_000;
const READY_TIMEOUT_MS = 5_000;
/**
 * Nothing reads BullMQ's event stream, because it is lossy. Its default of 10,000 entries per queue
 * would waste memory.
 */
const EVENTS_LIMIT = 500;

export interface FleetOptions extends RedisSettings {
  /**
   * Names this process in its connections and in its active jobs, so that its death is detected. 1
   * to 64 letters, digits, - or _.
   */
  holder?: string;
}

export interface Fleet {
  /**
   * Adds each collection to its queue, unless it already waits there. A collection that is running
   * there is added once more when its run ends. Rejects within about 2 s while Redis is away; some
   * items may have been added then, and calling it again is harmless.
   */
  enqueue(items: readonly Enqueued[]): Promise<void>;
  /** Starts processing jobs. Resolves when the workers are connected. */
  work(options: WorkOptions): Promise<WorkerHost>;
  /**
   * Returns the number of jobs by queue and BullMQ state (`waiting`, `active`, `delayed`,
   * `completed`, `failed`, …). Rejects while Redis is away.
   */
  counts(): Promise<Record<QueueName, Record<string, number>>>;
  /**
   * Returns how long the next job of each queue has waited, in ms; 0 for an empty queue. One small
   * read per queue, whatever its length.
   */
  waitingAgesMs(): Promise<Record<QueueName, number>>;
  /**
   * Identifies the data of Redis. A different id means that jobs may be lost. One small read.
   * Rejects while Redis is away.
   */
  dataId(): Promise<QueueDataId>;
  /** Messages between processes that change feeds have grown. */
  feedHints: FeedHints;
  /** Numbers that only increase. Rejects while Redis is away. */
  counters: StoredCounters;
  /**
   * Returns the holders that have announced themselves and those that are connected; null when
   * Redis does not show its connections. Two reads, one of which grows with the number of
   * connections.
   */
  holders(): Promise<Holders | null>;
  /** Removes holders that are gone and whose work has been released. */
  removeHolders(holders: readonly string[]): Promise<void>;
  /** Returns the active jobs whose holder is known. */
  heldJobs(): Promise<HeldJob[]>;
  /** Resolves when Redis answers; rejects within about 2 s when it does not. */
  ping(): Promise<void>;
  /**
   * Runs a script that writes a key. Rejects within about 2 s when Redis is away, full, read-only,
   * or refuses it.
   */
  probeWrite(): Promise<void>;
  /**
   * Returns the text for an error of a connection to Redis, for `waitForServers`; null for other
   * errors.
   */
  unavailable(error: unknown): OperatorError | null;
  /**
   * Resolves when another deployment has taken our prefix. That must end this process, because both
   * would take each other's jobs. The event is logged.
   */
  displaced: Promise<void>;
  /** The connection for commands that may fail at once, for counters that may be lost. */
  connection: RedisConnection;
  /** The BullMQ queues, for Bull Board. */
  queues(): Queue[];
  /**
   * Closes the producer's connection within 2 s. The code that started worker hosts must drain
   * them.
   */
  close(): Promise<void>;
}

/**
 * Connects to Redis. Waits for a server that is away for `rt.serverWaitMs`.
 * @throws OperatorError when Redis cannot be reached within about 5 s, is not suitable for a queue,
 * refuses a command, or our prefix belongs to another deployment
 */
export async function openFleet(rt: Runtime, options: FleetOptions): Promise<Fleet> {
  const { redisPrefix: prefix, holder } = options;
  assert(
    holder === undefined || isHolderName(holder),
    'a holder is named by 1 to 64 letters, digits, - or _',
  );
  const { home, connection, queues, errors } = await waitForServers(
    rt,
    () => connect(rt, options),
    [(error) => redisProblemOf(error, options)],
  );
  const holderRegistry = openHolderRegistry(rt, connection, prefix);
  const feedHints = openFeedHints(rt, connection, home, errors);
  const watch = watchPrefix(rt, connection, options);
  const enqueue = (items: readonly Enqueued[]): Promise<void> => enqueueAll(queues, items);
  return {
    enqueue,
    connection,
    work: async (o) => {
      // When this fails, this worker's death is still detected by every process that has seen it
      // connected.
      if (holder !== undefined)
        await holderRegistry.announce(holder).catch((error: Error) => errors.report(error));
      return startWorkerHost(rt, { home, queues, enqueue: (job) => enqueue([job]) }, o);
    },
    counts: () => countJobs(queues),
    waitingAgesMs: () => waitingAges(rt, queues),
    dataId: queueDataIdOf(rt, connection, prefix),
    feedHints,
    counters: storedCounters(connection, prefix),
    holders: holderRegistry.seen,
    removeHolders: holderRegistry.removeHolders,
    heldJobs: () => heldJobs(connection, queues),
    ping: async () => void (await connection.ping()),
    probeWrite: () => probeWrite(connection, prefix),
    unavailable: (error) => redisProblemOf(error, options),
    displaced: watch.displaced,
    queues: () => QUEUE_NAMES.map((name) => queues[name]),
    close: async () => {
      watch.stop();
      feedHints.close();
      await closeProducer(rt, connection);
    },
  };
}

interface Connected {
  home: FleetRedis;
  connection: RedisConnection;
  queues: Record<QueueName, Queue>;
  errors: ErrorLog;
}

/** Makes one attempt. A failed attempt leaves no connection. */
async function connect(rt: Runtime, options: FleetOptions): Promise<Connected> {
  const { redisPrefix: prefix, holder } = options;
  const found = await findRedis(rt, options, { isForQueues: true });
  const home = { found, settings: options, holder };
  const errors = new ErrorLog(rt, 'queue_failed');
  const connection = producerConnection(rt, home);
  onRedisError(connection, (error) => errors.report(error));
  try {
    await whenReady(rt, connection, { hosts: found.hosts, timeoutMs: READY_TIMEOUT_MS });
    await claimPrefix(connection, options, found.hosts);
    const queues = Object.fromEntries(
      QUEUE_NAMES.map((name) => [name, openQueue(name, prefix, connection, errors)]),
    ) as Record<QueueName, Queue>;
    await Promise.all(QUEUE_NAMES.map((name) => queues[name].waitUntilReady()));
    return { home, connection, queues, errors };
  } catch (error) {
    endConnection(connection);
    throw error;
  }
}

function openQueue(
  name: QueueName,
  prefix: string,
  connection: RedisConnection,
  errors: ErrorLog,
): Queue {
  const queue = new Queue(name, {
    connection,
    prefix: queuePrefix(prefix, name),
    streams: { events: { maxLen: EVENTS_LIMIT } },
  });
  queue.on('error', (error) => errors.report(error));
  return queue;
}

async function enqueueAll(
  queues: Record<QueueName, Queue>,
  items: readonly Enqueued[],
): Promise<void> {
  for (const name of QUEUE_NAMES) {
    const own = items.filter((item) => item.queue === name);
    // One pipeline per chunk: a larger one would occupy Redis's single thread for longer and delay
    // the renewal of locks.
    for (let at = 0; at < own.length; at += BULK_LIMIT) {
      await queues[name].addBulk(own.slice(at, at + BULK_LIMIT).map(jobOf));
    }
  }
}

function jobOf(item: Enqueued): { name: string; data: JobData; opts: JobsOptions } {
  const data = jobData(item, item.queue);
  return {
    name: jobName(item.queue, data),
    data,
    opts: jobOptions(item.queue, item.collectionId, item.first),
  };
}

async function countJobs(
  queues: Record<QueueName, Queue>,
): Promise<Record<QueueName, Record<string, number>>> {
  const counts = await Promise.all(
    QUEUE_NAMES.map(async (name) => [name, await queues[name].getJobCounts()] as const),
  );
  return Object.fromEntries(counts) as Record<QueueName, Record<string, number>>;
}

async function waitingAges(
  rt: Runtime,
  queues: Record<QueueName, Queue>,
): Promise<Record<QueueName, number>> {
  const ages = await Promise.all(
    QUEUE_NAMES.map(async (name) => {
      const [next] = await queues[name].getWaiting(0, 0);
      return [
        name,
        next === undefined ? 0 : Math.max(0, rt.clock.nowMs() - next.timestamp),
      ] as const;
    }),
  );
  return Object.fromEntries(ages) as Record<QueueName, number>;
}

/**
 * QUIT waits for Redis, which may be away, so the wait is bounded. The queues use only this
 * connection.
 */
async function closeProducer(rt: Runtime, connection: RedisConnection): Promise<void> {
  const waiting = new AbortController();
  try {
    await Promise.race([connection.quit(), rt.clock.sleep(CLOSE_TIMEOUT_MS, waiting.signal)]);
  } catch {
    // Redis is away, so the connection cannot be closed with QUIT.
  } finally {
    waiting.abort(new Error('closed'));
    endConnection(connection);
  }
}
