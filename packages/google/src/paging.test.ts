import fc from 'fast-check';
import { openBench, type Bench } from '../test-support/bench-google.js';
import { GoogleError } from './errors.js';
import type { GoogleAccount } from './index.js';
import {
  IDLE_PAGES_LIMIT,
  REPEATED_PAGES_LIMIT,
  STALLED_PAGES_LIMIT,
  digestOfItems,
  guardAfter,
  openPageToken,
  sealPageToken,
  type ListingGuard,
} from './paging.js';

/**
 * Follows a listing. Returns the number of pages after which it was stopped and the reason, or null
 * when all of `pages` were accepted.
 */
function readAll(
  pages: number,
  pageAt: (n: number) => { next: string; page: string },
): { after: number; reason: string } | null {
  let guard: ListingGuard | null = null;
  for (let n = 0; n < pages; n++) {
    const next: ListingGuard | string = guardAfter(guard, {
      ...pageAt(n),
      namesItself: n > 0 && pageAt(n).next === pageAt(n - 1).next,
    });
    if (typeof next === 'string') return { after: n + 1, reason: next };
    guard = next;
  }
  return null;
}

describe('the end of a listing', () => {
  test('a cycle of pages is found within three times its lead-in and length', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.integer({ min: 1, max: 400 }), (before, round) => {
        const at = (n: number): number => (n < before ? n : before + ((n - before) % round));
        const found = readAll(10 * (before + round) + 10, (n) => ({
          next: `t${at(n)}`,
          page: `p${n}`,
        }));
        expect(found?.reason).toBe(round === 1 ? 'page-names-itself' : 'pages-in-a-cycle');
        expect(found?.after).toBeLessThanOrEqual(3 * (before + round) + 3);
      }),
    );
  });

  test('a page repeated under new tokens is found', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer({ min: 1, max: 200 }), (before, round) => {
        const at = (n: number): number => (n < before ? n : before + ((n - before) % round));
        const found = readAll(20 * (before + round) + 20, (n) => ({
          next: `t${n}`,
          page: `p${at(n)}`,
        }));
        expect(found?.reason).toBe('pages-repeat');
        expect(found?.after).toBeLessThanOrEqual(8 * (before + round) + 8);
      }),
    );
  });

  test('a page whose items come in another order is the same page', () => {
    expect(digestOfItems(['a', 'b', 'c'])).toBe(digestOfItems(['c', 'a', 'b']));
    expect(digestOfItems(['a', 'b'])).not.toBe(digestOfItems(['a', 'b', 'c']));
    expect(digestOfItems([])).toBe('');
  });

  test('a listing ends after a thousand empty pages in a row', () => {
    expect(readAll(5_000, (n) => ({ next: `t${n}`, page: n < 7 ? `p${n}` : '' }))).toEqual({
      after: 7 + IDLE_PAGES_LIMIT,
      reason: 'nothing-new',
    });
  });

  test('a listing of a million pages, most of them empty, is read to its end', () => {
    expect(
      readAll(1_000_000, (n) => ({
        next: `t${n}`,
        page: n % (IDLE_PAGES_LIMIT - 1) === 0 ? `p${n}` : '',
      })),
    ).toBeNull();
  });

  test('an empty page that names itself is requested again a bounded number of times, one with items is not', () => {
    const stalled = (page: string) =>
      readAll(100, (n) => ({ next: 'same', page: n > 0 ? page : 'p' }));
    expect(stalled('')).toEqual({ after: 1 + STALLED_PAGES_LIMIT, reason: 'page-names-itself' });
    expect(stalled('q')).toEqual({ after: 2, reason: 'page-names-itself' });
    // Half of the pages are empty and name themselves, as in a listing that sometimes makes no
    // progress.
    expect(
      readAll(10_000, (n) => ({ next: `t${n - (n % 2)}`, page: n % 2 === 0 ? `p${n}` : '' })),
    ).toBeNull();
  });

  test('a page that is repeated once because the list changed does not end the listing', () => {
    const repeated = REPEATED_PAGES_LIMIT - 1;
    expect(
      readAll(1_000, (n) => ({ next: `t${n}`, page: `p${Math.max(0, n - repeated)}` })),
    ).toBeNull();
  });

  test('the guard has constant size after any number of pages and survives a round trip through its text', () => {
    fc.assert(
      fc.property(
        fc.record({
          token: fc.stringMatching(/^[\w-]{16}$/),
          page: fc.oneof(fc.constant(''), fc.stringMatching(/^[\w-]{16}$/)),
          age: fc.nat(),
          span: fc.nat(),
          repeats: fc.nat(9),
          idle: fc.nat(999),
          stalls: fc.nat(19),
        }),
        fc.string({ unit: 'binary' }),
        (guard, token) => {
          const sealed = sealPageToken(guard, token);
          expect(sealed.length - token.length).toBeLessThan(80);
          expect(openPageToken(sealed)).toEqual({ token, guard });
        },
      ),
    );
    expect(openPageToken('09561')).toEqual({ token: '09561', guard: null });
    expect(openPageToken(null)).toEqual({ token: null, guard: null });
  });
});

describe('paged calls', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench();
  });
  beforeEach(() => bench.fresh());
  afterAll(() => bench.stop());

  const account = async (): Promise<GoogleAccount> => (await bench.open()).account('a1');
  const reasonOf = async (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => null,
      (error: unknown) => (error instanceof GoogleError ? error.detail : error),
    );

  test("each method sends Google's token back and refuses a page that names itself as the next", async () => {
    const { gmail, calendar } = await account();
    const methods: ((pageToken: string | null) => Promise<{ nextPageToken: string | null }>)[] = [
      (pageToken) => gmail.listMessages({ pageToken }),
      (pageToken) => gmail.history({ startHistoryId: 7n, pageToken }),
      (pageToken) => calendar.calendars({ syncToken: null, pageToken }),
      (pageToken) => calendar.events({ calendarId: 'c', syncToken: 's', pageToken }),
    ];
    const named = [{ id: '7', threadId: 't' }];
    bench.stub.answer = () => ({
      body: {
        historyId: '9',
        messages: named,
        history: named,
        items: named,
        nextPageToken: 'same+one',
      },
    });
    for (const method of methods) {
      const { nextPageToken } = await method(null);
      expect(nextPageToken).toMatch(/:same\+one$/);
      bench.stub.seen.length = 0;
      expect(await reasonOf(method(nextPageToken))).toEqual({
        kind: 'endless-listing',
        reason: 'page-names-itself',
      });
      expect(bench.stub.seen[0]?.query.get('pageToken')).toBe('same+one');
    }
  });

  test('the same token in two listings is not a cycle', async () => {
    const { gmail } = await account();
    bench.stub.answer = () => ({ body: { nextPageToken: 'p2' } });
    for (let listing = 0; listing < 5; listing++)
      expect((await gmail.listMessages({ pageToken: null })).nextPageToken).toMatch(/:p2$/);
  });
});
