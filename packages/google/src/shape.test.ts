import { listOf } from './shape.js';

test.each([[undefined], [null]])('an empty list may be given as %s', (value) => {
  expect(listOf(value, 'items')).toEqual([]);
});

test('a value that is not a list is malformed', () => {
  for (const value of ['text', 5, {}, false])
    expect(() => listOf(value, 'items')).toThrow('items is not a list');
});
