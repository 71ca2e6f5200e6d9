/**
 * Which run of its server keeps a key. Another one than before means that the server was started again, perhaps empty, or that another one has taken over.
 * In a cluster each node has runs of its own, and a key may move.
 */
import { Cluster, Command, type Redis } from 'ioredis';
import type { RedisConnection } from './connect.js';

/** The run's id, or '' where the server does not tell. Asks once a connection. @throws Error of the Redis client */
export type ServerRun = () => Promise<string>;

/** Ends with `stop`, which forgets the connection. */
export function serverRunOf(
  connection: RedisConnection,
  key: string,
): { run: ServerRun; stop(): void } {
  const slot = new Command('get', [key]).getSlot();
  let known: { node: Redis; run: string } | null = null;
  let heard: Redis | null = null;
  const forget = (): void => {
    known = null;
  };
  const hear = (node: Redis | null): void => {
    heard?.off('close', forget);
    heard = node;
    // A listener for each Google project of the process, up to a hundred: Node warns from the eleventh on.
    heard?.setMaxListeners(0);
    heard?.on('close', forget);
  };
  return {
    run: async () => {
      const node = nodeOf(connection, slot) ?? (await foundNode(connection, key, slot));
      if (known !== null && known.node === node) return known.run;
      if (heard !== node) hear(node);
      const run = /^run_id:(\w+)/m.exec(await node.info('server'))?.[1] ?? '';
      known = { node, run };
      return run;
    },
    stop: () => hear(null),
  };
}

/** The node that serves the slot, as far as is known; undefined when it has gone and nobody has asked since who takes its place. */
function nodeOf(connection: RedisConnection, slot: number): Redis | undefined {
  if (!(connection instanceof Cluster)) return connection;
  const name = connection.slots[slot]?.[0];
  return connection
    .nodes('master')
    .find(({ options }) => `${options.host}:${options.port}` === name);
}

/** ioredis asks who serves a slot when a command for it was answered by another node. @throws Error when the cluster does not serve it at the moment */
async function foundNode(connection: RedisConnection, key: string, slot: number): Promise<Redis> {
  await connection.exists(key);
  const node = nodeOf(connection, slot);
  if (node === undefined) throw new Error('CLUSTERDOWN the node of this key is not known');
  return node;
}
