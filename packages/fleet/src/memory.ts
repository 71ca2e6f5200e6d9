/**
 * Whether Redis still knows what it was told. A marker lies beside the queues, with the server's run in it: when it is gone, everything was forgotten
 * (FLUSHALL, a server that came back empty); when it names another run, the server was started again, perhaps from a snapshot that is older than the
 * last jobs, or another server has taken over. A connection that was merely cut finds its marker.
 */
import type { Runtime } from '@syncline/runtime';
import type { Redis } from 'ioredis';

export interface QueueMemory {
  /** Another one means that jobs may have been forgotten. */
  id: string;
  /** Nobody had been here since Redis forgot. */
  isNew: boolean;
}

/** Asks Redis: one GET, and once a connection one INFO. */
export function memoryOf(rt: Runtime, connection: Redis, prefix: string): () => Promise<QueueMemory> {
  const key = `${prefix}:memory`;
  let run: string | null = null;
  // The next connection may lead to another server, or to the same one after a restart.
  connection.on('close', () => (run = null));
  return async () => {
    run ??= /^run_id:(\w+)/m.exec(await connection.info('server'))?.[1] ?? '';
    const found = await connection.get(key);
    if (found?.endsWith(`/${run}`)) return { id: found, isNew: false };
    const id = `${rt.random.uuid()}/${run}`;
    // Of several that come at once the last one's stays. The others then find another one than their own, and bring the work forward once more.
    await connection.set(key, id);
    return { id, isNew: true };
  };
}
