import { partKeys } from './part-keys.js';

const part = (partId: unknown, ...parts: object[]): { partId?: unknown; parts?: unknown } => ({
  partId,
  parts,
});

test('keeps part ids that are unique', () => {
  const root = part('', part('0', part('0.0'), part('0.1')), part('1'));
  expect([...partKeys(root).values()]).toEqual(['', '0', '0.0', '0.1', '1']);
});

test('distinguishes parts with the same part id, in document order', () => {
  const root = part('', part('1'), part('1'), part('1#2'), part('1'), part(undefined));
  expect([...partKeys(root).values()]).toEqual(['', '1', '1#2', '1#2#2', '1#3', '#2']);
});

test('gives a part whose part id is too long a number of its own', () => {
  const root = part('a\0b', part('\ud800'), part(7), part('ä'.repeat(501)));
  expect([...partKeys(root).values()]).toEqual(['', '#2', '#3', '#4']);
});

test('accepts a tree of any depth and thousands of parts with one part id', () => {
  let deep = part('leaf');
  for (let depth = 0; depth < 20_000; depth++) deep = part(String(depth), deep);
  expect(partKeys(deep).size).toBe(20_001);
  const flat = part('', ...Array.from({ length: 5_000 }, () => part('1')));
  expect(new Set(partKeys(flat).values()).size).toBe(5_001);
});
