import { once } from 'node:events';
import {
  OperatorError,
  type RedisSettings,
  createRuntime,
  endConnection,
  findRedis,
} from '@syncline/runtime';
import { openHalfOpenProxy } from '../../../test/support/half-open-proxy.js';
import { freePort, startRedis } from '../../../test/support/redis-server.js';
import { openFleet } from './fleet.js';
import { producerConnection, workerConnection } from './redis.js';

const rt = createRuntime({ service: 'test', logLevel: 'silent' });

const settings = (redisUrl: string): RedisSettings => ({
  redisUrl,
  redisPrefix: 'syncline',
  deployment: null,
});

test("an unreachable Redis is an operator's error within seconds, with its address and without its password", async () => {
  const port = await freePort();
  const began = rt.clock.nowMs();
  const opening = openFleet(rt, settings(`redis://:s3cret@127.0.0.1:${port}`));
  await expect(opening).rejects.toThrow(OperatorError);
  await expect(opening).rejects.toThrow(`Redis at 127.0.0.1:${port} cannot be reached`);
  await expect(opening).rejects.not.toThrow('s3cret');
  expect(rt.clock.nowMs() - began).toBeLessThan(6_000);
});

test('a Redis with eviction is refused at start', async () => {
  const redis = await startRedis(['--maxmemory-policy', 'allkeys-lru']);
  try {
    await expect(openFleet(rt, settings(redis.url))).rejects.toThrow('maxmemory-policy noeviction');
  } finally {
    await redis.stop();
  }
});

test('wrong credentials are named as the cause', async () => {
  const redis = await startRedis(['--requirepass', 'right']);
  try {
    await expect(openFleet(rt, settings(redis.url))).rejects.toThrow('refuses the credentials');
    await expect(openFleet(rt, settings(redis.url.replace('://', '://:wrong@')))).rejects.toThrow(
      'refuses the credentials',
    );
  } finally {
    await redis.stop();
  }
});

test('a silent connection is replaced, and the waiting command is executed', async () => {
  const redis = await startRedis();
  const proxy = await openHalfOpenProxy(redis.url);
  const home = {
    settings: settings(proxy.url),
    found: await findRedis(rt, settings(proxy.url), { isForQueues: false }),
    holder: undefined,
  };
  const [worker, producer] = [workerConnection(rt, home, 300), producerConnection(rt, home, 300)];
  for (const connection of [worker, producer]) connection.on('error', () => undefined);
  try {
    await Promise.all([worker, producer].map((connection) => once(connection, 'ready')));
    expect(proxy.silence('')).toBe(2);
    expect(await Promise.all([worker.set('w', '1'), producer.set('p', '1')])).toEqual(['OK', 'OK']);
  } finally {
    for (const connection of [worker, producer]) endConnection(connection);
    proxy.close();
    await redis.stop();
  }
});
