import { QUEUE_NAMES, type Enqueued, type Fleet } from '@syncline/fleet';
import { type LogFields, type Clock, createRuntime, type Runtime } from '@syncline/runtime';
import { runWatchTicks, watchTick, type WatchTickDeps } from './watch-ticks.js';

type Counts = Awaited<ReturnType<Fleet['counts']>>;
const counts = (waiting: number): Counts =>
  Object.fromEntries(
    QUEUE_NAMES.map((name) => [name, { waiting } as Record<string, number>]),
  ) as Counts;

function depsWith(o: {
  waiting?: number;
  due: string[][];
  whenDone?: () => void;
  failures?: number;
}): WatchTickDeps & { enqueued: Enqueued[]; limits: number[] } {
  const [enqueued, limits]: [Enqueued[], number[]] = [[], []];
  let failures = o.failures ?? 0;
  return {
    enqueued,
    limits,
    fleet: {
      counts: async () => counts(o.waiting ?? 0),
      enqueue: async (items) => void enqueued.push(...items),
    },
    store: {
      schedule: {
        claimDueWatches: async ({ limit }) => {
          limits.push(limit);
          if (failures-- > 0)
            throw new Error('terminating connection due to administrator command');
          const batch = o.due.shift();
          if (batch === undefined) o.whenDone?.();
          return (batch ?? []).map((collectionId) => ({
            collectionId,
            accountId: 'a1',
            tenant: 'acme',
            kind: 'calendar-events',
          }));
        },
      },
    },
  };
}

const WATCH = { accountId: 'a1', tenant: 'acme', resource: 'calendar', queue: 'watch' };

test('what is due goes to its own queue', async () => {
  const deps = depsWith({ due: [['c1', 'c2']] });
  await watchTick(deps);
  await watchTick(deps);
  expect(deps.enqueued).toEqual([
    { ...WATCH, collectionId: 'c1' },
    { ...WATCH, collectionId: 'c2' },
  ]);
});

test('at most as many watches are claimed as the queue has room for', async () => {
  const [nearly, full] = [
    depsWith({ waiting: 950, due: [[]] }),
    depsWith({ waiting: 1_000, due: [['c1']] }),
  ];
  await watchTick(nearly);
  await watchTick(full);
  expect([nearly.limits, full.limits]).toEqual([[50], []]);
});

test('an outage is logged once and waited for, and draining stops the loop', async () => {
  const [logged, slept]: [string[], number[]] = [[], []];
  const draining = new AbortController();
  const clock: Clock = {
    now: () => new Date(0),
    nowMs: () => 0,
    sleep: async (ms) => void slept.push(ms),
  };
  const rt: Runtime = createRuntime({
    service: 'test',
    logLevel: 'silent',
    clock,
    random: { next: () => 0, uuid: () => '' },
    signal: draining.signal,
  });
  rt.log.warn = (fields: LogFields) => void logged.push(String(fields.event));
  await runWatchTicks(rt, depsWith({ due: [], failures: 3, whenDone: () => draining.abort() }));
  expect(logged).toEqual(['watch_ticks_failed']);
  expect(slept).toEqual([500, 1_000, 2_000]);
});
