import { amount, counted, duration, nameOf, stateOf, when } from './words.js';

describe('words', () => {
  it.each<[number, string]>([
    [0, '0 ms'],
    [850, '850 ms'],
    [12_400, '12 s'],
    [59_700, '1 min'],
    [180_000, '3 min'],
    [200_000, '3 min 20 s'],
    [1_500_000, '25 min'],
    [7_500_000, '2 h 5 min'],
    [7_200_000, '2 h'],
    [360_000_000, '4 d 4 h'],
  ])('%d ms are %s', (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  it('distinguish before from after', () => {
    expect([
      when(new Date(5_000), 10_000),
      when(new Date(70_000), 10_000),
      when(null, 10_000),
    ]).toEqual(['5 s ago', 'in 1 min', 'never']);
  });
});

test('amounts and nouns agree', () => {
  expect([
    amount(1_234_567),
    counted(1, 'item'),
    counted(0, 'item'),
    counted(1_000, 'item'),
  ]).toEqual(['1,234,567', '1 item', '0 items', '1,000 items']);
});

test('a collection is named by its kind, and the id of a calendar is cut to fit', () => {
  const named = (kind: 'gmail' | 'calendar-list' | 'calendar-events', externalId: string): string =>
    nameOf({ kind, externalId });
  expect([named('gmail', 'mailbox'), named('calendar-list', 'list')]).toEqual([
    'mailbox',
    'calendar list',
  ]);
  expect(named('calendar-events', 'team@example.com')).toBe('calendar team@example.com');
  const long = `${'0'.repeat(12)}${'1'.repeat(40)}@group.calendar.google.com`;
  expect(named('calendar-events', long)).toBe('calendar 000000000000…@group.calendar.google.com');
});

test('a state has its reason when there is one', () => {
  expect(stateOf({ state: 'active', reason: null })).toBe('active');
  expect(stateOf({ state: 'paused', reason: 'by request' })).toBe('paused: by request');
});
