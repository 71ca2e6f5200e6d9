import { asJobFailure, describe as describeError } from './job-failure.js';

class DatabaseError extends Error {
  override name = 'DatabaseError';
  code = '40P01';
}
class GoogleError extends Error {
  override name = 'GoogleError';
}

test('of a library error only its name, its code and where it happened is kept', () => {
  const failure = asJobFailure(new DatabaseError('duplicate key (email)=(ann@example.com), query: insert Secret subject'));
  expect(failure.message).toBe('DatabaseError 40P01');
  expect(failure.stack).toContain('job-failure.test.ts:');
  expect(failure.stack).not.toMatch(/ann|Secret/);
});

test('a parser that quotes the body leaks nothing, not even over several lines', () => {
  let thrown: unknown;
  try {
    JSON.parse('Dear Ann,\n    at the bank (salary:1:2)');
  } catch (error) {
    thrown = error;
  }
  const failure = asJobFailure(thrown);
  expect(failure.message).toBe('SyntaxError');
  expect(failure.stack).not.toMatch(/Ann|bank|salary/);
});

test('our own message is kept, without quotes, addresses and opaque runs', () => {
  const opaque = 'a'.repeat(41);
  expect(describeError(new GoogleError(`gmail.history: rejected "Your invoice" for ann@example.com with ${opaque}`))).toBe(
    'GoogleError: gmail.history: rejected "…" for [address] with [opaque]',
  );
});

test('causes are named, three deep, without their messages', () => {
  const inner = new TypeError('fetch failed for https://host/?token=abc');
  expect(describeError(new GoogleError('calendar.events: unavailable', { cause: new DatabaseError('x', { cause: inner }) }))).toBe(
    'GoogleError: calendar.events: unavailable, caused by DatabaseError 40P01, caused by TypeError',
  );
});

test('anything may be thrown, and a long story is cut', () => {
  expect(asJobFailure('ann@example.com').message).toBe('a thrown string');
  expect(asJobFailure(undefined).message).toBe('a thrown undefined');
  expect(describeError(new GoogleError('word '.repeat(200))).length).toBeLessThanOrEqual(301);
});
