import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Clock, systemClock } from '@syncline/runtime';
import { type FleetBench, openBench, redisForTests, until } from '../test-support/fleet-bench.js';
import { type TestRedis, startRedis } from '../../../test/support/redis-server.js';

const children: ChildProcess[] = [];
const SUPPORT = join(__dirname, '../test-support');

describe('with an available Redis', () => {
  let redis: { url: string; stop(): Promise<void> };
  let bench: FleetBench;
  beforeAll(async () => (redis = await redisForTests()));
  afterAll(() => redis.stop());
  beforeEach(async () => (bench = await openBench(redis.url)));
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => kill(child)));
    await bench.release();
  });

  test('the job of a killed worker is redelivered within 12 s, and two kills do not fail it', async () => {
    await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
    const [first, second] = [startChild(bench), startChild(bench)];
    const firstToFetch = await Promise.race([
      first.fetched.then(() => first),
      second.fetched.then(() => second),
    ]);
    const killedAtMs = bench.rt.clock.nowMs();
    await kill(firstToFetch.process);
    const other = firstToFetch === first ? second : first;
    await other.fetched;
    const redeliveryMs = bench.rt.clock.nowMs() - killedAtMs;
    expect(redeliveryMs).toBeLessThan(12_000);

    await bench.work(async () => ({ kind: 'done' }));
    await kill(other.process);
    await until(
      bench.rt,
      async () => (await bench.fleet.counts())['gmail-full']['completed'] === 1,
    );
    expect((await bench.fleet.counts())['gmail-full']['failed']).toBe(0);
  });

  test('draining lets a handler finish its page, and returns an aborted job without using an attempt', async () => {
    const started: string[] = [];
    await bench.fleet.enqueue([
      { collectionId: 'commits', queue: 'gmail-full' },
      { collectionId: 'gives-up', queue: 'gmail-full' },
    ]);
    const host = await bench.work(async ({ collectionId, signal }) => {
      started.push(collectionId);
      await once(signal, 'abort');
      if (collectionId === 'gives-up') throw signal.reason;
      return { kind: 'done' };
    }, 2);
    await until(bench.rt, async () => started.length === 2);
    const beganMs = bench.rt.clock.nowMs();
    await host.drain(10_000);
    expect(bench.rt.clock.nowMs() - beganMs).toBeLessThan(3_000);
    expect((await bench.fleet.counts())['gmail-full']).toMatchObject({
      completed: 1,
      waiting: 1,
      active: 0,
      delayed: 0,
      failed: 0,
    });
    const [given] =
      (await bench.fleet
        .queues()
        .find((queue) => queue.name === 'gmail-full')
        ?.getWaiting()) ?? [];
    expect(given).toMatchObject({ data: { collection: 'gives-up' }, attemptsMade: 0 });
  });

  test('an idle host drains at once and fetches nothing afterwards', async () => {
    const handled: string[] = [];
    const host = await bench.work(async ({ collectionId }) => {
      handled.push(collectionId);
      return { kind: 'done' };
    });
    const beganMs = bench.rt.clock.nowMs();
    await host.drain(10_000);
    expect(bench.rt.clock.nowMs() - beganMs).toBeLessThan(2_000);
    await bench.fleet.enqueue([{ collectionId: 'late', queue: 'gmail-full' }]);
    expect((await bench.fleet.counts())['gmail-full']['waiting']).toBe(1);
    expect(handled).toEqual([]);
  });

  test('a handler that does not end cannot extend the drain, and another worker takes its job over', async () => {
    const fetched = deferred();
    await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
    const host = await bench.work(() => {
      fetched.resolve();
      return new Promise(() => undefined);
    });
    await fetched.promise;
    const beganMs = bench.rt.clock.nowMs();
    await host.drain(1_000);
    expect(bench.rt.clock.nowMs() - beganMs).toBeLessThan(1_500);
    await bench.work(async () => ({ kind: 'done' }));
    await until(
      bench.rt,
      async () => (await bench.fleet.counts())['gmail-full']['completed'] === 1,
    );
    expect((await bench.fleet.counts())['gmail-full']['failed']).toBe(0);
  });
});

describe('with an unavailable Redis', () => {
  let redis: TestRedis;
  let bench: FleetBench;
  beforeEach(async () => {
    redis = await startRedis();
    bench = await openBench(redis.url);
  });
  afterEach(async () => {
    await bench.release();
    await redis.stop();
  });

  test('draining while Redis is away ends at the deadline', async () => {
    const host = await bench.work(async () => ({ kind: 'done' }));
    await redis.stop();
    const beganMs = bench.rt.clock.nowMs();
    await host.drain(1_500);
    const tookMs = bench.rt.clock.nowMs() - beganMs;
    expect(tookMs).toBeLessThan(2_000);
    await bench.release();
    expect(bench.rt.clock.nowMs() - beganMs).toBeLessThan(5_000);
  });

  test('enqueue rejects within seconds without Redis, and workers continue when an empty Redis is back', async () => {
    const handled: string[] = [];
    await bench.work(async ({ collectionId }) => {
      handled.push(collectionId);
      return { kind: 'done' };
    });
    await redis.stop();
    const beganMs = bench.rt.clock.nowMs();
    await expect(
      bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]),
    ).rejects.toThrow(Error);
    await expect(bench.fleet.ping()).rejects.toThrow(Error);
    expect(bench.rt.clock.nowMs() - beganMs).toBeLessThan(5_000);

    redis = await startRedis([], redis.port);
    await until(bench.rt, () =>
      succeeds(() => bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }])),
    );
    await until(bench.rt, async () => handled.includes('c1'));
  });

  test('workers that Redis refuses report repeated failures with bounded tries until they fetch again', async () => {
    const fast = await openBench(redis.url, undefined, fastClock(8));
    const failing = (): string[] => fast.rt.health.failingLoops().map(({ loop }) => loop);
    await fast.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
    await fast.redis.config('SET', 'maxmemory', '1');
    await fast.work(async () => ({ kind: 'done' }));
    await until(bench.rt, async () => failing().includes('queue-gmail-full'));
    const { values } = await fast.rt.metrics.loopFailures.get();
    const counted = values.find(({ labels }) => labels.loop === 'queue-gmail-full')?.value;
    // Without pauses there would be thousands per second.
    expect(counted).toBeGreaterThanOrEqual(3);
    expect(counted).toBeLessThan(300);

    await fast.redis.config('SET', 'maxmemory', '0');
    await until(bench.rt, async () => !failing().includes('queue-gmail-full'));
    await until(bench.rt, async () => failing().length === 0);
    await fast.release();
  });

  test('workers pause while Redis is full, and resume by themselves', async () => {
    const handled: string[] = [];
    const refusals = async (): Promise<number> =>
      Number(/errorstat_OOM:count=(\d+)/.exec(await bench.redis.info('errorstats'))?.[1] ?? 0);
    await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
    await bench.redis.config('SET', 'maxmemory', '1');
    await expect(
      bench.fleet.enqueue([{ collectionId: 'c2', queue: 'gmail-full' }]),
    ).rejects.toThrow('OOM');

    const beganMs = bench.rt.clock.nowMs();
    await bench.work(async ({ collectionId }) => {
      handled.push(collectionId);
      return { kind: 'done' };
    });
    await until(bench.rt, async () => (await refusals()) >= 25);
    // Without the breaker, 25 refusals take a few milliseconds.
    expect(bench.rt.clock.nowMs() - beganMs).toBeGreaterThan(1_500);
    expect(handled).toEqual([]);

    await bench.redis.config('SET', 'maxmemory', '0');
    await until(bench.rt, async () => handled.includes('c1'));
  });
});

interface Child {
  process: ChildProcess;
  fetched: Promise<void>;
}

function startChild({ redisUrl, prefix }: FleetBench): Child {
  const child = spawn(
    process.execPath,
    [
      '-r',
      join(SUPPORT, 'register-typescript.cjs'),
      join(SUPPORT, 'worker-child.ts'),
      redisUrl,
      prefix,
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.push(child);
  const fetched = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on(
      'line',
      (line) => line.startsWith('fetched') && resolve(),
    );
  });
  return { process: child, fetched };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function succeeds(act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch {
    return false;
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** A clock that runs faster than real time. */
function fastClock(factor: number): Clock {
  const beganMs = systemClock.nowMs();
  const nowMs = (): number => beganMs + (systemClock.nowMs() - beganMs) * factor;
  return {
    now: () => new Date(nowMs()),
    nowMs,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}
