import { randomUUID } from 'node:crypto';
import { openFleet } from '@syncline/fleet';
import { redisUrl, testRuntime } from '../../../../test/support/database.js';
import { openRateLimits } from './rate-limit.js';

const LIMITS = { requests: 10, failures: 2 };

test('the processes of a deployment share the count of a key, by weight', async () => {
  const redisPrefix = `test-${randomUUID()}`;
  const fleet = await openFleet(testRuntime(), {
    redisUrl: redisUrl(),
    redisPrefix,
    deployment: null,
  });
  const redis = { connection: fleet.connection, prefix: redisPrefix };
  const [one, other] = [openRateLimits(redis, LIMITS), openRateLimits(redis, LIMITS)];
  expect(await one.charge('a', 5)).toMatchObject({ isAllowed: true });
  const charged = await other.charge('a', 4);
  expect([charged.isAllowed, charged.headers['RateLimit']]).toEqual([
    true,
    expect.stringMatching(/^"default";r=1;t=(?:60|5\d)$/),
  ]);
  expect(await one.charge('b', 10)).toMatchObject({ isAllowed: true });
  const refused = await one.charge('a', 2);
  expect(refused.isAllowed).toBe(false);
  expect(Number(refused.headers['Retry-After'])).toBeGreaterThan(50);
  const keys = await fleet.connection.keys(`${redisPrefix}:api-rate*`);
  expect(keys).toHaveLength(2);
  for (const key of keys) expect(await fleet.connection.pttl(key)).toBeGreaterThan(0);

  // Without Redis a process goes on counting by itself.
  await fleet.close();
  expect(await one.charge('a', 10)).toMatchObject({ isAllowed: true });
  expect(await one.charge('a', 1)).toMatchObject({ isAllowed: false });
});

test('failed authentications are counted for each address', async () => {
  const limits = openRateLimits(null, LIMITS);
  const states = [];
  for (let i = 0; i < 3; i++) states.push((await limits.failed('192.0.2.1')).isAllowed);
  expect(states).toEqual([true, true, false]);
  expect((await limits.failed('192.0.2.2')).isAllowed).toBe(true);
});
