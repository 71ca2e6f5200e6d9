import { partKeys } from './part-keys.js';

const part = (partId: unknown, ...parts: object[]): { partId?: unknown; parts?: unknown } => ({
  partId,
  parts,
});

test('keeps the numbers of parts where they are unique', () => {
  const root = part('', part('0', part('0.0'), part('0.1')), part('1'));
  expect([...partKeys(root).values()]).toEqual(['', '0', '0.0', '0.1', '1']);
});

test('tells parts with the same number apart, in document order', () => {
  const root = part('', part('1'), part('1'), part('1#2'), part('1'), part(undefined));
  expect([...partKeys(root).values()]).toEqual(['', '1', '1#2', '1#2#2', '1#3', '#2']);
});

test('numbers a part from the empty key whose own number no column holds', () => {
  const root = part('a\0b', part('\ud800'), part(7), part('ä'.repeat(501)));
  expect([...partKeys(root).values()]).toEqual(['', '#2', '#3', '#4']);
});

test('takes a tree of any depth, and thousands of parts of one number', () => {
  let deep = part('leaf');
  for (let depth = 0; depth < 20_000; depth++) deep = part(String(depth), deep);
  expect(partKeys(deep).size).toBe(20_001);
  const flat = part('', ...Array.from({ length: 5_000 }, () => part('1')));
  expect(new Set(partKeys(flat).values()).size).toBe(5_001);
});
