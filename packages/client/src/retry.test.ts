import { backoffMs, retryAfterMs, retryDelayMs, type Attempt } from './retry.js';

const ATTEMPT: Attempt = {
  count: 1,
  isRepeatable: true,
  status: 503,
  isInProgress: false,
  retryAfterMs: null,
};
const delay = (attempt: Partial<Attempt>): number | null =>
  retryDelayMs({ ...ATTEMPT, ...attempt }, { maxRetries: 4 }, 1);

test.each<[string, Partial<Attempt>, number | null]>([
  ['the service is not available', {}, 200],
  ['nothing was answered', { status: null }, 200],
  [
    'too many requests, also of what may not be repeated',
    { status: 429, isRepeatable: false },
    200,
  ],
  ['the first request with the key is in progress', { status: 409, isInProgress: true }, 200],
  ['the answer states a time', { retryAfterMs: 5_000 }, 5_200],
])('a request is sent again: %s', (_what, attempt, delayMs) => {
  expect(delay(attempt)).toBe(delayMs);
});

test.each<[string, Partial<Attempt>]>([
  ['it may not be repeated', { isRepeatable: false }],
  ['the request failed for good', { status: 500 }],
  ['it is a conflict', { status: 409 }],
  ['it was repeated often enough', { count: 5 }],
  ['the stated time is for the caller', { retryAfterMs: 3_600_000 }],
])('an answer is final: %s', (_what, attempt) => {
  expect(delay(attempt)).toBeNull();
});

test('delays double up to a bound, and half of each is by chance', () => {
  expect([1, 2, 3, 40].map((count) => backoffMs(count, 1))).toEqual([200, 400, 800, 8_000]);
  expect(backoffMs(2, 0)).toBe(200);
});

test('Retry-After is seconds or a date', () => {
  const nowMs = Date.parse('2026-11-30T12:00:00Z');
  expect(retryAfterMs('7', nowMs)).toBe(7_000);
  expect(retryAfterMs('Mon, 30 Nov 2026 12:00:09 GMT', nowMs)).toBe(9_000);
  expect(retryAfterMs('Mon, 30 Nov 2026 11:00:00 GMT', nowMs)).toBe(0);
  expect([retryAfterMs(null, nowMs), retryAfterMs('soon', nowMs)]).toEqual([null, null]);
});
