import { GoogleError } from '@syncline/google';
import fc from 'fast-check';
import { asAccessLost, nextRelistAtMs } from './access.js';

test.each(['forbidden', 'requiredAccessLevel'])(
  'a 403 of one calendar (%s) is a lost calendar, not a forbidden account',
  (reason) => {
    expect(
      asAccessLost(new GoogleError('calendar.events.list', { kind: 'forbidden', reason })),
    ).toMatchObject({ detail: { kind: 'not-found' } });
  },
);

test.each(['insufficientPermissions', 'accessNotConfigured', 'domainPolicy'])(
  'a 403 about the whole account (%s) stays one',
  (reason) => {
    const error = new GoogleError('calendar.events.list', { kind: 'forbidden', reason });
    expect(asAccessLost(error)).toBe(error);
  },
);

test('transient errors and bugs are passed on as they are', () => {
  for (const error of [
    new GoogleError('calendar.events.list', { kind: 'unavailable', retryAfterMs: null }),
    new TypeError('bug'),
  ])
    expect(asAccessLost(error)).toBe(error);
});

test('the full list comes six to twenty-four hours later', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 42 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (nowMs, jitter) => {
        const hours = (nextRelistAtMs({ nowMs, jitter }) - nowMs) / 3_600_000;
        expect(hours).toBeGreaterThanOrEqual(6);
        expect(hours).toBeLessThanOrEqual(24);
      },
    ),
  );
});
