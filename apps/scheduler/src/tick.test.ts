import { QUEUE_NAMES, SYNC_QUEUES, type Enqueued, type Fleet } from '@syncline/fleet';
import { type LogFields, type Clock, type Runtime, createRuntime } from '@syncline/runtime';
import type { Schedule } from '@syncline/store';
import type { LostQueueDeps } from './lost-queue.js';
import { type QueueLeads, type TickDeps, runTicks, tick } from './tick.js';

type DueQuery = Parameters<Schedule['claimDue']>[0];
type DueCollection = Awaited<ReturnType<Schedule['claimDue']>>[number];
type Counts = Awaited<ReturnType<Fleet['counts']>>;

const waitingEverywhere = (waiting: number): Counts =>
  Object.fromEntries(
    QUEUE_NAMES.map((name) => [name, { waiting } as Record<string, number>]),
  ) as Counts;

test('what is due goes to its queue, and the next round waits as long as there is reason to', async () => {
  const busy = { ...waitingEverywhere(0), 'gmail-incremental': { waiting: 0, active: 100 } };
  const world = worldWith({ counts: busy, due: [[], collections(500)] });
  expect(await tick(runtimeWith([]).rt, world.deps, new Map())).toBe(0);
  expect(await tick(runtimeWith([]).rt, world.deps, new Map())).toBe(1_000);
  expect(world.enqueued).toHaveLength(500);
  expect(world.enqueued[0]).toEqual({
    collectionId: 'c0',
    accountId: 'a0',
    tenant: 't',
    cause: 'schedule',
    queue: 'gmail-incremental',
    first: false,
  });
});

test('a queue gets at most as many jobs as it has room for, and is soon filled again', async () => {
  const world = worldWith({ counts: waitingEverywhere(5), due: [collections(500)] });
  expect(await tick(runtimeWith([]).rt, world.deps, new Map())).toBe(100);
  expect(world.enqueued.map((job) => job.queue)).toEqual([
    'gmail-full',
    'gmail-full',
    'gmail-full',
  ]);
});

test('a round that found something is soon repeated, so that due work does not come in heaps', async () => {
  const world = worldWith({ due: [[], collections(1)] });
  expect(await tick(runtimeWith([]).rt, world.deps, new Map())).toBe(250);
  expect(await tick(runtimeWith([]).rt, world.deps, new Map())).toBe(1_000);
});

test('the lead of a tenant in a queue is kept from round to round, until there is room for all', async () => {
  const world = worldWith({
    counts: waitingEverywhere(7),
    // The first queue has due work in two rounds, the others never.
    due: [0, 1, 2, 3].flatMap((round) =>
      SYNC_QUEUES.map((_queue, place) => (place === 0 && round < 2 ? collections(1) : [])),
    ),
  });
  const leads: QueueLeads = new Map();
  for (let round = 0; round < 4; round++) await tick(runtimeWith([]).rt, world.deps, leads);
  const fullSyncs = world.asked
    .filter(({ queue }) => queue?.resource === 'gmail' && queue.full)
    .map(({ lead }) => [...(lead ?? [])]);
  expect(fullSyncs).toEqual([[], [['t', 1]], [['t', 1]], []]);
  expect(
    world.asked
      .filter(({ queue }) => queue?.resource !== 'gmail' && queue?.full)
      .map(({ lead }) => lead?.size)
      .every((size) => size === 0),
  ).toBe(true);
});

test('who has just connected, and whose run was cut off, goes to the head of its queue', async () => {
  const [plain, connected, cutOff] = collections(3) as [
    DueCollection,
    DueCollection,
    DueCollection,
  ];
  const world = worldWith({
    due: [[plain, { ...connected, onboarding: true }, { ...cutOff, interrupted: true }]],
  });
  await tick(runtimeWith([]).rt, world.deps, new Map());
  expect(world.enqueued.map(({ first }) => first)).toEqual([false, true, true]);
});

test('nothing is claimed while every queue is full', async () => {
  const world = worldWith({ counts: waitingEverywhere(2_000), due: [collections(500)] });
  expect(await tick(runtimeWith([]).rt, world.deps, new Map())).toBe(100);
  expect(world.claims).toBe(0);
});

test('an outage is logged when it begins and when it is over, and waited for with backoff', async () => {
  const logged: string[] = [];
  const { rt, slept, stop } = runtimeWith(logged);
  const world = worldWith({ due: [], failClaims: 5 * SYNC_QUEUES.length, whenDone: stop });
  await runTicks(rt, world.deps);
  expect(logged).toEqual(['scheduler_failed', 'scheduler_recovered']);
  expect(slept.slice(0, 5)).toEqual([500, 1_000, 2_000, 4_000, 5_000]);
});

test('draining ends the loop between two ticks', async () => {
  const { rt, stop } = runtimeWith([]);
  const world = worldWith({
    due: [collections(8), collections(200), collections(8), collections(200)],
    whenDone: stop,
  });
  await runTicks(rt, world.deps);
  expect(world.enqueued).toHaveLength(416);
});

function collections(count: number): DueCollection[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `c${n}`,
    accountId: `a${n}`,
    kind: 'gmail',
    phase: 'incremental',
    fullSyncRequested: false,
    tenant: 't',
    onboarding: false,
    interrupted: false,
    cause: 'schedule',
    round: n + 1,
  }));
}

interface World {
  deps: TickDeps & LostQueueDeps;
  enqueued: Enqueued[];
  claims: number;
  asked: DueQuery[];
}

/**
 * Postgres and Redis as the scheduler uses them. `whenDone` is called by the first claim that finds
 * nothing left.
 */
function worldWith(o: {
  counts?: Counts;
  due: DueCollection[][];
  failClaims?: number;
  whenDone?: () => void;
}): World {
  const world: World = {
    enqueued: [],
    claims: 0,
    asked: [],
    deps: undefined as unknown as World['deps'],
  };
  world.deps = {
    fleet: {
      dataId: async () => ({ id: 'm', isNew: false }),
      counts: async () => o.counts ?? waitingEverywhere(0),
      enqueue: async (items) => void world.enqueued.push(...items),
    },
    store: {
      schedule: {
        bringForward: async () => 0,
        claimDue: async (query) => {
          const { limit } = query;
          world.claims += 1;
          world.asked.push(query);
          if (world.claims <= (o.failClaims ?? 0))
            throw new Error('terminating connection due to administrator command');
          const batch = o.due.shift();
          if (batch === undefined) o.whenDone?.();
          return (batch ?? []).slice(0, limit);
        },
      },
    },
  };
  return world;
}

function runtimeWith(logged: string[]): { rt: Runtime; slept: number[]; stop: () => void } {
  const slept: number[] = [];
  const draining = new AbortController();
  const clock: Clock = {
    now: () => new Date(0),
    nowMs: () => 0,
    sleep: async (ms) => void slept.push(ms),
  };
  const rt = createRuntime({
    service: 'test',
    logLevel: 'silent',
    clock,
    random: { next: () => 0, uuid: () => '' },
    signal: draining.signal,
  });
  const note = (fields: LogFields): void => void logged.push(String(fields.event));
  rt.log.error = note;
  rt.log.info = note;
  return { rt, slept, stop: () => draining.abort() };
}
