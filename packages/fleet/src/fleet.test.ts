import { must } from '@syncline/runtime';
import type { Queue } from 'bullmq';
import { type FleetBench, openBench, redisForTests, until } from '../test-support/fleet-bench.js';
import type { JobRun } from './queue-worker.js';
import type { QueueName } from './queues.js';

let redis: { url: string; stop(): Promise<void> };
let bench: FleetBench;

beforeAll(async () => (redis = await redisForTests()));
afterAll(() => redis.stop());
beforeEach(async () => (bench = await openBench(redis.url)));
afterEach(() => bench.release());

test('a waiting collection is not enqueued twice; a running one is enqueued once more', async () => {
  const gate = deferred<void>();
  const runs: string[] = [];
  await twice(() => bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]));
  expect((await bench.fleet.counts())['gmail-full']['waiting']).toBe(1);

  const first = deferred<void>();
  await bench.work(async ({ collectionId }) => {
    runs.push(collectionId);
    first.resolve();
    await gate.promise;
    return { kind: 'done' };
  }, 5);
  await first.promise;
  for (let n = 0; n < 20; n += 1)
    await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
  expect(runs).toEqual(['c1']);
  expect(await states('gmail-full')).toMatchObject({ active: 1, waiting: 0 });

  gate.resolve();
  await until(bench.rt, async () => (await states('gmail-full')).completed === 2);
  expect(runs).toEqual(['c1', 'c1']);
  expect(await states('gmail-full')).toMatchObject({ active: 0, waiting: 0 });
});

test('a collection whose job has completed or failed can be enqueued at once, although the job is kept', async () => {
  const runs: string[] = [];
  await bench.work(async ({ collectionId }) => {
    runs.push(collectionId);
    return { kind: 'done' };
  });
  for (let times = 1; times <= 3; times += 1) {
    await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
    await until(bench.rt, async () => (await states('gmail-full')).completed === times);
  }
  await queue('gmail-full').add(
    'sync',
    { v: 1, collectionId: 'c1', more: 'than there should be' },
    { attempts: 1, deduplication: { id: 'c1' } },
  );
  await until(bench.rt, async () => (await states('gmail-full')).failed === 1);
  await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-full' }]);
  await until(bench.rt, async () => (await states('gmail-full')).completed === 4);
  expect(runs).toEqual(['c1', 'c1', 'c1', 'c1']);
});

test('`again` continues at once with all attempts when no job waits; otherwise the job ends and the scheduler enqueues it again', async () => {
  const runs: JobRun[] = [];
  await bench.fleet.enqueue(
    ['a', 'b', 'c'].map((collectionId) => ({ collectionId, queue: 'gmail-full' as const })),
  );
  await bench.work(async (run) => {
    runs.push(run);
    const seen = runs.filter((other) => other.collectionId === run.collectionId).length;
    return seen === 1 ? { kind: 'again', queue: 'gmail-full' } : { kind: 'done' };
  });
  await until(bench.rt, async () => (await states('gmail-full')).completed === 4);
  expect(runs.map((run) => run.collectionId)).toEqual(['a', 'b', 'c', 'c']);
  const jobs = await queue('gmail-full').getCompleted();
  expect(new Set(jobs.map((job) => job.opts.attempts))).toEqual(new Set([8]));
});

test('a new account goes to the head of the queue', async () => {
  const onboarding = { collectionId: 'new', queue: 'gmail-full' as const, first: true };
  await bench.fleet.enqueue(
    ['a', 'b']
      .map((collectionId) => ({ collectionId, queue: 'gmail-full' as const }))
      .concat(onboarding),
  );
  const runs: string[] = [];
  await bench.work(async (run) => {
    runs.push(run.collectionId);
    return { kind: 'done' };
  });
  await until(bench.rt, async () => (await states('gmail-full')).completed === 3);
  expect(runs).toEqual(['new', 'a', 'b']);
});

test('`again` in another queue moves the collection there', async () => {
  const runs: string[] = [];
  await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'calendar-full' }]);
  await bench.work(async (run) => {
    runs.push(run.queue);
    return run.queue === 'calendar-full'
      ? { kind: 'again', queue: 'calendar-incremental' }
      : { kind: 'done' };
  });
  await until(bench.rt, async () => (await states('calendar-incremental')).completed === 1);
  expect(runs).toEqual(['calendar-full', 'calendar-incremental']);
});

test('a delay uses no attempt and lasts until its time', async () => {
  const attempts: number[] = [];
  const startedMs: number[] = [];
  await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-incremental' }]);
  await bench.work(async ({ attempt }) => {
    attempts.push(attempt);
    startedMs.push(bench.rt.clock.nowMs());
    return attempts.length <= 10
      ? {
          kind: 'delay',
          until: new Date(bench.rt.clock.nowMs() + (attempts.length === 1 ? 600 : 0)),
        }
      : { kind: 'done' };
  });
  await until(bench.rt, async () => (await states('gmail-incremental')).completed === 1);
  expect(attempts).toEqual(Array(11).fill(1));
  expect((startedMs[1] ?? 0) - (startedMs[0] ?? 0)).toBeGreaterThanOrEqual(590);
  // A delay into the past does not cause a busy loop.
  expect((startedMs[2] ?? 0) - (startedMs[1] ?? 0)).toBeGreaterThanOrEqual(240);
});

test('a thrown error uses an attempt, delays the job, and stores no personal data in Redis', async () => {
  await bench.fleet.enqueue([{ collectionId: 'c1', queue: 'gmail-incremental' }]);
  await bench.work(async () => {
    throw new Error('could not store "Your invoice" of ann@example.com, token ya29.SECRET');
  });
  await until(bench.rt, async () => (await states('gmail-incremental')).delayed === 1);
  const [job] = await queue('gmail-incremental').getDelayed();
  expect(job).toMatchObject({
    attemptsMade: 1,
    failedReason: 'an error ended this run: Error; the log of its worker has more',
  });
  expect(job?.stacktrace?.[0]).toContain('fleet.test.ts');
  expect(await everythingInRedis(bench)).not.toMatch(/invoice|ann@|SECRET/);
});

test('job data is ids and our own words, and a job with other data fails without reaching the handler', async () => {
  const handled: string[] = [];
  await bench.fleet.enqueue([{ collectionId: '42', queue: 'calendar-full' }]);
  const [job] = await queue('calendar-full').getWaiting();
  expect(job).toMatchObject({
    name: 'calendar full',
    data: { collection: '42', cause: 'schedule', resource: 'calendar', mode: 'full' },
  });
  expect(Object.keys(job?.data)).toHaveLength(4);
  await queue('calendar-full').add(
    'sync',
    { v: 1, collectionId: '43', email: 'x' },
    { attempts: 8 },
  );
  await bench.work(async ({ collectionId }) => {
    handled.push(collectionId);
    return { kind: 'done' };
  });
  await until(
    bench.rt,
    async () =>
      (await states('calendar-full')).completed === 1 &&
      (await states('calendar-full')).failed === 1,
  );
  expect(handled).toEqual(['42']);
  const [failed] = await queue('calendar-full').getFailed();
  expect(failed).toMatchObject({
    attemptsMade: 1,
    failedReason: expect.stringContaining('does not fit its queue'),
  });
});

test('1,200 collections are enqueued in chunks, each in its own queue', async () => {
  const items = Array.from({ length: 1_200 }, (_, n) => ({
    collectionId: `c${n}`,
    queue: n % 2 === 0 ? ('gmail-full' as const) : ('gmail-incremental' as const),
  }));
  await bench.fleet.enqueue(items);
  expect(await states('gmail-full')).toMatchObject({ waiting: 600 });
  expect(await states('gmail-incremental')).toMatchObject({ waiting: 600 });
});

test('the age of the next job is reported, and is 0 when none waits', async () => {
  await bench.fleet.enqueue([{ collectionId: 'old', queue: 'gmail-full' }]);
  await bench.rt.clock.sleep(60);
  await bench.fleet.enqueue([{ collectionId: 'young', queue: 'gmail-full' }]);
  const ages = await bench.fleet.waitingAgesMs();
  expect(ages['gmail-full']).toBeGreaterThanOrEqual(60);
  expect(ages['gmail-incremental']).toBe(0);
});

test('full syncs that fill their slots leave the incremental slots free', async () => {
  const fullSyncs = deferred<void>();
  const incremental = deferred<string>();
  await bench.fleet.enqueue(
    ['a', 'b', 'c'].map((collectionId) => ({ collectionId, queue: 'gmail-full' as const })),
  );
  await bench.work(async ({ collectionId, queue: name }) => {
    if (name === 'gmail-full') await fullSyncs.promise;
    else incremental.resolve(collectionId);
    return { kind: 'done' };
  });
  await bench.fleet.enqueue([{ collectionId: 'z', queue: 'gmail-incremental' }]);
  expect(await incremental.promise).toBe('z');
  expect(await states('gmail-full')).toMatchObject({ active: 1, waiting: 2 });
  fullSyncs.resolve();
  await until(bench.rt, async () => (await states('gmail-full')).completed === 3);
});

async function states(name: QueueName): Promise<Record<string, number>> {
  return (await bench.fleet.counts())[name];
}

function queue(name: QueueName): Queue {
  return must(
    bench.fleet.queues().find((one) => one.name === name),
    `there is no queue ${name}`,
  );
}

async function everythingInRedis({ redis: client, prefix }: FleetBench): Promise<string> {
  const dump: unknown[] = [];
  for (const key of await client.keys(`${prefix}:*`)) {
    dump.push(key, (await client.type(key)) === 'hash' ? await client.hgetall(key) : null);
    if ((await client.type(key)) === 'stream') dump.push(await client.xrange(key, '-', '+'));
  }
  return JSON.stringify(dump);
}

async function twice(act: () => Promise<void>): Promise<void> {
  await act();
  await act();
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
