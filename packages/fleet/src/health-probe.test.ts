import { createRuntime } from '@syncline/runtime';
import { Redis } from 'ioredis';
import { type TestRedis, startRedis } from '../../../test/support/redis-server.js';
import { type Fleet, openFleet } from './fleet.js';

const rt = createRuntime({ service: 'test', logLevel: 'silent' });
let redis: TestRedis;
let admin: Redis;
let fleet: Fleet;

beforeEach(async () => {
  redis = await startRedis();
  admin = new Redis(redis.url);
  admin.on('error', () => undefined);
  fleet = await openFleet(rt, { redisUrl: redis.url, deployment: null, redisPrefix: 'p' });
});
afterEach(async () => {
  await fleet.close();
  admin.disconnect();
  await redis.stop();
});

test('the probe writes one key, which expires', async () => {
  await fleet.probeWrite();
  await fleet.probeWrite();
  expect(await admin.keys('*probe*')).toEqual(['p:health-probe']);
  expect(await admin.pttl('p:health-probe')).toBeGreaterThan(0);
});

test.each([
  ['is full', () => admin.config('SET', 'maxmemory', '1'), /^OOM/],
  [
    'is a replica',
    () => admin.replicaof('127.0.0.1', 1),
    /READONLY|Connection|timed out|writeable/,
  ],
  ['takes no scripts of this user', () => admin.acl('SETUSER', 'default', '-eval'), /NOPERM/],
  [
    'takes no writes of this user',
    () => admin.acl('SETUSER', 'default', '-set'),
    /NOPERM|can't run this command/,
  ],
  ['was stopped', () => redis.stop(), /./],
])('the probe fails while Redis %s', async (_what, befall, message) => {
  await fleet.probeWrite();
  await befall();
  await expect(fleet.probeWrite()).rejects.toThrow(message);
});
