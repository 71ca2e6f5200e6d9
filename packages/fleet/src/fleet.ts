/**
 * How work moves between machines. Redis only knows who is next: a queue here may be wiped at any moment and the scheduler
 * fills it again from Postgres. So nothing in this package is precious, and everything in it is bounded.
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
import { type CounterMemory, counterMemoryOf } from './counter-memory.js';
import { probeWrite } from './health-probe.js';
import { type HeldJob, type Holders, attendantsOf, heldJobs, isHolderName } from './holders.js';
import { type Enqueued, type JobData, jobData, jobName } from './job-payload.js';
import { jobOptions } from './jobs.js';
import { type QueueMemory, memoryOf } from './memory.js';
import { watchPrefix } from './prefix-watch.js';
import { QUEUE_NAMES, type QueueName, queuePrefix } from './queues.js';
import { type RedisHome, producerConnection, whenReady } from './redis.js';
import { type WorkOptions, type WorkerHost, startWorkerHost } from './worker-host.js';
import { ErrorLog } from './redis-errors.js';

const BULK_LIMIT = 500;
const CLOSE_TIMEOUT_MS = 2_000;
const READY_TIMEOUT_MS = 5_000;
/** Nobody reads BullMQ's event stream (it is lossy); its default of 10,000 entries a queue is memory for nothing. */
const EVENTS_LIMIT = 500;

export interface FleetOptions extends RedisSettings {
  /** Names this process in its connections and in the jobs that it has in hand, so that its death is seen: 1 to 64 letters, digits, - or _. */
  holder?: string;
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
  /** Which memory Redis has; another one than before means that jobs may be lost. One small read. Rejects while Redis is away. */
  memory(): Promise<QueueMemory>;
  /** Numbers that only grow. Rejects while Redis is away. */
  counters: CounterMemory;
  /** Who works, and who of them is connected; null where Redis does not tell. Two reads, one of which grows with all connections. */
  holders(): Promise<Holders | null>;
  /** These are gone, and what they had has been seen to. */
  strikeOff(holders: readonly string[]): Promise<void>;
  /** The jobs that a named holder has in hand. */
  heldJobs(): Promise<HeldJob[]>;
  /** Resolves when Redis answers, rejects within about 2 s when it doesn't. */
  ping(): Promise<void>;
  /**
   * Runs a script that writes a key. Rejects within about 2 s when Redis is away, full, read-only,
   * or refuses it.
   */
  probeWrite(): Promise<void>;
  /**
   * The sentence for an error of a connection to Redis, for `waitForServers`; null for other
   * errors.
   */
  unavailable(error: unknown): OperatorError | null;
  /** Resolves when another deployment has our prefix, which ends this one: both would take each other's jobs. It is in the log then. */
  displaced: Promise<void>;
  /** For Bull Board, which speaks BullMQ. */
  queues(): Queue[];
  /** Closes the producer's side, within 2 s. Worker hosts are drained by whoever started them. */
  close(): Promise<void>;
}

/**
 * Connects to Redis. Waits for a server that is away for `rt.serverWaitMs`.
 * @throws OperatorError when it cannot be reached within about 5 s, isn't fit for a queue, refuses a command, or serves another deployment under our prefix
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
  const attendants = attendantsOf(rt, connection, prefix);
  const watch = watchPrefix(rt, connection, options);
  const enqueue = (items: readonly Enqueued[]): Promise<void> => enqueueAll(queues, items);
  return {
    enqueue,
    work: async (o) => {
      // When it does not come through, this worker's death is noticed all the same by whoever has seen it live.
      if (holder !== undefined)
        await attendants.announce(holder).catch((error: Error) => errors.report(error));
      return startWorkerHost(rt, { home, queues, enqueue: (job) => enqueue([job]) }, o);
    },
    counts: () => countJobs(queues),
    waitingAgesMs: () => waitingAges(rt, queues),
    memory: memoryOf(rt, connection, prefix),
    counters: counterMemoryOf(connection, prefix),
    holders: attendants.seen,
    strikeOff: attendants.strikeOff,
    heldJobs: () => heldJobs(connection, queues),
    ping: async () => void (await connection.ping()),
    probeWrite: () => probeWrite(connection, prefix),
    unavailable: (error) => redisProblemOf(error, options),
    displaced: watch.displaced,
    queues: () => QUEUE_NAMES.map((name) => queues[name]),
    close: async () => {
      watch.stop();
      await closeProducer(rt, connection);
    },
  };
}

interface Connected {
  home: RedisHome;
  connection: RedisConnection;
  queues: Record<QueueName, Queue>;
  errors: ErrorLog;
}

/** One attempt: it leaves no connection when it fails. */
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
    // One pipeline a chunk: bigger ones hold Redis' single thread, and everyone's locks, for longer.
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

/** QUIT waits for Redis, and Redis may be away. The queues own nothing but this connection. */
async function closeProducer(rt: Runtime, connection: RedisConnection): Promise<void> {
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
