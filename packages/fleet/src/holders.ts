/**
 * Who works, as Redis sees it: a process that is killed loses its connections at once, while its locks and leases last for seconds. Every connection of
 * a worker carries the name of its holder, and so does every job that it has in hand. A process that is stopped, or behind a connection that only
 * looks alive, keeps its connections here: its work is taken over when its locks lapse.
 */
import { type RedisConnection, type Runtime, mastersOf } from '@syncline/runtime';
import type { Queue } from 'bullmq';
import { type ChainableCommander, Cluster, type Redis } from 'ioredis';
import { readJobData } from './job-payload.js';
import { type QueueName, SYNC_QUEUES, type SyncQueueName } from './queues.js';

/** Opaque, and without what would end a name in CLIENT LIST. */
const HOLDER = /^[A-Za-z0-9_-]{1,64}$/;
/** BullMQ puts the mark before the holder for a worker with a name, and so do we (`connectionNameOf`). */
const HOLDER_IN_LIST = / name=(\S*):w:([A-Za-z0-9_-]{1,64}) /;
/** Jobs of a queue that are looked at, those first that have been in hand for longest. */
const ACTIVE_LIMIT = 5_000;
const PIPELINE_LIMIT = 500;

/** Holders that are remembered, the youngest: where nobody can be seen to be gone, none is struck off. */
const ANNOUNCED_LIMIT = 5_000;

export interface Holders {
  connected: ReadonlySet<string>;
  /** Whoever began to work and was not struck off since. */
  announced: readonly string[];
  /** How long this process's own connection stands: one that was made anew may see others before they are back. */
  forMs: number;
}

/** A job that somebody has in hand. */
export interface HeldJob {
  holder: string;
  queue: SyncQueueName;
  collectionId: string;
  /** To the head of its queue, no attempt spent. False when it has ended or passed on meanwhile, and nothing is done. */
  giveBack(): Promise<boolean>;
}

export function isHolderName(holder: string): boolean {
  return HOLDER.test(holder);
}

export interface Attendants {
  /** To be called before the first job is taken: by the time it is read, its connection is there. */
  announce(holder: string): Promise<void>;
  /** Null where Redis does not say who is connected: a provider forbids CLIENT LIST, or a proxy in between keeps the names to itself. */
  seen(): Promise<Holders | null>;
  strikeOff(holders: readonly string[]): Promise<void>;
}

export function attendantsOf(rt: Runtime, connection: RedisConnection, prefix: string): Attendants {
  const key = `${prefix}:holders`;
  const standsSinceMs = standing(rt, connection);
  return {
    announce: async (holder) => {
      await connection.zadd(key, rt.clock.nowMs(), holder);
      await connection.zremrangebyrank(key, 0, -ANNOUNCED_LIMIT - 1);
    },
    seen: async () => {
      const announced = await connection.zrange(key, 0, '-1');
      // A worker has connections to some nodes of a cluster and not to others.
      const lists = await Promise.all(mastersOf(connection).map((master) => clientList(master)));
      const whole = lists.filter((list) => list !== null);
      if (whole.length === 0 || whole.length < lists.length) return null;
      const connected = new Set(whole.flatMap((list) => [...holdersIn(list, prefix)]));
      return { connected, announced, forMs: rt.clock.nowMs() - standsSinceMs() };
    },
    strikeOff: async (holders) => void (await connection.zrem(key, ...holders)),
  };
}

/** Since when every connection to a node stands, by our clock. */
function standing(rt: Runtime, connection: RedisConnection): () => number {
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

/** The holders that a CLIENT LIST names, of this deployment. */
export function holdersIn(list: string, prefix: string): Set<string> {
  const holders = new Set<string>();
  for (const line of list.split('\n')) {
    const [, name, holder] = HOLDER_IN_LIST.exec(line) ?? [];
    if (name?.startsWith(`${prefix}:`) && holder !== undefined) holders.add(holder);
  }
  return holders;
}

/** The jobs in hand whose holder is known, 5,000 a queue at most. Two small reads a job: to be asked when somebody is gone, not all the time. */
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
 * Of each job its lock, which is its run's token, and then whose it is. In this order: a job that passes on in between then has an old token and a new
 * holder, and cannot be given back by mistake. `pb` and `lock` are BullMQ's names; there is no other way to read either.
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
    return null; // Not ours: the worker fails it, visibly.
  }
}

async function giveBack(queue: Queue, id: string, token: string): Promise<boolean> {
  const job = await queue.getJob(id);
  if (job === undefined) return false;
  try {
    await job.moveToWait(token);
    return true;
  } catch (error) {
    // BullMQ numbers what its scripts refuse: the job is gone, or its lock is another's by now.
    if (error instanceof Error && typeof (error as { code?: unknown }).code === 'number')
      return false;
    throw error;
  }
}
