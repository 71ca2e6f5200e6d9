import fc from 'fast-check';
import { type Streak, afterFailure, failsRepeatedly } from './health.js';
import { createRuntime } from './runtime.js';

const FAILURE = { kind: 'Error', need: 'not-ready' } as const;

test('a loop fails repeatedly after three failures in a row and ten seconds, not before', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 8_000 }), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 0, max: 8_000 }),
      (gapsMs, laterMs) => {
        let nowMs = 0;
        let streak: Streak | undefined;
        const times = gapsMs.map((gapMs) => (nowMs += gapMs));
        for (const atMs of times) streak = afterFailure(streak, FAILURE, atMs);
        const askedMs = nowMs + laterMs;
        expect(failsRepeatedly(streak as Streak, askedMs)).toBe(
          times.length >= 3 && askedMs - (times[0] as number) >= 10_000,
        );
      },
    ),
  );
});

test('a streak that is over does not count, and the next failure begins another', () => {
  let streak = afterFailure(undefined, { ...FAILURE, overAtMs: 5_000 }, 0);
  for (const nowMs of [4_000, 8_000, 12_000])
    streak = afterFailure(streak, { ...FAILURE, overAtMs: nowMs + 5_000 }, nowMs);
  expect([failsRepeatedly(streak, 16_999), failsRepeatedly(streak, 17_000)]).toEqual([true, false]);
  expect(afterFailure(streak, FAILURE, 17_000)).toMatchObject({ sinceMs: 17_000, failures: 1 });
});

test('ready is a process that has started, whose probes are fresh and whose loops do not fail; draining ends it', () => {
  const at = process();
  const { health } = at.rt;
  health.expectProbe('postgres', 'not-ready');
  expect(health.answer()).toEqual({ status: 'not ready', missing: ['starting', 'postgres'] });
  health.started();
  health.probed('postgres', true);
  expect(health.answer()).toEqual({ status: 'ready' });
  at.nowMs = 15_001;
  expect(health.answer()).toEqual({ status: 'not ready', missing: ['postgres'] });
  health.probed('postgres', true);
  for (let n = 0; n < 3; n++)
    health.loopFailed('due-work', new Error('of ann@example.com'), { need: 'not-ready' });
  expect(health.answer()).toEqual({ status: 'ready' });
  at.nowMs = 25_001;
  health.probed('postgres', true);
  expect(health.answer()).toEqual({ status: 'not ready', missing: ['loop:due-work'] });
  expect(health.failingLoops()).toEqual([
    expect.objectContaining({ loop: 'due-work', sinceMs: 15_001, failures: 3, kind: 'Error' }),
  ]);
  health.loopSucceeded('due-work');
  expect(health.answer()).toEqual({ status: 'ready' });
  at.draining.abort();
  expect(health.answer()).toEqual({ status: 'not ready', missing: ['draining'] });
});

test('a process that continues without a server is degraded', () => {
  const { rt } = process();
  rt.health.started();
  rt.health.expectProbe('redis', 'degraded');
  expect(rt.health.answer()).toEqual({ status: 'degraded', degraded: ['redis'] });
  rt.health.expectProbe('postgres', 'not-ready');
  expect(rt.health.answer()).toEqual({
    status: 'not ready',
    missing: ['postgres'],
    degraded: ['redis'],
  });
});

function process() {
  const at = { nowMs: 0, draining: new AbortController() };
  const clock = {
    now: () => new Date(at.nowMs),
    nowMs: () => at.nowMs,
    sleep: async () => undefined,
  };
  const rt = createRuntime({
    service: 'test',
    logLevel: 'silent',
    clock,
    signal: at.draining.signal,
  });
  return Object.assign(at, { rt });
}
