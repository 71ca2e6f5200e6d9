import { openLoneRefusals, type LoneRefusals } from './lone-refusals.js';

let lone: LoneRefusals;
beforeEach(() => {
  lone = openLoneRefusals();
});
const note = (refused: string[], passed: string[]): boolean => lone.note('a', { refused, passed });

test('an item that alone is refused in three successive batches while others pass is its own failure', () => {
  expect([note(['x'], ['b']), note(['x'], ['c']), note(['x'], ['d'])]).toEqual([
    false,
    false,
    true,
  ]);
  expect(note(['x'], ['e'])).toBe(true);
});

test('an item without company says nothing, and is given some', () => {
  for (let times = 0; times < 9; times++) expect(note(['x'], [])).toBe(false);
  expect([lone.isSuspect('a', 'x'), lone.isSuspect('a', 'y'), lone.isSuspect('b', 'x')]).toEqual([
    true,
    false,
    false,
  ]);
});

test.each<[string, () => void]>([
  ['several parts are refused', () => void note(['x', 'y'], ['b'])],
  ['another item is refused', () => void note(['y'], ['b'])],
  ['the item passes', () => void note([], ['x', 'b'])],
  ['a whole batch is refused', () => lone.forget('a')],
])('the count begins again when %s', (_what, between) => {
  expect([note(['x'], ['b']), note(['x'], ['b'])]).toEqual([false, false]);
  between();
  expect([note(['x'], ['b']), note(['x'], ['b']), note(['x'], ['b'])]).toEqual([
    false,
    false,
    true,
  ]);
});

test('batches without the item change nothing', () => {
  expect([note(['x'], ['b']), note(['x'], ['b']), note([], ['c']), note(['x'], ['b'])]).toEqual([
    false,
    false,
    false,
    true,
  ]);
});
