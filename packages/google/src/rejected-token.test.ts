import type { Redis } from 'ioredis';
import { openBench, type Bench } from '../test-support/bench-google.js';
import { openTokens } from './tokens.js';
import { openTransport } from './transport.js';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.stop());

/** A Redis whose deletions are delayed. */
function slowToDelete(redis: Redis): Redis {
  return new Proxy(redis, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'del') return typeof value === 'function' ? value.bind(target) : value;
      return async (...keys: string[]) => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return target.del(...keys);
      };
    },
  });
}

test('a rejected access token is not used again while Redis still has it', async () => {
  const transport = openTransport();
  const tokens = openTokens(bench.rt, slowToDelete(bench.redis.client), transport, {
    prefix: bench.prefix,
    origin: bench.stub.url,
    project: 'default',
    clientId: 'client',
    clientSecret: 'secret',
    store: bench.tokens,
  });
  const first = await tokens.access('a1');
  const forgetting = tokens.forget('a1', first);
  // Another call begins meanwhile.
  await tokens.access('a1');
  await forgetting;
  expect(await tokens.access('a1')).not.toBe(first);
  await transport.close();
});
