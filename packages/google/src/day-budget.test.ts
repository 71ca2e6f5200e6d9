import fc from 'fast-check';
import { dayBound, dayWaitMs } from './day-budget.js';

const HOUR_MS = 3_600_000;

test('the reserve shrinks from a tenth for bulk and a twentieth for onboarding to nothing in the evening; live has no bound', () => {
  const bounds = (hoursLeft: number): number[] =>
    (['bulk', 'onboarding', 'live'] as const).map((lane) =>
      dayBound(lane, 80_000_000, hoursLeft * HOUR_MS),
    );
  expect(bounds(24)).toEqual([72_000_000, 76_000_000, 0]);
  expect(bounds(12)).toEqual([76_000_000, 78_000_000, 0]);
  expect(bounds(0)).toEqual([80_000_000, 80_000_000, 0]);
});

test('a lower lane never has a higher bound than a higher lane, and bounds only grow', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e9 }),
      fc.nat({ max: 25 * HOUR_MS }),
      fc.nat({ max: HOUR_MS }),
      (limit, leftMs, laterMs) => {
        expect(dayBound('bulk', limit, leftMs)).toBeLessThanOrEqual(
          dayBound('onboarding', limit, leftMs),
        );
        expect(dayBound('bulk', limit, Math.max(0, leftMs - laterMs))).toBeGreaterThanOrEqual(
          dayBound('bulk', limit, leftMs),
        );
        expect(dayBound('onboarding', limit, leftMs)).toBeLessThanOrEqual(limit);
      },
    ),
  );
});

test('without a budget there is no bound', () => {
  expect(dayBound('bulk', 0, HOUR_MS)).toBe(0);
});

test('a lane over its bound waits for an hour or until the day ends, with a minute of jitter', () => {
  expect([dayWaitMs(5 * HOUR_MS, 0), dayWaitMs(20_000, 0), dayWaitMs(20_000, 0.5)]).toEqual([
    HOUR_MS,
    20_000,
    50_000,
  ]);
});
