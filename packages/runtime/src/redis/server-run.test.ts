import { Redis } from 'ioredis';
import { redisUrl } from '../../../../test/support/database.js';
import { type TestCluster, startCluster } from '../../../../test/support/redis-cluster.js';
import { createRuntime } from '../runtime.js';
import { endConnection } from './connect.js';
import { findRedis } from './find.js';
import { serverRunOf } from './server-run.js';

let cluster: TestCluster;

beforeAll(async () => void (cluster = await startCluster(3, 1)), 60_000);
afterAll(() => cluster.stop());

test('learns the run of the node that takes over, although nothing else is asked of the cluster meanwhile', async () => {
  const rt = createRuntime({ service: 'test', logLevel: 'silent' });
  const settings = { redisUrl: cluster.url, redisPrefix: 'p', deployment: null };
  const found = await findRedis(rt, settings, { isForQueues: false });
  const connection = found.connect({
    retryStrategy: () => 100,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 2_000,
  });
  connection.on('error', () => undefined);
  await new Promise<void>((resolve) => connection.once('ready', resolve));
  const server = serverRunOf(connection, 'p:{quota:default}:birth');
  try {
    const before = await server.run();
    expect(before).toMatch(/^[0-9a-f]{40}$/);
    expect(await server.run()).toBe(before);
    await cluster.killMasterOf('p:{quota:default}:birth');
    const after = await until(async () => {
      const run = await server.run();
      return run === before ? null : run;
    });
    expect(after).toMatch(/^[0-9a-f]{40}$/);
  } finally {
    server.stop();
    endConnection(connection);
  }
}, 90_000);

/** Calls `ask` every 100 ms, like a heartbeat, until it returns a result. */
async function until<T>(ask: () => Promise<T | null>): Promise<T> {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline;) {
    const answer = await ask().catch(() => null);
    if (answer !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('no other run within 30 s');
}

test('twelve Google projects on one connection cause no warning of leaking listeners', async () => {
  const connection = new Redis(redisUrl());
  const runs = Array.from({ length: 12 }, () => serverRunOf(connection, 'key'));
  for (const { run } of runs) await run();
  const [listeners, most] = [connection.listenerCount('close'), connection.getMaxListeners()];
  for (const { stop } of runs) stop();
  endConnection(connection);
  // 0 means no limit.
  expect([listeners >= 12, most === 0 || listeners <= most]).toEqual([true, true]);
});
