import { describeError } from './describe-error.js';

class DatabaseError extends Error {
  override name = 'DatabaseError';
  code = '40P01';
}
class GoogleError extends Error {
  override name = 'GoogleError';
}

test('our own message is kept, without quotes, addresses and opaque runs', () => {
  const opaque = 'a'.repeat(41);
  expect(
    describeError(
      new GoogleError(`gmail.history: rejected "Your invoice" for ann@example.com with ${opaque}`),
    ),
  ).toBe('GoogleError: gmail.history: rejected "…" for [address] with [opaque]');
});

test('causes are named, three deep, without their messages', () => {
  const inner = new TypeError('fetch failed for https://host/?token=abc');
  expect(
    describeError(
      new GoogleError('calendar.events: unavailable', {
        cause: new DatabaseError('x', { cause: inner }),
      }),
    ),
  ).toBe(
    'GoogleError: calendar.events: unavailable, caused by DatabaseError 40P01, caused by TypeError',
  );
});

test('anything may be thrown, and a long story is cut', () => {
  expect(describeError('ann@example.com')).toBe('a thrown string');
  expect(describeError(undefined)).toBe('a thrown undefined');
  expect(describeError(new GoogleError('word '.repeat(200))).length).toBeLessThanOrEqual(301);
});
