import fc from 'fast-check';
import { runHealthProbe } from './health-probe.js';
import type { LogFields } from './log-fields.js';
import { runLoop } from './loop.js';
import { RepeatLimit } from './repeat-limit.js';
import { createRuntime } from './runtime.js';

const LOOP = {
  name: 'due-work',
  backoff: { firstMs: 1_000, capMs: 10_000 },
  failed: { event: 'work_failed', text: 'work failed' },
  recovered: { event: 'work_recovered', text: 'work continues' },
};

test('an error that repeats pauses its loop: in an hour it is tried a few hundred times, whatever it is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      async (chance) => {
        const at = world({ untilMs: 3_600_000, chance });
        await runLoop(at.rt, { ...LOOP, round: async () => Promise.reject(new Error('MOVED')) });
        expect(at.slept.length).toBeGreaterThan(300);
        expect(at.slept.length).toBeLessThan(750);
        expect(Math.min(...at.slept)).toBeGreaterThanOrEqual(500);
      },
    ),
    { numRuns: 10 },
  );
});

test('an error is logged at once, then once in 30 s with the number of those between', async () => {
  const at = world({ untilMs: 80_000, chance: 0.999_999 });
  await runLoop(at.rt, { ...LOOP, round: async () => Promise.reject(new Error('away')) });
  expect(at.logged).toEqual([
    { event: 'work_failed', failures: 1, suppressed: 0 },
    { event: 'work_failed', failures: 7, suppressed: 5 },
    { event: 'work_failed', failures: 11, suppressed: 3 },
  ]);
});

test('a loop that fails and recovers every second does not fill the log', async () => {
  const at = world({ untilMs: 60_000 });
  let rounds = 0;
  await runLoop(at.rt, {
    ...LOOP,
    round: async () => (rounds++ % 2 === 0 ? Promise.reject(new Error('away')) : 500),
  });
  expect(rounds).toBeGreaterThan(100);
  expect(at.logged.map(({ event }) => event)).toEqual([
    'work_failed',
    'work_recovered',
    'work_failed',
    'work_recovered',
  ]);
});

test('one success makes the process ready again, and every failure was counted', async () => {
  const at = world({ untilMs: 200_000 });
  at.rt.health.started();
  const seen: string[] = [];
  let rounds = 0;
  await runLoop(at.rt, {
    ...LOOP,
    round: async () => {
      seen.push(at.rt.health.answer().status);
      rounds += 1;
      if (rounds <= 8) throw new Error('away');
      return 1_000;
    },
  });
  const expected = [[5, 'ready'] as const, [4, 'not ready'] as const, [1, 'ready'] as const];
  expect(seen.slice(0, 10)).toEqual(
    expected.flatMap(([times, status]) => Array.from({ length: times }, () => status)),
  );
  expect((await at.rt.metrics.loopFailures.get()).values).toEqual([
    expect.objectContaining({ labels: { loop: 'due-work' }, value: 8 }),
  ]);
});

test('a round that hangs makes the process not ready until it ends', async () => {
  const at = world({ untilMs: 100_000 });
  at.rt.health.started();
  const seen: string[] = [];
  await runLoop(at.rt, {
    ...LOOP,
    roundLimitMs: 30_000,
    round: async () => {
      for (const ms of [30_000, 1]) {
        await at.rt.clock.sleep(ms);
        seen.push(JSON.stringify(at.rt.health.answer()));
      }
      at.draining.abort();
      return 0;
    },
  });
  expect(seen).toEqual([
    '{"status":"ready"}',
    '{"status":"not ready","missing":["loop:due-work"]}',
  ]);
  expect(at.rt.health.failingLoops()).toEqual([]);
});

test('what draining interrupts has not failed, and the loop ends', async () => {
  const at = world({ untilMs: 10_000 });
  await runLoop(at.rt, {
    ...LOOP,
    round: async () => {
      at.draining.abort(new Error('draining'));
      throw new Error('interrupted');
    },
  });
  expect([at.slept, at.logged]).toEqual([[], []]);
});

test('a probe that does not answer within 3 s has failed, and no second one is begun beside it', async () => {
  const at = world({ untilMs: 30_000 });
  let begun = 0;
  let answers = true;
  at.rt.health.started();
  await runHealthProbe(at.rt, {
    name: 'postgres',
    need: 'not-ready',
    check: async () => {
      begun += 1;
      if (!answers) await new Promise(() => undefined);
      expect(at.rt.health.answer().status).toBe(begun === 1 ? 'not ready' : 'ready');
      answers = begun < 2;
    },
  });
  expect(begun).toBe(3);
  expect(at.probed.slice(0, 4)).toEqual([true, true, false, false]);
  expect(at.logged).toEqual([{ event: 'probe_failed', suppressed: 0 }]);
});

test('a clock that is set back an hour puts off no probe, and silences no error', async () => {
  const at = world({ untilMs: 30_000 });
  let begun = 0;
  await runHealthProbe(at.rt, {
    name: 'postgres',
    need: 'not-ready',
    check: async () => {
      begun += 1;
      if (begun === 2) at.setBack(3_600_000);
    },
  });
  expect(Math.max(...at.slept)).toBeLessThanOrEqual(5_000);
  const limit = new RepeatLimit();
  expect([limit.admit('away', 3_600_000), limit.admit('away', 0), limit.admit('away', 1)]).toEqual([
    0,
    0,
    null,
  ]);
});

interface World {
  rt: ReturnType<typeof createRuntime>;
  draining: AbortController;
  slept: number[];
  logged: { event: string; failures?: number; suppressed?: number }[];
  probed: boolean[];
  setBack: (ms: number) => void;
}

/** Creates a process whose time advances only by sleeping, and which drains at `untilMs`. */
function world({ untilMs, chance = 0 }: { untilMs: number; chance?: number }): World {
  const draining = new AbortController();
  const slept: number[] = [];
  let nowMs = 0;
  const clock = {
    now: () => new Date(nowMs),
    nowMs: () => nowMs,
    sleep: async (ms: number, signal?: AbortSignal) => {
      // Operations that complete immediately finish before any sleep ends.
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted) throw signal.reason;
      nowMs += ms;
      slept.push(ms);
      if (nowMs >= untilMs) draining.abort(new Error('draining'));
    },
  };
  const rt = createRuntime({
    service: 'test',
    logLevel: 'silent',
    clock,
    random: { next: () => chance, uuid: () => '' },
    signal: draining.signal,
  });
  const at: World = {
    rt,
    draining,
    slept,
    logged: [],
    probed: [],
    setBack: (ms) => void (nowMs -= ms),
  };
  const note = (fields: LogFields): void => {
    const { event, failures, suppressed } = fields as World['logged'][number];
    at.logged.push({
      event,
      ...(failures === undefined ? {} : { failures }),
      ...(suppressed === undefined ? {} : { suppressed }),
    });
  };
  rt.log.warn = note;
  rt.log.info = note;
  const { probed } = rt.health;
  rt.health.probed = (name, isOk) => {
    at.probed.push(isOk);
    probed(name, isOk);
  };
  return at;
}
