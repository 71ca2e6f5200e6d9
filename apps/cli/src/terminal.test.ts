import { bar, printable, table } from './terminal.js';

describe('a bar', () => {
  it.each<[number, number | null, string]>([
    [0, 10, '░░░░░░░░░░'],
    [5, 10, '█████░░░░░'],
    [10, 10, '██████████'],
    [999, 1_000, '█████████░'],
    [12, 10, '██████████'],
    [-1, 10, '░░░░░░░░░░'],
    [7, null, '░░░░░░░░░░'],
    [0, 0, '██████████'],
  ])('of %d in %s is %s', (done, total, drawn) => {
    expect(bar(done, total)).toBe(drawn);
  });
});

describe('a table', () => {
  it('gives each column the width of its widest cell, and no line an end of spaces', () => {
    expect(
      table(
        [{ title: 'NAME' }, { title: 'COUNT', align: 'right' }, { title: 'NOTE' }],
        [
          ['élan', '7', ''],
          ['x', '1,234,567', 'fine'],
        ],
      ),
    ).toEqual(['NAME      COUNT  NOTE', 'élan          7', 'x     1,234,567  fine']);
  });

  it('fills rows that are too short', () => {
    expect(table([{ title: 'A' }, { title: 'B' }], [['1']])).toEqual(['A  B', '1']);
  });
});

describe('printable text', () => {
  it('cannot move the cursor, change colours or reverse the reading direction', () => {
    expect(printable('a\u001b[2Jb\nc\u202Ed\u0007')).toBe('a [2Jb c d ');
  });

  it('keeps everything else', () => {
    expect(printable('Équipe 🎯 יומן')).toBe('Équipe 🎯 יומן');
  });
});
