import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { freePort, startRedis, type TestRedis } from './redis-server.js';

/** A Redis Cluster of a test's own. */
export interface TestCluster {
  /** The URL of one node. */
  url: string;
  /** The URLs of all nodes, masters first. */
  urls: string[];
  /** Kills the node that serves the key, and returns its URL. */
  killMasterOf(key: string): Promise<string>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const NODE_TIMEOUT_MS = 1_000;

/**
 * Starts `masters` nodes with the slots distributed among them, and `replicas` replicas for each.
 */
export async function startCluster(masters = 3, replicas = 0): Promise<TestCluster> {
  const directory = await mkdtemp(path.join(tmpdir(), 'syncline-cluster-'));
  const nodes: TestRedis[] = [];
  const ports: { port: number; bus: number }[] = [];
  for (let i = 0; i < masters * (1 + replicas); i++) {
    const bus = await freePort();
    const node = await startRedis([
      '--cluster-enabled',
      'yes',
      '--cluster-port',
      String(bus),
      '--dir',
      directory,
      '--cluster-config-file',
      `nodes-${i}.conf`,
      '--dbfilename',
      `dump-${i}.rdb`,
      '--cluster-node-timeout',
      String(NODE_TIMEOUT_MS),
      '--repl-diskless-sync-delay',
      '0',
    ]);
    nodes.push(node);
    ports.push({ port: node.port, bus });
  }
  const clients = nodes.map(({ url }) => new Redis(url));
  for (const client of clients) client.on('error', () => undefined);
  await join(clients, ports, masters);
  const urls = nodes.map(({ url }) => url);
  return {
    url: urls[0] ?? '',
    urls,
    killMasterOf: async (key) => {
      const at = await masterOf(clients, urls, key);
      await nodes[at]?.stop();
      return urls[at] ?? '';
    },
    stop: async () => {
      for (const client of clients) client.disconnect();
      await Promise.all(nodes.map((node) => node.stop()));
      await rm(directory, { recursive: true });
    },
  };
}

async function join(
  clients: Redis[],
  ports: readonly { port: number; bus: number }[],
  masters: number,
): Promise<void> {
  const [first, ...rest] = clients;
  if (!first) throw new Error('a cluster has a node');
  for (const [i, client] of clients.slice(0, masters).entries()) {
    const from = Math.ceil((i * SLOTS) / masters);
    const to = Math.ceil(((i + 1) * SLOTS) / masters) - 1;
    await client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
  }
  const at = ports[0];
  for (const client of rest)
    await client.call('CLUSTER', 'MEET', '127.0.0.1', at?.port ?? 0, at?.bus ?? 0);
  await until(clients, async (client) => (await knownNodes(client)) === clients.length);
  for (const [i, client] of clients.slice(masters).entries()) {
    const id = String(await clients[i % masters]?.call('CLUSTER', 'MYID'));
    await client.call('CLUSTER', 'REPLICATE', id);
  }
  await until(clients, async (client) =>
    String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
  );
  await until(clients.slice(masters), async (client) =>
    (await client.info('replication')).includes('master_link_status:up'),
  );
}

async function knownNodes(client: Redis): Promise<number> {
  return String(await client.call('CLUSTER', 'NODES'))
    .split('\n')
    .filter((line) => line !== '' && !/handshake|noaddr/.test(line)).length;
}

async function masterOf(clients: Redis[], urls: string[], key: string): Promise<number> {
  const slot = Number(await clients[0]?.call('CLUSTER', 'KEYSLOT', key));
  const ranges = (await clients[0]?.call('CLUSTER', 'SLOTS')) as [
    number,
    number,
    [string, number],
  ][];
  const range = ranges.find(([from, to]) => from <= slot && slot <= to);
  return urls.findIndex((url) => url.endsWith(`:${range?.[2][1]}`));
}

async function until(
  clients: readonly Redis[],
  met: (client: Redis) => Promise<boolean>,
): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline;) {
    if ((await Promise.all(clients.map(met))).every(Boolean)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the cluster did not come together');
}
