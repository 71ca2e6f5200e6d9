import fc from 'fast-check';
import { growthOf, LINEAR } from '../../../test/support/growth.js';
import { isNestedTooDeep, NESTING_LIMIT } from './nesting.js';

const PADDING = `"${'x'.repeat(70_000)}"`;
const bytes = (text: string): Buffer => Buffer.from(text);
const nested = (levels: number): Buffer =>
  bytes(`[${PADDING},${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}]`);

test('nesting up to the limit is allowed, deeper nesting is not', () => {
  expect([
    isNestedTooDeep(nested(NESTING_LIMIT)),
    isNestedTooDeep(nested(NESTING_LIMIT + 1)),
  ]).toEqual([false, true]);
});

test('many adjacent lists are not deep', () => {
  expect(isNestedTooDeep(bytes(`[${PADDING}${',[{}]'.repeat(50_000)}]`))).toBe(false);
});

test('brackets inside strings do not count, with any escapes', () => {
  const tricky = JSON.stringify(['[{'.repeat(2_000), '\\', '\\"[', `${'\\'.repeat(101)}"`, '"']);
  expect(isNestedTooDeep(bytes(`[${PADDING},${tricky.repeat(1)}]`))).toBe(false);
  expect(isNestedTooDeep(bytes(`[${PADDING},${JSON.stringify(`\\${'['.repeat(3_000)}`)}]`))).toBe(
    false,
  );
});

test('a string without an end hides no nesting and is read in linear time', () => {
  const unended = (length: number): Buffer => bytes(`["${'\\"'.repeat(length / 2)}`);
  expect(growthOf(unended, isNestedTooDeep)).toBeLessThan(LINEAR);
  expect(isNestedTooDeep(unended(1_000_000))).toBe(false);
});

test('no valid document within the limit is refused', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), (text) => {
      expect(isNestedTooDeep(bytes(`[${PADDING},${text}]`))).toBe(false);
    }),
    { numRuns: 200 },
  );
});
