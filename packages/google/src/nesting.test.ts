import fc from 'fast-check';
import { isNestedTooDeep, NESTING_LIMIT } from './nesting.js';

const PADDING = `"${'x'.repeat(70_000)}"`;
const bytes = (text: string): Buffer => Buffer.from(text);
const nested = (levels: number): Buffer =>
  bytes(`[${PADDING},${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}]`);

test('the limit itself is allowed, one more is not', () => {
  expect([
    isNestedTooDeep(nested(NESTING_LIMIT)),
    isNestedTooDeep(nested(NESTING_LIMIT + 1)),
  ]).toEqual([false, true]);
});

test('many lists beside each other are not deep', () => {
  expect(isNestedTooDeep(bytes(`[${PADDING}${',[{}]'.repeat(50_000)}]`))).toBe(false);
});

test('brackets inside of strings do not count, whatever is escaped around them', () => {
  const tricky = JSON.stringify(['[{'.repeat(2_000), '\\', '\\"[', `${'\\'.repeat(101)}"`, '"']);
  expect(isNestedTooDeep(bytes(`[${PADDING},${tricky.repeat(1)}]`))).toBe(false);
  expect(isNestedTooDeep(bytes(`[${PADDING},${JSON.stringify(`\\${'['.repeat(3_000)}`)}]`))).toBe(
    false,
  );
});

test('a string without an end hides nothing and costs nothing', () => {
  expect(isNestedTooDeep(bytes(`["${'\\"'.repeat(200_000)}`))).toBe(false);
});

test('no valid document within the limit is refused', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), (text) => {
      expect(isNestedTooDeep(bytes(`[${PADDING},${text}]`))).toBe(false);
    }),
    { numRuns: 200 },
  );
});
