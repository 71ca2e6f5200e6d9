import { differingFields, driftOf } from './compare.js';

describe('a mirror against the truth', () => {
  it('has no drift when every field is the same, in whatever order', () => {
    expect(
      driftOf(
        new Map([['a', { x: 1, y: { p: 1, q: [1, 2] } }]]),
        new Map([['a', { y: { q: [1, 2], p: 1 }, x: 1 }]]),
      ),
    ).toEqual({ missing: [], extra: [], stale: [] });
  });

  it('misses, has too much, or is stale', () => {
    const truth = new Map<string, unknown>([
      ['a', { n: 1 }],
      ['b', { n: 1 }],
    ]);
    const mirror = new Map<string, unknown>([
      ['b', { n: 2 }],
      ['c', { n: 1 }],
    ]);
    expect(driftOf(truth, mirror)).toEqual({ missing: ['a'], extra: ['c'], stale: ['b'] });
  });

  it('is stale when a list has another order, or a field is null instead of missing', () => {
    const truth = new Map<string, unknown>([
      ['a', { l: [1, 2] }],
      ['b', {}],
    ]);
    expect(
      driftOf(
        truth,
        new Map<string, unknown>([
          ['a', { l: [2, 1] }],
          ['b', { x: null }],
        ]),
      ).stale,
    ).toEqual(['a', 'b']);
  });

  it('may lack what Postgres cannot hold', () => {
    const truth = new Map<string, unknown>([['a', { subject: 'a\0b\ud800c' }]]);
    expect(
      driftOf(truth, new Map<string, unknown>([['a', { subject: 'ab\ufffdc' }]])).stale,
    ).toEqual([]);
  });

  it('names the fields that differ', () => {
    expect(differingFields({ a: 1, b: 2, c: 3 }, { a: 1, b: 3, d: 4 })).toEqual(['b', 'c', 'd']);
  });
});
