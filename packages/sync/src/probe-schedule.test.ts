import { probeDelayMs, projectTryDelayMs } from './probe-schedule.js';

const HOUR_MS = 3_600_000;

test('a refused grant is probed after an hour, with backoff up to a day, for fourteen days', () => {
  const hours: number[] = [];
  for (let refusedForMs = 0, probes = 0; ; probes++) {
    const delayMs = probeDelayMs({ probes, refusedForMs }, 0.5);
    if (delayMs === null) break;
    hours.push(delayMs / HOUR_MS);
    refusedForMs += delayMs;
  }
  expect(hours.slice(0, 7)).toEqual([1, 2, 4, 8, 16, 24, 24]);
  expect(hours.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(14 * 24);
  expect(hours.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(13 * 24);
});

test('probes of a grant have ten percent of jitter', () => {
  const first = { probes: 0, refusedForMs: 0 };
  expect([probeDelayMs(first, 0), probeDelayMs(first, 1)]).toEqual([54 * 60_000, 66 * 60_000]);
});

test('a refused project is tried after seconds, and at least once a minute however long it is refused', () => {
  expect([0, 60_000, 300_000, 30 * 24 * HOUR_MS].map(projectTryDelayMs)).toEqual([
    2_000, 2_000, 10_000, 60_000,
  ]);
});
