import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import {
  DAY_MS,
  LONGEST_LIFE_MS,
  silenceDelayMs,
  renewInMs,
  retryInMs,
  unwatchableForMs,
} from './schedule.js';

test('a watch of seven days is renewed between day 5 and day 6, at an hour that is the collection’s own', () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      const renewMs = renewInMs(id, LONGEST_LIFE_MS);
      expect(renewMs).toBeGreaterThanOrEqual(5 * DAY_MS);
      expect(renewMs).toBeLessThanOrEqual(6 * DAY_MS);
      expect(renewInMs(id, LONGEST_LIFE_MS)).toBe(renewMs);
    }),
  );
});

test('watches that were made together are renewed all over the day', () => {
  const hours = Array.from({ length: 24 }, () => 0);
  for (let n = 0; n < 4_800; n++) {
    const hour = Math.floor((renewInMs(randomUUID(), LONGEST_LIFE_MS) - 5 * DAY_MS) / 3_600_000);
    hours[hour] = (hours[hour] ?? 0) + 1;
  }
  expect(Math.min(...hours)).toBeGreaterThan(120);
  expect(Math.max(...hours)).toBeLessThan(300);
});

test('a shorter life is renewed at the same share of it, always before its end', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.integer({ min: 1_000, max: 30 * DAY_MS }), (id, lifeMs) => {
      const share = renewInMs(id, lifeMs) / lifeMs;
      expect(share).toBeGreaterThan(0.71);
      expect(share).toBeLessThan(0.86);
    }),
  );
  expect(renewInMs(randomUUID(), -5)).toBe(0);
});

test('a failed renewal is tried again, ever later and never over six hours: many times before the watch ends', () => {
  expect([0, 1, 2, 3, 10, 50].map((failures) => retryInMs(failures, 1))).toEqual([
    30_000, 60_000, 120_000, 240_000, 21_600_000, 21_600_000,
  ]);
  expect(retryInMs(3, 0)).toBe(120_000);
  let tries = 0;
  for (let atMs = 6 * DAY_MS; atMs < 7 * DAY_MS; atMs += retryInMs(tries, 1)) tries += 1;
  expect(tries).toBeGreaterThanOrEqual(12);
});

test('a calendar that Google does not notify of is asked about once a month', () => {
  expect(
    [unwatchableForMs(0), unwatchableForMs(0.5), unwatchableForMs(1)].map((ms) => ms / DAY_MS),
  ).toEqual([27, 30, 33]);
});

test('each silence delays the next replacement longer, and a watch that never notified is kept for hours', () => {
  expect([0, 1, 2, 3, 9].map((silences) => silenceDelayMs(silences, true))).toEqual([
    10_000, 600_000, 3_600_000, 21_600_000, 21_600_000,
  ]);
  expect(silenceDelayMs(0, false)).toBe(21_600_000);
});
