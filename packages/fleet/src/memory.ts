/**
 * Whether Redis still knows what it was told. A marker lies beside the queues: when it is gone, everything was forgotten (FLUSHALL, a server that came
 * back empty). When it is there and the server's run is another, the server was started again, perhaps from a snapshot that is older than the last jobs, or
 * another one has taken over. A connection that was merely cut finds the marker and the run of before. The run is kept here and not in the marker:
 * behind a proxy two processes may see different runs, and would rewrite each other's marker for ever.
 */
import { Cluster } from 'ioredis';
import { type RedisConnection, type Runtime, serverRunOf } from '@syncline/runtime';
import { QUEUE_NAMES, queuePrefix } from './queues.js';

export interface QueueMemory {
  /** Another one means that jobs may have been forgotten. */
  id: string;
  /** There was none. */
  isNew: boolean;
}

/** One GET, and once a connection one INFO; in a cluster one of each queue, since each lies on a node of its own. */
export function memoryOf(
  rt: Runtime,
  connection: RedisConnection,
  prefix: string,
): () => Promise<QueueMemory> {
  const keys =
    connection instanceof Cluster
      ? QUEUE_NAMES.map((name) => `${queuePrefix(prefix, name)}:memory`)
      : [`${prefix}:memory`];
  const markers = keys.map((key) => markerOf(rt, connection, key));
  return async () => {
    const found = await Promise.all(markers.map((marker) => marker()));
    return {
      id: found.map(({ id }) => id).join(' '),
      isNew: found.some(({ isNew }) => isNew),
    };
  };
}

function markerOf(
  rt: Runtime,
  connection: RedisConnection,
  key: string,
): () => Promise<QueueMemory> {
  const { run } = serverRunOf(connection, key);
  return async () => {
    const server = await run();
    const found = await connection.get(key);
    if (found !== null) return { id: `${found}/${server}`, isNew: false };
    const marker = rt.random.uuid();
    const isFirst = (await connection.set(key, marker, 'NX')) === 'OK';
    return { id: `${isFirst ? marker : await connection.get(key)}/${server}`, isNew: true };
  };
}
