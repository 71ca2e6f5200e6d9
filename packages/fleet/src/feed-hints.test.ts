import { type FleetBench, openBench, redisForTests, until } from '../test-support/fleet-bench.js';
import { type Fleet, openFleet } from './index.js';

let redis: { url: string; stop(): Promise<void> };
let bench: FleetBench;
let other: Fleet;
/** What a process of the same deployment is given. */
let received: string[];

beforeAll(async () => (redis = await redisForTests()));
afterAll(() => redis.stop());
beforeEach(async () => {
  bench = await openBench(redis.url);
  other = await openFleet(bench.rt, {
    redisUrl: redis.url,
    redisPrefix: bench.prefix,
    deployment: null,
  });
  received = [];
  other.feedHints.listen({ changed: (id) => received.push(id) });
  other.feedHints.listen({ distributed: () => received.push('distributed') });
  await subscribed();
});
afterEach(async () => {
  await other.close();
  await bench.release();
});

/** Resolves when messages arrive: a subscription takes a moment. */
async function subscribed(): Promise<void> {
  await until(bench.rt, async () => {
    bench.fleet.feedHints.distributed();
    return received.includes('distributed');
  });
  await bench.rt.clock.sleep(50);
  received.length = 0;
}

test('other processes are given the accounts whose feeds have grown, each once for several commits', async () => {
  for (const id of ['a', 'b', 'a', 'a']) bench.fleet.feedHints.changed(id);
  await until(bench.rt, async () => received.length >= 2);
  bench.fleet.feedHints.distributed();
  await until(bench.rt, async () => received.includes('distributed'));
  expect(received).toEqual(['a', 'b', 'distributed']);
});

test('a listener is given messages again after its connection was lost', async () => {
  const list = String(await bench.redis.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
  const mine = list.split('\n').find((line) => line.includes(` name=${bench.prefix}:feed`));
  await bench.redis.call('CLIENT', 'KILL', 'ID', /^id=(\d+)/.exec(mine ?? '')?.[1] ?? '');
  await subscribed();
  bench.fleet.feedHints.changed('c');
  await until(bench.rt, async () => received.length > 0);
  expect(received).toEqual(['c']);
});

test('messages that cannot be sent are dropped, and the process goes on', async () => {
  const key = bench.prefix;
  await bench.redis.call('ACL', 'SETUSER', key, 'on', '>pw', '~*', 'resetchannels', '&*', '+@all');
  const url = new URL(redis.url);
  [url.username, url.password] = [key, 'pw'];
  const poor = await openFleet(bench.rt, {
    redisUrl: url.href,
    redisPrefix: bench.prefix,
    deployment: null,
  });
  await bench.redis.call('ACL', 'SETUSER', key, 'resetchannels', '-publish');
  poor.feedHints.changed('d');
  await bench.rt.clock.sleep(50);
  poor.feedHints.distributed();
  await poor.ping();
  await poor.close();
  expect(received).toEqual([]);
  await bench.redis.call('ACL', 'DELUSER', key);
});
