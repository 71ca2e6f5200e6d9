import { describeBug, describeError, stackFrames } from './describe-error.js';
import { OperatorError, OwnError } from './errors.js';

class DatabaseError extends Error {
  override name = 'DatabaseError';
  code = '40P01';
}
class GoogleError extends OwnError {
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

test('a foreign error that calls itself like one of ours is foreign', () => {
  const disguised = Object.assign(new Error('Key (email)=(ann@example.com) exists'), {
    name: 'GoogleError',
  });
  expect(describeError(disguised)).toBe('GoogleError');
});

test('an error of Postgres is described by its table and constraint, without the value', () => {
  const refused = Object.assign(new Error('duplicate key value: "ann@example.com"'), {
    name: 'DatabaseError',
    code: '23505',
    table: 'accounts',
    constraint: 'accounts_email_key',
    detail: 'Key (email)=(ann@example.com) already exists.',
    where: 'line 1: ann@example.com',
  });
  expect(describeError(refused)).toBe('DatabaseError 23505 (accounts, accounts_email_key)');
});

test.each([
  [{ name: 'ann@example.com' }, 'Error'],
  [{ code: 'ya29.secret-token' }, 'Error'],
  [{ code: '1//0gAbCdEfGh' }, 'Error'],
  [{ status: 503 }, 'Error 503'],
  [{ status: 'Bearer x' }, 'Error'],
  [
    { code: 'ECONNREFUSED', address: '10.0.0.1', hostname: 'ann@example.com' },
    'Error ECONNREFUSED',
  ],
])('only names that a program was written with are repeated: %j', (fields, reported) => {
  expect(describeError(Object.assign(new Error('secret'), fields))).toBe(reported);
});

test('addresses are left out of our own messages however they are written', () => {
  expect(describeError(new OperatorError('GET /calendars/ann%40example.com/events failed'))).toBe(
    'OperatorError: GET [address] failed',
  );
});

test('a bug is described by the place where it was thrown, without its message', () => {
  const secret = 'line one of a mail\n    at ann@example.com (secret:1:2)\n';
  const bug = new Error(secret);
  expect(describeBug(bug)).toMatch(/^Error\n {4}at .+describe-error\.test\.ts:\d+:\d+\)/);
  expect(describeBug(bug)).not.toMatch(/mail|ann@/);
  expect(stackFrames('no error')).toEqual([]);
});
