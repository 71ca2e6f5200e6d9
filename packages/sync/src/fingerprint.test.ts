import { storable } from '@syncline/store';
import { fingerprint } from './fingerprint.js';

test('is the same for the same fields in any order, at any depth', () => {
  const one = { a: 1, b: { c: [1, { d: 2, e: null }], f: 'x' } };
  const other = { b: { f: 'x', c: [1, { e: null, d: 2 }] }, a: 1 };
  expect(fingerprint(one)).toBe(fingerprint(other));
  expect(fingerprint(one)).not.toBe(fingerprint({ ...one, a: 2 }));
  expect(fingerprint(one)).not.toBe(fingerprint({ ...one, b: { ...one.b, c: [{}, 1] } }));
});

test.each([400, 2_600, 20_000])('a document that is nested %d deep has a fingerprint', (depth) => {
  const nested = (inner: string): unknown =>
    JSON.parse(`{"id":"e","x":${'['.repeat(depth)}${inner}${']'.repeat(depth)}}`);
  const event = nested('1');
  expect(fingerprint(event)).toBe(fingerprint(nested('1')));
  expect(fingerprint(event)).not.toBe(fingerprint({ ...(event as object), id: 'f' }));
  // First as the mirror stores it, then as Google returns it.
  const stored: unknown = JSON.parse(storable.json(event));
  expect(fingerprint(stored)).toBe(fingerprint(JSON.parse(storable.json(stored))));
});
