import { openLoneRefusals, type BatchRefusals, type LoneRefusals } from './lone-refusals.js';

const PARTS_LIMIT = 20;

let lone: LoneRefusals;
beforeEach(() => {
  lone = openLoneRefusals();
});

const note = (batch: Partial<BatchRefusals>): boolean =>
  lone.note({ refused: [], passed: [], company: 0, isCompanyRefused: false, ...batch });
const refusedBeside = (company: number): boolean => note({ refused: ['x'], company });

test('an item that is refused in three batches while four others pass in each is its own failure', () => {
  expect([refusedBeside(4), lone.isOwn('x')]).toEqual([false, false]);
  expect([refusedBeside(4), lone.isOwn('x')]).toEqual([false, false]);
  expect([refusedBeside(4), lone.isOwn('x'), lone.isOwn('y')]).toEqual([false, true, false]);
});

test('an item that is refused alone, or beside fewer than four that pass, says nothing', () => {
  for (let times = 0; times < 9; times++) refusedBeside(times % 4);
  expect(lone.isOwn('x')).toBe(false);
});

test('two items that are refused need company for both', () => {
  for (let times = 0; times < 3; times++) note({ refused: ['x', 'y'], passed: ['a'], company: 6 });
  expect([lone.isOwn('x'), lone.isOwn('y')]).toEqual([false, false]);
  for (let times = 0; times < 3; times++) note({ refused: ['x', 'y'], passed: ['a'], company: 7 });
  expect([lone.isOwn('x'), lone.isOwn('y')]).toEqual([true, true]);
});

test.each<[string, Partial<BatchRefusals>]>([
  ['its company is refused', { refused: ['x'], company: 3, isCompanyRefused: true }],
  ['five items are refused', { refused: ['x', 'a', 'b', 'c', 'd'], company: 90 }],
])('the account is throttled and the count begins again when %s', (_what, batch) => {
  refusedBeside(4);
  refusedBeside(4);
  expect(note(batch)).toBe(true);
  refusedBeside(4);
  expect(lone.isOwn('x')).toBe(false);
});

test('an item that passes is no suspect any more', () => {
  refusedBeside(4);
  refusedBeside(4);
  note({ passed: ['x'] });
  expect(lone.companyOf(['x'], PARTS_LIMIT)).toEqual([]);
  refusedBeside(4);
  expect(lone.isOwn('x')).toBe(false);
});

test('each suspect is given four ids of no message, less what is asked for anyway', () => {
  expect(lone.companyOf(['x'], PARTS_LIMIT)).toEqual([]);
  note({ refused: ['x', 'y'] });
  expect(lone.companyOf(['x'], PARTS_LIMIT)).toEqual([
    '0000000000000001',
    '0000000000000002',
    '0000000000000003',
    '0000000000000004',
  ]);
  expect(lone.companyOf(['x'], 2)).toHaveLength(4);
  expect(lone.companyOf(['x', 'y', 'a'], PARTS_LIMIT)).toHaveLength(7);
  expect(lone.companyOf(['x', 'a', 'b', 'c', 'd'], PARTS_LIMIT)).toEqual([]);
});

test('a batch takes as many suspects as it has room for their company', () => {
  const ids = ['a', 'x', 'y', 'b'];
  expect(lone.fitting(ids, 5)).toBe(4);
  note({ refused: ['x', 'y'] });
  expect([lone.fitting(ids, 5), lone.fitting(ids, 4), lone.fitting(ids, PARTS_LIMIT)]).toEqual([
    2, 2, 4,
  ]);
});
