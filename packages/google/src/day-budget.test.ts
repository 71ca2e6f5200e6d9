import fc from 'fast-check';
import { dayBound, dayWaitMs } from './day-budget.js';

const HOUR_MS = 3_600_000;

test('in the morning a tenth is kept from the bulk lane and a twentieth from onboarding, in the evening nothing; live work has no bound', () => {
  const bounds = (hoursLeft: number): number[] =>
    (['bulk', 'onboarding', 'live'] as const).map((lane) =>
      dayBound(lane, 80_000_000, hoursLeft * HOUR_MS),
    );
  expect(bounds(24)).toEqual([72_000_000, 76_000_000, 0]);
  expect(bounds(12)).toEqual([76_000_000, 78_000_000, 0]);
  expect(bounds(0)).toEqual([80_000_000, 80_000_000, 0]);
});

test('a lower lane never has more of the day than a higher one, and the bound only grows', () => {
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

test('no budget is no bound', () => {
  expect(dayBound('bulk', 0, HOUR_MS)).toBe(0);
});

test('a lane over its bound stays away for an hour, or until the day ends, spread over a minute', () => {
  expect([dayWaitMs(5 * HOUR_MS, 0), dayWaitMs(20_000, 0), dayWaitMs(20_000, 0.5)]).toEqual([
    HOUR_MS,
    20_000,
    50_000,
  ]);
});
