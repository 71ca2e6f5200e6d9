import { openItemRefusals, type BatchRefusals, type ItemRefusals } from './item-refusals.js';

const PARTS_LIMIT = 20;

let refusals: ItemRefusals;
beforeEach(() => {
  refusals = openItemRefusals();
});

const record = (batch: Partial<BatchRefusals>): boolean =>
  refusals.record({
    refused: [],
    passed: [],
    passedControls: 0,
    isControlRefused: false,
    ...batch,
  });
const refusedBeside = (passedControls: number): boolean =>
  record({ refused: ['x'], passedControls });

test('an item that is refused in three batches while four others pass in each fails by itself', () => {
  expect([refusedBeside(4), refusals.failsByItself('x')]).toEqual([false, false]);
  expect([refusedBeside(4), refusals.failsByItself('x')]).toEqual([false, false]);
  expect([refusedBeside(4), refusals.failsByItself('x'), refusals.failsByItself('y')]).toEqual([
    false,
    true,
    false,
  ]);
});

test('an item that is refused alone, or together with fewer than four that pass, is not decided', () => {
  for (let times = 0; times < 9; times++) refusedBeside(times % 4);
  expect(refusals.failsByItself('x')).toBe(false);
});

test('two refused items need controls for both', () => {
  for (let times = 0; times < 3; times++)
    record({ refused: ['x', 'y'], passed: ['a'], passedControls: 6 });
  expect([refusals.failsByItself('x'), refusals.failsByItself('y')]).toEqual([false, false]);
  for (let times = 0; times < 3; times++)
    record({ refused: ['x', 'y'], passed: ['a'], passedControls: 7 });
  expect([refusals.failsByItself('x'), refusals.failsByItself('y')]).toEqual([true, true]);
});

test.each<[string, Partial<BatchRefusals>]>([
  ['a control is refused', { refused: ['x'], passedControls: 3, isControlRefused: true }],
  ['five items are refused', { refused: ['x', 'a', 'b', 'c', 'd'], passedControls: 90 }],
])('the account is throttled and the count begins again when %s', (_what, batch) => {
  refusedBeside(4);
  refusedBeside(4);
  expect(record(batch)).toBe(true);
  refusedBeside(4);
  expect(refusals.failsByItself('x')).toBe(false);
});

test('an item that passes is forgotten', () => {
  refusedBeside(4);
  refusedBeside(4);
  record({ passed: ['x'] });
  expect(refusals.controlsFor(['x'], PARTS_LIMIT)).toEqual([]);
  refusedBeside(4);
  expect(refusals.failsByItself('x')).toBe(false);
});

test('each refused item is requested with four controls, less the other items of the batch', () => {
  expect(refusals.controlsFor(['x'], PARTS_LIMIT)).toEqual([]);
  record({ refused: ['x', 'y'] });
  expect(refusals.controlsFor(['x'], PARTS_LIMIT)).toEqual([
    '0000000000000001',
    '0000000000000002',
    '0000000000000003',
    '0000000000000004',
  ]);
  expect(refusals.controlsFor(['x'], 2)).toHaveLength(4);
  expect(refusals.controlsFor(['x', 'y', 'a'], PARTS_LIMIT)).toHaveLength(7);
  expect(refusals.controlsFor(['x', 'a', 'b', 'c', 'd'], PARTS_LIMIT)).toEqual([]);
});

test('a batch takes as many refused items as it has room for their controls', () => {
  const ids = ['a', 'x', 'y', 'b'];
  expect(refusals.countFitting(ids, 5)).toBe(4);
  record({ refused: ['x', 'y'] });
  expect([
    refusals.countFitting(ids, 5),
    refusals.countFitting(ids, 4),
    refusals.countFitting(ids, PARTS_LIMIT),
  ]).toEqual([2, 2, 4]);
});
