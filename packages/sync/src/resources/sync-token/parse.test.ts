import { parsed } from './parse.js';

test('an item that cannot be understood is quarantined by name, and the others are read', () => {
  const { rows, quarantined } = parsed([{ id: 'a' }, { id: 'b' }, { id: 'c' }], ({ id }) => {
    if (id === 'b') throw new TypeError('no text');
    return id;
  });
  expect(rows).toEqual(['a', 'c']);
  expect(quarantined).toEqual([
    { id: 'b', reason: expect.stringContaining('it cannot be read'), cause: 'not-understood' },
  ]);
});
