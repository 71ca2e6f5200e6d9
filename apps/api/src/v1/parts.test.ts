import { ROUTES } from '@syncline/contract';
import { parseJson } from './json-text.js';
import { matcherOf } from './match.js';
import { isNamed } from './reply.js';
import { requestId } from './request-id.js';

test('request ids are UUIDs of version 7 in the order of time', () => {
  const ids = [1, 1_000, 1_764_000_000_000, 1_764_000_000_001].map(requestId);
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(requestId(5)).not.toBe(requestId(5));
});

test.each<[string, string | null]>([
  ['/v1/accounts', 'accounts.list'],
  ['/v1/accounts/a%2Fb', 'accounts.get'],
  ['/v1/quarantine/retry', null],
  ['/v1/Accounts', null],
  ['/v1/accounts/', null],
  ['/v1/accounts/%ff', null],
  ['/v1/accounts/a/b', null],
])('the path %s is of the route %s for GET', (path, id) => {
  expect(matcherOf(ROUTES)(path)?.methods.get('GET')?.id ?? null).toBe(id);
});

test('parameters of a path are decoded once', () => {
  expect(matcherOf(ROUTES)('/v1/accounts/a%252Fb')?.params).toEqual({ id: 'a%2Fb' });
});

test.each<[string, object]>([
  ['{"a":[{"b":1},{"b":2}],"c":"}{\\":"}', { value: { a: [{ b: 1 }, { b: 2 }], c: '}{":' } }],
  ['{"a":1,"\\u0061":2}', { problem: 'has a key twice' }],
  ['{"a":{"a":1}}', { value: { a: { a: 1 } } }],
  ['{"\\u005f_proto__":1}', { problem: 'has a key that is not allowed' }],
  ['"__proto__"', { value: '__proto__' }],
  ['[1', { problem: 'is not JSON' }],
])('the JSON text %s', (text, parsed) => {
  expect(parseJson(text)).toEqual(parsed);
});

test('a large JSON text is read in linear time', () => {
  const text = JSON.stringify(Array.from({ length: 60_000 }, (_, i) => ({ [`key-${i}`]: '"\\' })));
  const begunMs = performance.now();
  expect('value' in parseJson(text)).toBe(true);
  expect(performance.now() - begunMs).toBeLessThan(2_000);
});

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ['W/"a"', true],
  ['"a"', true],
  ['"b", W/"a"', true],
  ['*', true],
  ['"b"', false],
])('If-None-Match %s', (given, named) => {
  expect(isNamed('W/"a"', given)).toBe(named);
});
