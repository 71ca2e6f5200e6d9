import fc from 'fast-check';
import { completePolicy } from '../../mirror-policy.js';
import { isKept, listingUnder } from './mirror-policy.js';
import { askedFromMs, extendedWindow, floorMs, reached, windowOfFullSync } from './window.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 22);
const days = (windowDays: number | null): ReturnType<typeof completePolicy> =>
  completePolicy({ windowDays });
const from = (
  fromMs: number,
  goalMs: number | null = null,
): { fromMs: number; goalMs: number | null } => ({ fromMs, goalMs });

test('the first full sync fixes the moment; without a window it is the beginning', () => {
  expect(windowOfFullSync(days(30), from(0), true, NOW_MS)).toEqual(from(NOW_MS - 30 * DAY_MS));
  expect(windowOfFullSync(days(null), from(0), true, NOW_MS)).toEqual(from(0));
  expect(askedFromMs(days(20_000), 1_000)).toBe(0);
});

test('a mailbox that was synced to its beginning stays so, whatever window is asked for', () => {
  expect(windowOfFullSync(days(30), from(0), false, NOW_MS)).toEqual(from(0));
  expect(extendedWindow(days(30), from(0), NOW_MS)).toBeNull();
});

test('the same window is never extended as time goes by, nor for clocks that differ by seconds; a larger one is', () => {
  const synced = windowOfFullSync(days(30), from(0), true, NOW_MS);
  expect(extendedWindow(days(30), synced, NOW_MS - 5_000)).toBeNull();
  expect(extendedWindow(days(40), synced, NOW_MS + 11 * DAY_MS)).toBeNull();
  expect(extendedWindow(days(40), synced, NOW_MS + 9 * DAY_MS)).toEqual(
    from(synced.fromMs, NOW_MS - 31 * DAY_MS),
  );
  expect(extendedWindow(days(null), synced, NOW_MS)).toEqual(from(synced.fromMs, 0));
});

test('a window only ever moves back, whatever is asked for and when', () => {
  const ask = fc.record({
    days: fc.option(fc.integer({ min: 1, max: 20_000 }), { freq: 10 }),
    afterMs: fc.nat(400 * DAY_MS),
    full: fc.boolean(),
    ends: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(ask, { minLength: 1, maxLength: 12 }), (asks) => {
      let nowMs = NOW_MS;
      let window = windowOfFullSync(days(asks[0]!.days), from(0), true, nowMs);
      for (const { days: asked, afterMs, full, ends } of asks) {
        nowMs += afterMs;
        const before = window;
        window = full
          ? windowOfFullSync(days(asked), window, false, nowMs)
          : (extendedWindow(days(asked), window, nowMs) ?? window);
        if (ends) window = reached(window);
        expect(floorMs(window)).toBeLessThanOrEqual(floorMs(before));
        expect(window.fromMs).toBeLessThanOrEqual(before.fromMs);
        expect(!(ends && full) || window.fromMs <= askedFromMs(days(asked), nowMs)).toBe(true);
      }
    }),
  );
});

test('a list takes in whole seconds on either side, and each message is decided to the millisecond', () => {
  expect(
    listingUnder(completePolicy({ exclude: ['drafts'] }), {
      fromMs: 1_700_000_000_001,
      beforeMs: 1_700_000_100_001,
    }),
  ).toEqual({ spamAndTrash: true, search: 'after:1699999999 before:1700000102 -in:drafts' });
  expect(
    [1_699_999_999_999, 1_700_000_000_000].map((ms) =>
      isKept(days(30), 1_700_000_000_000, { id: 'm', internalDate: String(ms) }),
    ),
  ).toEqual([false, true]);
  expect(isKept(days(30), 0, { id: 'm', internalDate: '-5' })).toBe(true);
});
