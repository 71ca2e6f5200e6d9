import { QUEUE_NAMES, type Fleet } from '@syncline/fleet';
import { type Clock, type Runtime, createRuntime } from '@syncline/runtime';
import { metricsPage } from './metrics-page.js';

const WAITING = 'syncline_queue_jobs{queue="gmail-full",state="waiting"} 7';

test('Redis is asked once in five seconds, however many ask for metrics', async () => {
  const world = worldAt();
  await Promise.all([world.page.text(), world.page.text(), world.page.text()]);
  world.atMs = 4_999;
  expect(await world.page.text()).toContain(WAITING);
  expect(world.asked).toBe(1);
  world.atMs = 5_000;
  expect(await world.page.text()).toContain(
    'syncline_oldest_job_age_seconds{queue="gmail-full"} 1.5',
  );
  expect(world.asked).toBe(2);
  expect(await world.page.text()).toContain('syncline_accounts{state="active"} 4');
  expect(await world.page.text()).toContain('syncline_feed_undistributed_seconds 2.5');
});

test('many requests share one text, also while it is being computed', async () => {
  const world = worldAt();
  const metrics = jest.spyOn(world.registry, 'metrics');
  const flood = await Promise.all(Array.from({ length: 300 }, () => world.page.text()));
  world.atMs = 4_999;
  flood.push(await world.page.text());
  expect(new Set(flood).size).toBe(1);
  expect(metrics).toHaveBeenCalledTimes(1);
  world.atMs = 5_000;
  await world.page.text();
  expect(metrics).toHaveBeenCalledTimes(2);
});

test('a clock that is set back an hour stops no measurement', async () => {
  const world = worldAt();
  world.atMs = 3_600_000;
  await world.page.text();
  await macrotask();
  world.atMs = 0;
  await world.page.text();
  await macrotask();
  expect([world.asked, world.counts]).toEqual([2, 2]);
  world.atMs = 4_999;
  await world.page.text();
  expect([world.asked, world.counts]).toEqual([2, 2]);
});

test('while Redis is away the queue metrics are absent, not stale, and all others are reported', async () => {
  const world = worldAt();
  expect(await world.page.text()).toContain(WAITING);
  world.away = true;
  world.atMs = 5_000;
  const text = await world.page.text();
  expect(text).not.toContain(WAITING);
  expect(text).toContain('# TYPE syncline_jobs_total counter');
});

test('watches are counted once in a minute, or ever more rarely the longer it takes, and no scrape waits for it', async () => {
  const ON = 'syncline_watches{kind="gmail",state="on"} 3';
  const world = worldAt();
  let answer: () => void = () => undefined;
  world.postgres = new Promise((resolve) => (answer = resolve));
  expect([await world.page.text(), await world.page.text()]).not.toContainEqual(
    expect.stringContaining('syncline_watches{'),
  );
  // The first count takes 2 s: the next may begin 200 s after it, and there is never more than one
  // at once.
  world.atMs = 2_000;
  answer();
  await macrotask();
  for (const [atMs, counts] of [
    [5_000, 1],
    [194_999, 1],
    [200_000, 2],
    [254_999, 2],
    [260_000, 3],
  ] as const) {
    world.atMs = atMs;
    expect(await world.page.text()).toContain(ON);
    await macrotask();
    expect(world.counts).toBe(counts);
  }
});

test('while Postgres is away the watches are absent, not old', async () => {
  const world = worldAt();
  await world.page.text();
  await macrotask();
  world.away = true;
  world.atMs = 60_000;
  await world.page.text();
  await macrotask();
  world.atMs = 65_000;
  expect(await world.page.text()).not.toContain('syncline_watches{');
});

test('held sweeps are counted by kind, and are absent while Postgres is away', async () => {
  const world = worldAt();
  const text = await world.page.text();
  expect(text).toContain('syncline_held_sweeps{kind="gmail"} 2');
  expect(text).toContain('syncline_held_sweeps{kind="calendar-events"} 0');
  world.away = true;
  world.atMs = 5_000;
  expect(await world.page.text()).not.toContain('syncline_held_sweeps{');
});

interface World {
  page: ReturnType<typeof metricsPage>;
  atMs: number;
  asked: number;
  away: boolean;
  counts: number;
  registry: Runtime['metrics']['registry'];
  /** Postgres' response resolves with this promise. */
  postgres: Promise<void>;
}

function worldAt(): World {
  const world: World = {
    atMs: 0,
    asked: 0,
    away: false,
    counts: 0,
    postgres: Promise.resolve(),
    page: undefined as unknown as World['page'],
    registry: undefined as unknown as World['registry'],
  };
  const clock: Clock = {
    now: () => new Date(world.atMs),
    nowMs: () => world.atMs,
    sleep: async () => undefined,
  };
  const fleet: Pick<Fleet, 'counts' | 'waitingAgesMs'> = {
    counts: async () => {
      world.asked += 1;
      if (world.away) throw new Error('Connection is closed.');
      return everyQueue({ waiting: 7 });
    },
    waitingAgesMs: async () => everyQueue(1_500),
  };
  const count = async (): Promise<Record<string, Record<string, number>>> => {
    world.counts += 1;
    await world.postgres;
    if (world.away) throw new Error('Connection terminated');
    return { gmail: { on: 3 } };
  };
  const rt = createRuntime({ service: 'test', logLevel: 'silent', clock });
  world.registry = rt.metrics.registry;
  world.page = metricsPage(rt, {
    fleet,
    accounts: {
      countByState: async () => ({ active: 4 }),
      countHeldSweeps: async () => {
        if (world.away) throw new Error('Connection terminated');
        return { gmail: 2, 'calendar-list': 0, 'calendar-events': 0 };
      },
    },
    distribution: { undistributedMs: async () => 2_500 },
    watches: { count },
  });
  return world;
}

/** Resolves after pending microtasks, when the gauge holds a count whose response has arrived. */
const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function everyQueue<T>(value: T): Record<(typeof QUEUE_NAMES)[number], T> {
  return Object.fromEntries(QUEUE_NAMES.map((name) => [name, value])) as Record<
    (typeof QUEUE_NAMES)[number],
    T
  >;
}
