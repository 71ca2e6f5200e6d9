/**
 * Detects that Redis lost data. A marker is stored beside the queues. When the marker is gone, all
 * data was lost (FLUSHALL, a server that restarted empty). When it is present and the server's run
 * id has changed, the server was restarted, perhaps from a snapshot that is older than the last
 * jobs, or a replica has taken over. After a connection was merely cut, both are unchanged. The run
 * id is kept in this process and not in the marker: behind a proxy two processes may see different
 * run ids, and would overwrite each other's marker endlessly.
 */
import { Cluster } from 'ioredis';
import { type RedisConnection, type Runtime, serverRunOf } from '@syncline/runtime';
import { QUEUE_NAMES, queuePrefix } from './queues.js';

export interface QueueDataId {
  /** A different id means that jobs may have been lost. */
  id: string;
  /** Whether there was no marker. */
  isNew: boolean;
}

/**
 * Makes one GET, and one INFO per connection; in a cluster one of each per queue, because each
 * queue is on a node of its own.
 */
export function queueDataIdOf(
  rt: Runtime,
  connection: RedisConnection,
  prefix: string,
): () => Promise<QueueDataId> {
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
): () => Promise<QueueDataId> {
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
