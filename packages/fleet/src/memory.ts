/**
 * Whether Redis still knows what it was told. A marker lies beside the queues: when it is gone, everything was forgotten (FLUSHALL, a server that came
 * back empty). When it is there and the server's run is another, the server was started again, perhaps from a snapshot that is older than the last jobs, or
 * another one has taken over. A connection that was merely cut finds the marker and the run of before. The run is kept here and not in the marker:
 * behind a proxy two processes may see different runs, and would rewrite each other's marker for ever.
 */
import type { Runtime } from '@syncline/runtime';
import type { Redis } from 'ioredis';

export interface QueueMemory {
  /** Another one means that jobs may have been forgotten. */
  id: string;
  /** There was none. */
  isNew: boolean;
}

/** One GET, and once a connection one INFO. */
export function memoryOf(
  rt: Runtime,
  connection: Redis,
  prefix: string,
): () => Promise<QueueMemory> {
  const key = `${prefix}:memory`;
  let run: string | null = null;
  // The next connection may lead to another server, or to the same one after a restart.
  connection.on('close', () => (run = null));
  return async () => {
    const server = (run ??= /^run_id:(\w+)/m.exec(await connection.info('server'))?.[1] ?? '');
    const found = await connection.get(key);
    if (found !== null) return { id: `${found}/${server}`, isNew: false };
    const marker = rt.random.uuid();
    const isFirst = (await connection.set(key, marker, 'NX')) === 'OK';
    return { id: `${isFirst ? marker : await connection.get(key)}/${server}`, isNew: true };
  };
}
