/**
 * Who works, as Redis sees it: a process that is killed loses its connections at once, while its locks and leases last for seconds. Every connection of
 * a worker carries the name of its holder, and so does every job that it has in hand. A process that is stopped, or behind a connection that only
 * looks alive, keeps its connections here: its work is taken over when its locks lapse.
 */
import type { Runtime } from '@syncline/runtime';
import type { Queue } from 'bullmq';
import type { ChainableCommander, Redis } from 'ioredis';
import { readJobData } from './jobs.js';
import { type QueueName, SYNC_QUEUES, type SyncQueueName } from './queues.js';

/** What stands before the holder in a connection's name: BullMQ puts it there for a worker with a name, and so do we. */
const HOLDER_MARK = ':w:';
/** Opaque, and without what would end a name in CLIENT LIST. */
const HOLDER = /^[A-Za-z0-9_-]{1,64}$/;
const HOLDER_IN_LIST = new RegExp(` name=\\S*${HOLDER_MARK}([A-Za-z0-9_-]{1,64}) `);
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

/** How a connection to Redis calls itself, so that it counts as a sign of life of its holder. */
export function connectionName(kind: string, holder: string | undefined): string {
  return holder === undefined ? `syncline-${kind}` : `syncline-${kind}${HOLDER_MARK}${holder}`;
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

export function attendantsOf(rt: Runtime, connection: Redis, prefix: string): Attendants {
  const key = `${prefix}:holders`;
  let connectedAtMs = rt.clock.nowMs();
  connection.on('ready', () => (connectedAtMs = rt.clock.nowMs()));
  return {
    announce: async (holder) => {
      await connection.zadd(key, rt.clock.nowMs(), holder);
      await connection.zremrangebyrank(key, 0, -ANNOUNCED_LIMIT - 1);
    },
    seen: async () => {
      const announced = await connection.zrange(key, 0, '-1');
      const list = await clientList(connection);
      return list === null
        ? null
        : { connected: holdersIn(list), announced, forMs: rt.clock.nowMs() - connectedAtMs };
    },
    strikeOff: async (holders) => void (await connection.zrem(key, ...holders)),
  };
}

async function clientList(connection: Redis): Promise<string | null> {
  try {
    const list = String(await connection.client('LIST'));
    return list.includes(` name=${connection.options.connectionName ?? ''} `) ? list : null;
  } catch (error) {
    if (
      error instanceof Error &&
      /^(NOPERM|ERR unknown|ERR.*not (allowed|supported))/i.test(error.message)
    )
      return null;
    throw error;
  }
}

/** The holders that a CLIENT LIST names. */
export function holdersIn(list: string): Set<string> {
  const holders = new Set<string>();
  for (const line of list.split('\n')) {
    const holder = HOLDER_IN_LIST.exec(line)?.[1];
    if (holder !== undefined) holders.add(holder);
  }
  return holders;
}

/** The jobs in hand whose holder is known, 5,000 a queue at most. Two small reads a job: to be asked when somebody is gone, not all the time. */
export async function heldJobs(
  connection: Redis,
  queues: Record<QueueName, Queue>,
): Promise<HeldJob[]> {
  const jobs = await Promise.all(SYNC_QUEUES.map((name) => heldIn(connection, queues[name], name)));
  return jobs.flat();
}

async function heldIn(connection: Redis, queue: Queue, name: SyncQueueName): Promise<HeldJob[]> {
  const ids = await connection.lrange(queue.toKey('active'), -ACTIVE_LIMIT, -1);
  const held: HeldJob[] = [];
  for (let at = 0; at < ids.length; at += PIPELINE_LIMIT) {
    const chunk = ids.slice(at, at + PIPELINE_LIMIT);
    const replies = await read(connection, queue, chunk);
    for (const [i, id] of chunk.entries()) {
      const [token, fields] = [replies[2 * i], replies[2 * i + 1]];
      const [holder, data] = Array.isArray(fields) ? fields : [];
      const job = typeof data === 'string' ? readJobData(parsed(data)) : null;
      if (typeof holder !== 'string' || typeof token !== 'string' || job === null) continue;
      held.push({
        holder,
        queue: name,
        collectionId: job.collectionId,
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
async function read(connection: Redis, queue: Queue, ids: readonly string[]): Promise<unknown[]> {
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
