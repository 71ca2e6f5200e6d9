import type { Clock } from '@syncline/runtime';
import { pauseAfter, slotsBeside, writeThrottle, type WriteThrottle } from './write-throttle.js';

interface Deed {
  name: string;
  end(error?: Error): void;
}

interface Setup {
  begin(name: string, isPaid?: boolean, tenant?: string): Promise<string>;
  begun: Deed[];
  throttle: WriteThrottle;
  /** How often somebody was said to wait. */
  waits(): number;
  /** Time advances only by this. */
  pass(ms: number): void;
  resting: { ms: number; end(): void }[];
}

/** Work that lasts until it is told to end. */
function setUp(most: number): Setup {
  let nowMs = 1_000;
  const resting: Setup['resting'] = [];
  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => resting.push({ ms, end: resolve }));
  const clock: Clock = { now: () => new Date(nowMs), nowMs: () => nowMs, sleep };
  let waits = 0;
  const throttle = writeThrottle(
    {
      clock,
      eventLoop: {
        yieldToOthers: () => Promise.resolve(),
        reportIncrementalWork: () => void waits++,
      },
    },
    most,
  );
  const begun: Deed[] = [];
  const begin = (name: string, isPaid = true, tenant = 't'): Promise<string> =>
    throttle.take(
      { tenant, isPaid },
      () =>
        new Promise((resolve, reject) =>
          begun.push({ name, end: (error) => (error ? reject(error) : resolve(name)) }),
        ),
    );
  return { begin, begun, throttle, waits: () => waits, resting, pass: (ms) => void (nowMs += ms) };
}

const macrotask = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('slots are taken by as many as are given, the others in the order in which they came', async () => {
  const { begin, begun } = setUp(2);
  const all = ['a', 'b', 'c', 'd'].map((name) => begin(name));
  await macrotask();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b']);
  begun[1]?.end();
  await macrotask();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  begun[0]?.end();
  begun[2]?.end();
  await macrotask();
  begun[3]?.end();
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
});

test('work that fails gives its slot on, and rejects for its caller only', async () => {
  const { begin, begun } = setUp(1);
  const [first, second] = [begin('a'), begin('b')];
  await macrotask();
  begun[0]?.end(new Error('no'));
  await expect(first).rejects.toThrow('no');
  await macrotask();
  begun[1]?.end();
  expect(await second).toBe('b');
  const third = begin('c');
  await macrotask();
  begun[2]?.end();
  expect(await third).toBe('c');
});

test('beside incremental work, a slot pauses for a multiple of the time of its page, while its holder continues', async () => {
  const { begin, begun, throttle, resting, pass } = setUp(1);
  const [first, second] = [begin('a'), begin('b')];
  await macrotask();
  throttle.incremental();
  pass(30);
  begun[0]?.end();
  expect(await first).toBe('a');
  await macrotask();
  expect(begun.map(({ name }) => name)).toEqual(['a']);
  expect(resting).toMatchObject([{ ms: 120 }]);
  resting[0]?.end();
  await macrotask();
  pass(1_001);
  begun[1]?.end();
  expect(await second).toBe('b');
  expect(resting).toHaveLength(1); // No incremental sync for a second: no slot pauses.
});

test('a pause grows with the page up to a bound, and there is none without incremental work', () => {
  expect([0, 10, 100, 10_000].map((tookMs) => pauseAfter(tookMs, 0))).toEqual([0, 40, 400, 2_000]);
  expect(pauseAfter(100, 1_000)).toBe(400);
  expect(pauseAfter(100, 1_001)).toBe(0);
  expect(pauseAfter(100, Number.POSITIVE_INFINITY)).toBe(0);
});

test('beside incremental work there is one slot, and as many as before when there has been none for a while', async () => {
  const { begin, begun, throttle, pass, resting } = setUp(3);
  const first = [begin('a'), begin('b')];
  await macrotask();
  throttle.incremental();
  const later = ['c', 'd', 'e'].map((name) => begin(name));
  await macrotask();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b']); // Begun work continues.
  for (const deed of begun) deed.end();
  await Promise.all(first);
  await macrotask();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b', 'c']); // Pages that took no time have no rest.
  expect(resting).toEqual([]);
  pass(1_001);
  begun[2]?.end();
  await macrotask();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'e']);
  for (const deed of begun) deed.end();
  expect(await Promise.all(later)).toEqual(['c', 'd', 'e']);
  expect([slotsBeside(0, 5), slotsBeside(1_000, 5), slotsBeside(1_001, 5)]).toEqual([1, 1, 5]);
});

test('what Google was paid for has three of four slots, and lists the fourth', async () => {
  const { begin, begun } = setUp(1);
  const all = [
    begin('1'),
    ...['l1', 'l2', 'l3'].map((name) => begin(name, false)),
    ...['2', '3', '4', '5'].map((name) => begin(name)),
  ];
  for (let i = 0; i < all.length; i++) {
    await macrotask();
    begun[i]?.end();
  }
  await Promise.all(all);
  expect(begun.map(({ name }) => name)).toEqual(['1', '2', '3', 'l1', '4', '5', 'l2', 'l3']);
});

test('tenants alternate, whatever each has waiting, and one that comes back goes behind the others', async () => {
  const { begin, begun } = setUp(1);
  const all = ['a1', 'a2', 'a3', 'a4']
    .map((name) => begin(name, true, 'a'))
    .concat(
      ['b1', 'b2'].map((name) => begin(name, true, 'b')),
      begin('c1', true, 'c'),
    );
  for (let i = 0; i < all.length; i++) {
    await macrotask();
    if (i === 2) all.push(begin('b3', true, 'b'));
    begun[i]?.end();
  }
  await Promise.all(all);
  expect(begun.map(({ name }) => name)).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4', 'b3']);
});

test('incremental work is reported to the event loop, so that pages beside it are parsed in pieces', () => {
  const { throttle, waits } = setUp(1);
  expect(waits()).toBe(0);
  throttle.incremental();
  expect(waits()).toBe(1);
});
