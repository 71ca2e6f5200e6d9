import { type Clock, type Runtime, createRuntime } from '@syncline/runtime';
import { Breaker, ErrorLog, errorKey, isRefusal } from './redis-errors.js';

test('a refusal by Redis pauses the worker; an unreachable Redis does not', () => {
  for (const message of [
    "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY You can't write against a read only replica.",
    'MISCONF Redis is configured to save RDB snapshots',
    'NOAUTH Authentication required.',
    'LOADING Redis is loading the dataset in memory',
    'CLUSTERDOWN Hash slot not served',
  ]) {
    expect(isRefusal(new Error(message))).toBe(true);
  }
  expect(isRefusal(new Error('connect ECONNREFUSED 127.0.0.1:6379'))).toBe(false);
  expect(isRefusal(new Error('could not renew lock for job 7'))).toBe(false);
});

test('a repeating error pauses the worker with backoff up to half a minute, and the backoff resets when the errors stop', () => {
  const breaker = new Breaker();
  const moved = new Error('MOVED 3999 127.0.0.1:6381');
  let nowMs = 0;
  const hot = (): number => {
    for (let errors = 1; errors < 20; errors++) {
      const pauseMs = breaker.pauseAfter(moved, nowMs, 0.999);
      if (pauseMs !== null) return pauseMs;
      nowMs += 1;
    }
    return Number.NaN;
  };
  const pauses: number[] = [];
  for (let times = 0; times < 7; times++) {
    const pauseMs = hot();
    pauses.push(Math.round(pauseMs / 1_000));
    expect(breaker.pauseAfter(moved, nowMs + 1, 0.5)).toBeNull();
    nowMs += pauseMs;
  }
  expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30]);
  nowMs += 6_000;
  expect(Math.round(hot() / 1_000)).toBe(1);
});

test('a refusal by Redis pauses the worker at once; an occasional lost connection does not', () => {
  expect(new Breaker().pauseAfter(new Error('OOM command not allowed'), 0, 0)).toBe(500);
  const breaker = new Breaker();
  for (let nowMs = 0; nowMs < 60_000; nowMs += 500)
    expect(breaker.pauseAfter(new Error('connect ECONNREFUSED'), nowMs, 0)).toBeNull();
});

test('errors are grouped by kind, without ids', () => {
  expect(errorKey(new Error('could not renew lock for job 7'))).toBe(
    errorKey(new Error('could not renew lock for job 8')),
  );
  expect(errorKey(new Error('could not renew lock for job 7'))).toBe('Error: could not renew lock');
  expect(errorKey(new Error('OOM command not allowed'))).toBe('Error: OOM');
  expect(
    errorKey(
      Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:6379'), { code: 'ECONNREFUSED' }),
    ),
  ).toBe('Error ECONNREFUSED');
});

test('a repeated error is logged once in 30 s, with its count', () => {
  const at = { ms: 0 };
  const lines: unknown[] = [];
  const log = new ErrorLog(watched(at, lines), 'worker_failed');
  for (let n = 0; n < 1_000; n += 1) log.report(new Error('OOM command not allowed'));
  log.report(new Error('READONLY replica'));
  at.ms = 30_000;
  log.report(new Error('OOM command not allowed'));
  expect(lines).toEqual([
    { event: 'worker_failed', reason: 'Error: OOM', suppressed: 0 },
    { event: 'worker_failed', reason: 'Error: READONLY', suppressed: 0 },
    { event: 'worker_failed', reason: 'Error: OOM', suppressed: 999 },
  ]);
});

function watched(at: { ms: number }, lines: unknown[]): Runtime {
  const clock: Clock = {
    now: () => new Date(at.ms),
    nowMs: () => at.ms,
    sleep: async () => undefined,
  };
  const rt = createRuntime({ service: 'test', logLevel: 'silent', clock });
  rt.log.warn = (fields: unknown) => void lines.push(fields);
  return rt;
}
