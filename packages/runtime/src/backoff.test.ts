import fc from 'fast-check';
import { backoffMs } from './backoff.js';

const SHAPE = fc
  .record({
    firstMs: fc.integer({ min: 1, max: 60_000 }),
    capMs: fc.integer({ min: 1, max: 600_000 }),
  })
  .filter(({ firstMs, capMs }) => firstMs <= capMs);
const CHANCE = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a pause is never zero, never above the cap, and at least half of what the doubling gives', () => {
  fc.assert(
    fc.property(
      SHAPE,
      fc.integer({ min: 1, max: 1_000_000 }),
      CHANCE,
      (shape, failures, chance) => {
        const ms = backoffMs(failures, shape, chance);
        const ceilingMs = Math.min(shape.capMs, shape.firstMs * 2 ** Math.min(failures - 1, 40));
        expect(ms).toBeGreaterThanOrEqual(ceilingMs / 2);
        expect(ms).toBeLessThanOrEqual(ceilingMs);
        expect(ms).toBeGreaterThan(0);
      },
    ),
  );
});

test('with the same chance no pause is shorter than the one before', () => {
  fc.assert(
    fc.property(SHAPE, fc.integer({ min: 1, max: 200 }), CHANCE, (shape, failures, chance) => {
      const [one, next] = [failures, failures + 1].map((n) => backoffMs(n, shape, chance));
      expect(next).toBeGreaterThanOrEqual(one as number);
    }),
  );
});

test('pauses double up to the cap', () => {
  const shape = { firstMs: 1_000, capMs: 10_000 };
  expect([1, 2, 3, 4, 5, 6, 50].map((failures) => backoffMs(failures, shape, 0))).toEqual([
    500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000,
  ]);
  expect(backoffMs(50, shape, 0.999)).toBeLessThan(10_000);
});
