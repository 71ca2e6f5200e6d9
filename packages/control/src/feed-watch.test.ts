import type { FeedPlace } from '@syncline/store';
import { openFeedWatch } from './feed-stream.js';

const LONG = { withinMs: 60_000, signal: new AbortController().signal };

/** A watch whose seconds pass when the test says so, and what it has read. */
function watchOf(ends: Record<string, { epoch: number; seq: bigint }>) {
  const asked: string[][] = [];
  let pass = (): void => undefined;
  let slept = (): void => undefined;
  let isAway = false;
  const clock = {
    now: () => new Date(0),
    nowMs: () => 0,
    sleep: () =>
      new Promise<void>((resolve) => {
        pass = resolve;
        slept();
      }),
  };
  const feed = {
    moved: async (places: readonly FeedPlace[]) => {
      asked.push(places.map(({ accountId }) => accountId));
      if (isAway) throw new Error('Postgres is away');
      const hasMoved = ({ accountId, epoch, seq }: FeedPlace): boolean => {
        const end = ends[accountId];
        return end === undefined || end.epoch !== epoch || end.seq > seq;
      };
      return new Set(places.flatMap((place, n) => (hasMoved(place) ? [n] : [])));
    },
  };
  return {
    watch: openFeedWatch({ clock }, { store: { feed }, hints: { listen: () => undefined } }),
    asked,
    takeAway: () => (isAway = true),
    /** @param isLast whether nobody waits any more after it */
    second: async ({ isLast = false } = {}): Promise<void> => {
      const again = new Promise<void>((resolve) => (slept = resolve));
      pass();
      await (isLast ? new Promise(setImmediate) : again);
    },
  };
}

test('all readers of all feeds share one read a second, which names each account once', async () => {
  const ends = { a: { epoch: 1, seq: 5n }, b: { epoch: 1, seq: 7n } };
  const { watch, asked, second } = watchOf(ends);
  const readers = [
    watch.moved('a', { epoch: 1, seq: 5n }, LONG),
    watch.moved('a', { epoch: 1, seq: 5n }, LONG),
    watch.moved('b', { epoch: 1, seq: 7n }, LONG),
  ];
  await second();
  await second();
  expect(asked).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ]);
  ends.a = { epoch: 1, seq: 6n };
  await second();
  expect(await Promise.all(readers.slice(0, 2))).toEqual([true, true]);
  ends.b = { epoch: 2, seq: 7n };
  await second({ isLast: true });
  expect(await readers[2]).toBe(true);
  expect(asked).toHaveLength(4);
  expect(asked[3]).toEqual(['b']);
});

test('a reader is woken when its account is gone, when Postgres is away and when it is aborted', async () => {
  const { watch, second, takeAway } = watchOf({ b: { epoch: 1, seq: 7n } });
  const over = new AbortController();
  const ofGone = watch.moved('gone', { epoch: 1, seq: 0n }, LONG);
  const aborted = watch.moved('b', { epoch: 1, seq: 7n }, { ...LONG, signal: over.signal });
  const waiting = watch.moved('b', { epoch: 1, seq: 7n }, LONG);
  await second();
  expect(await ofGone).toBe(true);
  over.abort(new Error('over'));
  expect(await aborted).toBe(true);
  takeAway();
  await second({ isLast: true });
  expect(await waiting).toBe(true);
});

test('a wait ends at its time', async () => {
  const { watch } = watchOf({ a: { epoch: 1, seq: 5n } });
  const from = { epoch: 1, seq: 5n };
  expect(await watch.moved('a', from, { ...LONG, withinMs: 10 })).toBe(false);
});

test('a hint brings the read of its account forward, also one that came before the reader', async () => {
  let hint = (_id: string): void => undefined;
  const asked: string[][] = [];
  const clock = {
    now: () => new Date(0),
    nowMs: () => 0,
    sleep: () => new Promise<void>(() => {}),
  };
  const feed = {
    moved: async (places: readonly FeedPlace[]) => {
      asked.push(places.map(({ accountId }) => accountId));
      return new Set(places.keys());
    },
  };
  const hints = {
    listen: (on: { changed?: (id: string) => void }) => void (hint = on.changed ?? hint),
  };
  const watch = openFeedWatch({ clock }, { store: { feed }, hints });
  const from = { epoch: 1, seq: 5n };
  const moved = watch.moved('a', from, LONG);
  hint('a');
  hint('b');
  expect(await moved).toBe(true);
  expect(await watch.moved('b', from, LONG)).toBe(true);
  expect(asked).toEqual([['a'], ['b']]);
});
