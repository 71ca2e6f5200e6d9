/**
 * Identifies the run of the server that holds a key. A different run than before means that the
 * server was restarted, possibly without its data, or that another server has taken over. In a
 * cluster each node has its own runs, and a key may move to another node.
 */
import { Cluster, Command, type Redis } from 'ioredis';
import type { RedisConnection } from './connect.js';

/**
 * Returns the id of the run, or '' when the server does not report it. Sends one request per
 * connection.
 * @throws Error of the Redis client
 */
export type ServerRun = () => Promise<string>;

/** `stop` removes the listener from the connection. */
export function serverRunOf(
  connection: RedisConnection,
  key: string,
): { run: ServerRun; stop(): void } {
  const slot = new Command('get', [key]).getSlot();
  let known: { node: Redis; run: string } | null = null;
  let listenedNode: Redis | null = null;
  const forget = (): void => {
    known = null;
  };
  const listenTo = (node: Redis | null): void => {
    listenedNode?.off('close', forget);
    listenedNode = node;
    // There is one listener per Google project of the process, up to a hundred. Node warns from the
    // eleventh on.
    listenedNode?.setMaxListeners(0);
    listenedNode?.on('close', forget);
  };
  return {
    run: async () => {
      const node = nodeOf(connection, slot) ?? (await foundNode(connection, key, slot));
      if (known !== null && known.node === node) return known.run;
      if (listenedNode !== node) listenTo(node);
      const run = /^run_id:(\w+)/m.exec(await node.info('server'))?.[1] ?? '';
      known = { node, run };
      return run;
    },
    stop: () => listenTo(null),
  };
}

/**
 * Returns the known node of the slot. Returns undefined when the node has left and its successor is
 * not known yet.
 */
function nodeOf(connection: RedisConnection, slot: number): Redis | undefined {
  if (!(connection instanceof Cluster)) return connection;
  const name = connection.slots[slot]?.[0];
  return connection
    .nodes('master')
    .find(({ options }) => `${options.host}:${options.port}` === name);
}

/**
 * ioredis looks up the node of a slot after another node answered a command for it.
 * @throws Error when the cluster currently does not serve the slot
 */
async function foundNode(connection: RedisConnection, key: string, slot: number): Promise<Redis> {
  await connection.exists(key);
  const node = nodeOf(connection, slot);
  if (node === undefined) throw new Error('CLUSTERDOWN the node of this key is not known');
  return node;
}
