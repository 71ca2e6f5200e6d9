import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { startRedis } from '../../../test/support/redis-server.js';

/** A Redis for one test file: the suite's shared one, or a server of its own. */
export interface TestRedis {
  url: string;
  /** A connection with ordinary options. */
  client: Redis;
  /** A key prefix that no other test uses. */
  prefix(): string;
  /**
   * Has the effect of FLUSHALL on the keys of one prefix only, because the server may be shared
   * with other test files.
   */
  forget(prefix: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestRedis(): Promise<TestRedis> {
  const shared = process.env.SYNCLINE_TEST_REDIS_URL;
  const own = shared ? null : await startRedis();
  const url = shared ?? own!.url;
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
      await own?.stop();
    },
  };
}
