import fc from 'fast-check';
import type { LogRange } from '@syncline/store';
import { checkLogPlace, cutRanges, parsePlace, placeText } from './tenant-feed.js';

const STATE = { epoch: 3, end: 20n, start: 5n, oldest: 8n };

test.each([
  ['the end', { epoch: 3, position: 20n }, 'applied'],
  ['the last place before what is kept', { epoch: 3, position: 7n }, 'applied'],
  ['a place whose next event is not kept', { epoch: 3, position: 6n }, 'pruned'],
  ['the beginning, which is not kept', 'beginning', 'pruned'],
  ['beyond the end', { epoch: 3, position: 21n }, 'epoch-changed'],
  ['another epoch', { epoch: 2, position: 9n }, 'epoch-changed'],
] as const)('%s is read as %s', (_what, place, kind) => {
  expect(checkLogPlace(place, STATE)).toBe(kind);
});

test('a place before the epoch began stands at its beginning', () => {
  const whole = { epoch: 3, end: 20n, start: 5n, oldest: 6n };
  expect(checkLogPlace('beginning', whole)).toBe('applied');
  expect(checkLogPlace({ epoch: 3, position: 2n }, whole)).toBe('applied');
});

test('a place is read back from its text', () => {
  const place = { epoch: 1_796_000_000, position: 9_007_199_254_740n };
  expect(parsePlace(placeText(place))).toEqual(place);
  expect([parsePlace('0'), parsePlace('latest')]).toEqual(['beginning', 'latest']);
});

/** Ranges of so many events each, of accounts in turns. */
function rangesOf(counts: readonly number[]): LogRange[] {
  const seqs = [0n, 0n, 0n];
  let position = 0n;
  return counts.map((count, at) => {
    const fromSeq = seqs[at % 3]! + 1n;
    const toSeq = seqs[at % 3]! + BigInt(count);
    seqs[at % 3] = toSeq;
    position += BigInt(count);
    return { position, tenant: 't', account: `a${at % 3}`, fromSeq, toSeq };
  });
}

function eventsIn(ranges: readonly LogRange[]): string[] {
  return ranges.flatMap(({ account, fromSeq, toSeq, position }) =>
    Array.from({ length: Number(toSeq - fromSeq) + 1 }, (_, at) => {
      const seq = fromSeq + BigInt(at);
      return `${account}.${seq} at ${position - (toSeq - seq)}`;
    }),
  );
}

test('pages of any size, from any place, have each event once and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 11 }), { minLength: 1, maxLength: 200 }),
      (counts, limits) => {
        const ranges = rangesOf(counts);
        const end = ranges.at(-1)!.position;
        const read: string[] = [];
        let after = 0n;
        for (let page = 0; after < end; page++) {
          const limit = limits[page % limits.length]!;
          const later = ranges.filter(({ position }) => position > after).slice(0, limit);
          const cut = cutRanges(later, after, limit);
          expect(eventsIn(cut)).toHaveLength(Math.min(limit, Number(end - after)));
          read.push(...eventsIn(cut));
          after = cut.at(-1)!.position;
        }
        expect(read).toEqual(eventsIn(ranges));
      },
    ),
  );
});
