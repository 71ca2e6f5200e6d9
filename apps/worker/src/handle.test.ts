import { jobResult, sliceMsBy } from './handle.js';

const NOW_MS = 1_700_000_000_000;
const at = (ms: number): Date => new Date(NOW_MS + ms);

test('what is caught up, gone or in need of a human leaves the queue', () => {
  expect(jobResult({ kind: 'caught-up', changes: 0 }, 'gmail-full', NOW_MS, 0)).toEqual({
    kind: 'done',
  });
  expect(jobResult({ kind: 'gone' }, 'gmail-full', NOW_MS, 0)).toEqual({ kind: 'done' });
  expect(
    jobResult({ kind: 'reauth-required', reason: 'invalid_grant' }, 'gmail-full', NOW_MS, 0),
  ).toEqual({ kind: 'done' });
});

test('a run with more to do continues in the queue of its phase and resource', () => {
  expect(jobResult({ kind: 'more', full: true }, 'gmail-full', NOW_MS, 0)).toEqual({
    kind: 'again',
    queue: 'gmail-full',
  });
  expect(jobResult({ kind: 'more', full: false }, 'gmail-full', NOW_MS, 0)).toEqual({
    kind: 'again',
    queue: 'gmail-incremental',
  });
  expect(jobResult({ kind: 'more', full: true }, 'calendar-incremental', NOW_MS, 0)).toEqual({
    kind: 'again',
    queue: 'calendar-full',
  });
});

test('a short snooze is a delayed job; a long one waits in Postgres, where a request can end it', () => {
  const snooze = (ms: number) =>
    jobResult({ kind: 'snoozed', until: at(ms), reason: 'quota' }, 'gmail-full', NOW_MS, 0.5);
  expect(snooze(1_000)).toEqual({ kind: 'delay', until: at(1_000) });
  expect(snooze(30_000)).toEqual({ kind: 'delay', until: at(30_000) });
  expect(snooze(30_001)).toEqual({ kind: 'done' });
});

test('a busy collection is tried again when its lease ends, and soon in any case, with a little jitter', () => {
  const busy = (untilMs: number, chance: number) =>
    jobResult({ kind: 'busy', until: at(untilMs) }, 'gmail-incremental', NOW_MS, chance);
  expect(busy(1_000, 0)).toEqual({ kind: 'delay', until: at(1_000) });
  expect(busy(6_000, 0)).toEqual({ kind: 'delay', until: at(1_500) });
  expect(busy(6_000, 0.5)).toEqual({ kind: 'delay', until: at(1_750) });
});

test('slices last five seconds, each a quarter more or less by chance, so that those which began together end apart', () => {
  expect([0, 0.5, 1].map(sliceMsBy)).toEqual([3_750, 5_000, 6_250]);
});
