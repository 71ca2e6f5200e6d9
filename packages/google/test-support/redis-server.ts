import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';

/** A Redis for one test file: the suite's shared one, or a server of its own. */
export interface TestRedis {
  url: string;
  /** A connection with ordinary options. */
  client: Redis;
  /** A key prefix that nobody else uses. */
  prefix(): string;
  /** What FLUSHALL does, but only to the keys of one prefix: the server may be shared with other test files. */
  forget(prefix: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestRedis(): Promise<TestRedis> {
  const shared = process.env.SYNCLINE_TEST_REDIS_URL;
  const port = await freePort();
  const server = shared ? null : spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1'], { stdio: 'ignore' });
  const url = shared ?? `redis://127.0.0.1:${port}`;
  const client = new Redis(url, { retryStrategy: () => 50 });
  client.on('error', () => undefined);
  client.setMaxListeners(0);
  await client.ping();
  return {
    url,
    client,
    prefix: () => `test-${randomUUID()}`,
    forget: async (prefix) => {
      const keys = await client.keys(`*${prefix}*`);
      if (keys.length > 0) await client.del(...keys);
    },
    stop: async () => {
      client.disconnect();
      if (server) await stopped(server);
    },
  };
}

async function stopped(server: ChildProcess): Promise<void> {
  const exited = once(server, 'exit');
  server.kill('SIGKILL');
  await exited;
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}
