import { type QueuePulse, hasStopped, fetchStalledSince } from './watchdog.js';

const pulse = (over: Partial<QueuePulse> = {}): QueuePulse => ({
  waiting: 3,
  running: 0,
  concurrency: 2,
  fetchedAtMs: 0,
  nowMs: 100_000,
  ...over,
});

test('a worker counts as stalled from the first check with waiting jobs until it fetches or none wait', () => {
  const first = fetchStalledSince(null, pulse());
  expect(first).toBe(100_000);
  expect(fetchStalledSince(first, pulse({ nowMs: 110_000 }))).toBe(100_000);
  expect(fetchStalledSince(first, pulse({ nowMs: 120_000, fetchedAtMs: 115_000 }))).toBe(120_000);
  expect(fetchStalledSince(first, pulse({ nowMs: 120_000, waiting: 0 }))).toBeNull();
});

test('an hour without jobs does not count as stalled', () => {
  const now = pulse({ nowMs: 3_600_000 });
  expect(hasStopped(fetchStalledSince(null, now), now, 60_000)).toBe(false);
});

test.each<[string, Partial<QueuePulse>, boolean]>([
  ['room, and not yet the time', { nowMs: 159_999 }, false],
  ['room, and the time is over', { nowMs: 160_000 }, true],
  ['one slot of two at work', { nowMs: 160_000, running: 1 }, true],
  ['all slots at work: that may be honest', { nowMs: 160_000, running: 2 }, false],
  ['all slots at work for longer than any slice', { nowMs: 400_000, running: 2 }, true],
])('stopped: %s', (_what, over, stopped) => {
  expect(hasStopped(100_000, pulse(over), 60_000)).toBe(stopped);
});
