import { type Clock, type Runtime, createRuntime } from '@syncline/runtime';
import { Redis } from 'ioredis';
import { type Fleet, type WorkOptions, type WorkerHost, openFleet } from '../src/index.js';
import { type TestRedis, startRedis } from '../../../test/support/redis-server.js';

/**
 * A fleet for one test, with its own prefix on a Redis that may be shared; `release` ends
 * everything that it started.
 */
export interface FleetBench {
  rt: Runtime;
  redisUrl: string;
  prefix: string;
  fleet: Fleet;
  /** A separate connection for the test. */
  redis: Redis;
  work(handle: WorkOptions['handle'], slots?: number): Promise<WorkerHost>;
  release(): Promise<void>;
}

let benches = 0;

/** Returns the Redis at SYNCLINE_TEST_REDIS_URL, or starts one for the test file. */
export async function redisForTests(): Promise<{ url: string; stop(): Promise<void> }> {
  const given = process.env['SYNCLINE_TEST_REDIS_URL'];
  if (given !== undefined && given !== '') return { url: given, stop: async () => undefined };
  const own: TestRedis = await startRedis();
  return own;
}

export async function openBench(
  redisUrl: string,
  holder?: string,
  clock?: Clock,
): Promise<FleetBench> {
  const rt = createRuntime({ service: 'test', logLevel: 'silent', ...(clock ? { clock } : {}) });
  const prefix = `test-${process.pid}-${(benches += 1)}-${rt.random.uuid()}`;
  const fleet = await openFleet(rt, {
    redisUrl,
    redisPrefix: prefix,
    deployment: null,
    ...(holder === undefined ? {} : { holder }),
  });
  const hosts: WorkerHost[] = [];
  const redis = new Redis(redisUrl, { lazyConnect: true });
  redis.on('error', () => undefined);
  return {
    rt,
    redisUrl,
    prefix,
    fleet,
    redis,
    work: async (handle, slots = 1) => {
      const concurrency = {
        'gmail-full': slots,
        'gmail-incremental': slots,
        'calendar-full': slots,
        'calendar-incremental': slots,
        'contacts-full': slots,
        'contacts-incremental': slots,
        watch: slots,
      };
      const host = await fleet.work({ concurrency, handle });
      hosts.push(host);
      return host;
    },
    release: async () => {
      await Promise.all(hosts.map((host) => host.drain(5_000)));
      await fleet.close();
      redis.disconnect();
    },
  };
}

const PATIENCE_MS = 30_000;

/** Resolves when `holds` returns true. Checks every 20 ms, and throws after 30 s. */
export async function until(rt: Runtime, holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = rt.clock.nowMs() + PATIENCE_MS;
  while (!(await holds())) {
    if (rt.clock.nowMs() > deadlineMs)
      throw new Error('what the test waits for did not come true within 30 s');
    await rt.clock.sleep(20);
  }
}
