/**
 * The worker processes as Redis sees them. A killed process loses its connections at once, while
 * its locks and leases last for seconds. Every connection of a worker and every active job carries
 * the name of its holder. A process that is stopped (SIGSTOP), or whose connection is half open,
 * keeps its connections here; its work is taken over when its locks expire.
 */
import { type RedisConnection, type Runtime, mastersOf } from '@syncline/runtime';
import type { Queue } from 'bullmq';
import { type ChainableCommander, Cluster, type Redis } from 'ioredis';
import { readJobData } from './job-payload.js';
import { type QueueName, SYNC_QUEUES, type SyncQueueName } from './queues.js';

/** An opaque id without characters that would end a name in CLIENT LIST. */
const HOLDER = /^[A-Za-z0-9_-]{1,64}$/;
/**
 * For a worker with a name BullMQ writes this mark before the holder, and so does
 * `connectionNameOf`.
 */
const HOLDER_IN_LIST = / name=(\S*):w:([A-Za-z0-9_-]{1,64}) /;
/**
 * The largest number of active jobs that are read per queue, those that have been active longest
 * first.
 */
const ACTIVE_LIMIT = 5_000;
const PIPELINE_LIMIT = 500;

/**
 * The largest number of holders that are stored, the newest. The bound is needed where dead
 * processes cannot be detected, because then no holder is removed.
 */
const ANNOUNCED_LIMIT = 5_000;

export interface Holders {
  connected: ReadonlySet<string>;
  /** Holders that announced themselves and have not been removed. */
  announced: readonly string[];
  /**
   * The age of this process's own connection. After a reconnect other processes may not be
   * connected again yet.
   */
  forMs: number;
}

/** An active job and its holder. */
export interface HeldJob {
  holder: string;
  queue: SyncQueueName;
  collectionId: string;
  /**
   * Returns the job to the head of its queue without spending an attempt. Returns false and does
   * nothing when the job has ended or has another holder by now.
   */
  giveBack(): Promise<boolean>;
}

export function isHolderName(holder: string): boolean {
  return HOLDER.test(holder);
}

export interface HolderRegistry {
  /**
   * Must be called before the first job is fetched. By the time the record is read, the process's
   * connection exists.
   */
  announce(holder: string): Promise<void>;
  /**
   * Returns null when Redis does not show who is connected: a provider forbids CLIENT LIST, or a
   * proxy hides the names.
   */
  seen(): Promise<Holders | null>;
  removeHolders(holders: readonly string[]): Promise<void>;
}

export function openHolderRegistry(
  rt: Runtime,
  connection: RedisConnection,
  prefix: string,
): HolderRegistry {
  const key = `${prefix}:holders`;
  const connectedSinceMs = trackConnectedSince(rt, connection);
  return {
    announce: async (holder) => {
      await connection.zadd(key, rt.clock.nowMs(), holder);
      await connection.zremrangebyrank(key, 0, -ANNOUNCED_LIMIT - 1);
    },
    seen: async () => {
      const announced = await connection.zrange(key, 0, '-1');
      // A worker may be connected to some nodes of a cluster and not to others.
      const lists = await Promise.all(mastersOf(connection).map((master) => clientList(master)));
      const whole = lists.filter((list) => list !== null);
      if (whole.length === 0 || whole.length < lists.length) return null;
      const connected = new Set(whole.flatMap((list) => [...holdersIn(list, prefix)]));
      return { connected, announced, forMs: rt.clock.nowMs() - connectedSinceMs() };
    },
    removeHolders: async (holders) => void (await connection.zrem(key, ...holders)),
  };
}

/** Returns since when every connection to a node exists, by our clock. */
function trackConnectedSince(rt: Runtime, connection: RedisConnection): () => number {
  let sinceMs = rt.clock.nowMs();
  const begin = (): void => {
    sinceMs = rt.clock.nowMs();
  };
  connection.on('ready', begin);
  if (connection instanceof Cluster) {
    for (const node of connection.nodes('master')) node.on('ready', begin);
    connection.on('+node', (node: Redis) => node.on('ready', begin));
  }
  return () => sinceMs;
}

async function clientList(master: Redis): Promise<string | null> {
  try {
    const list = String(await master.client('LIST'));
    return list.includes(` name=${master.options.connectionName ?? ''} `) ? list : null;
  } catch (error) {
    if (
      error instanceof Error &&
      /^(NOPERM|ERR unknown|ERR.*not (allowed|supported))/i.test(error.message)
    )
      return null;
    throw error;
  }
}

/** Returns the holders of this deployment in a CLIENT LIST. */
export function holdersIn(list: string, prefix: string): Set<string> {
  const holders = new Set<string>();
  for (const line of list.split('\n')) {
    const [, name, holder] = HOLDER_IN_LIST.exec(line) ?? [];
    if (name?.startsWith(`${prefix}:`) && holder !== undefined) holders.add(holder);
  }
  return holders;
}

/**
 * Returns the active jobs whose holder is known, at most 5,000 per queue. Two small reads per job,
 * so it is called only when a process is gone.
 */
export async function heldJobs(
  connection: RedisConnection,
  queues: Record<QueueName, Queue>,
): Promise<HeldJob[]> {
  const jobs = await Promise.all(SYNC_QUEUES.map((name) => heldIn(connection, queues[name], name)));
  return jobs.flat();
}

async function heldIn(
  connection: RedisConnection,
  queue: Queue,
  name: SyncQueueName,
): Promise<HeldJob[]> {
  const ids = await connection.lrange(queue.toKey('active'), -ACTIVE_LIMIT, -1);
  const held: HeldJob[] = [];
  for (let at = 0; at < ids.length; at += PIPELINE_LIMIT) {
    const chunk = ids.slice(at, at + PIPELINE_LIMIT);
    const replies = await read(connection, queue, chunk);
    for (const [i, id] of chunk.entries()) {
      const [token, fields] = [replies[2 * i], replies[2 * i + 1]];
      const [holder, data] = Array.isArray(fields) ? fields : [];
      const job = typeof data === 'string' ? readJobData(parsed(data), name) : null;
      if (typeof holder !== 'string' || typeof token !== 'string' || job === null) continue;
      held.push({
        holder,
        queue: name,
        collectionId: job.collection,
        giveBack: () => giveBack(queue, id, token),
      });
    }
  }
  return held;
}

/**
 * Reads each job's lock, which is the token of its run, and then its holder. In this order a job
 * that changes hands in between has an old token and a new holder, and cannot be given back by
 * mistake. `pb` and `lock` are BullMQ's names; it has no other interface for them.
 */
async function read(
  connection: RedisConnection,
  queue: Queue,
  ids: readonly string[],
): Promise<unknown[]> {
  const pipeline = ids.reduce<ChainableCommander>(
    (chain, id) => chain.get(`${queue.toKey(id)}:lock`).hmget(queue.toKey(id), 'pb', 'data'),
    connection.pipeline(),
  );
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return null; // A payload of another version or origin; its worker fails the job.
  }
}

async function giveBack(queue: Queue, id: string, token: string): Promise<boolean> {
  const job = await queue.getJob(id);
  if (job === undefined) return false;
  try {
    await job.moveToWait(token);
    return true;
  } catch (error) {
    // BullMQ's scripts return numbered errors: the job is gone, or its lock belongs to another
    // worker by now.
    if (error instanceof Error && typeof (error as { code?: unknown }).code === 'number')
      return false;
    throw error;
  }
}
