import type { Clock } from '@syncline/runtime';
import { restAfter, turnsBeside, walkTurns, type WalkTurns } from './walk-turns.js';

interface Deed {
  name: string;
  end(error?: Error): void;
}

interface Stage {
  begin(name: string, isPaid?: boolean, tenant?: string): Promise<string>;
  begun: Deed[];
  turns: WalkTurns;
  /** How often somebody was said to wait. */
  waits(): number;
  /** Time stands still but for this. */
  pass(ms: number): void;
  resting: { ms: number; end(): void }[];
}

/** Work that lasts until it is told to end. */
function stage(most: number): Stage {
  let nowMs = 1_000;
  const resting: Stage['resting'] = [];
  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => resting.push({ ms, end: resolve }));
  const clock: Clock = { now: () => new Date(nowMs), nowMs: () => nowMs, sleep };
  let waits = 0;
  const turns = walkTurns(
    { clock, breath: { breathe: () => Promise.resolve(), someoneWaits: () => void waits++ } },
    most,
  );
  const begun: Deed[] = [];
  const begin = (name: string, isPaid = true, tenant = 't'): Promise<string> =>
    turns.take(
      { tenant, isPaid },
      () =>
        new Promise((resolve, reject) =>
          begun.push({ name, end: (error) => (error ? reject(error) : resolve(name)) }),
        ),
    );
  return { begin, begun, turns, waits: () => waits, resting, pass: (ms) => void (nowMs += ms) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('turns are taken by as many as are given, the others in the order in which they came', async () => {
  const { begin, begun } = stage(2);
  const all = ['a', 'b', 'c', 'd'].map((name) => begin(name));
  await settled();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b']);
  begun[1]?.end();
  await settled();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  begun[0]?.end();
  begun[2]?.end();
  await settled();
  begun[3]?.end();
  expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
});

test('work that fails gives its turn on, and says so to whoever asked for it only', async () => {
  const { begin, begun } = stage(1);
  const [first, second] = [begin('a'), begin('b')];
  await settled();
  begun[0]?.end(new Error('no'));
  await expect(first).rejects.toThrow('no');
  await settled();
  begun[1]?.end();
  expect(await second).toBe('b');
  const third = begin('c');
  await settled();
  begun[2]?.end();
  expect(await third).toBe('c');
});

test('beside somebody who follows, a turn rests for a multiple of what its page took, while whoever took it goes on', async () => {
  const { begin, begun, turns, resting, pass } = stage(1);
  const [first, second] = [begin('a'), begin('b')];
  await settled();
  turns.followed();
  pass(30);
  begun[0]?.end();
  expect(await first).toBe('a');
  await settled();
  expect(begun.map(({ name }) => name)).toEqual(['a']);
  expect(resting).toMatchObject([{ ms: 120 }]);
  resting[0]?.end();
  await settled();
  pass(1_001);
  begun[1]?.end();
  expect(await second).toBe('b');
  expect(resting).toHaveLength(1); // Nobody has been served for a second: nobody rests.
});

test('a rest grows with the page up to a bound, and there is none where nobody follows', () => {
  expect([0, 10, 100, 10_000].map((tookMs) => restAfter(tookMs, 0))).toEqual([0, 40, 400, 2_000]);
  expect(restAfter(100, 1_000)).toBe(400);
  expect(restAfter(100, 1_001)).toBe(0);
  expect(restAfter(100, Number.POSITIVE_INFINITY)).toBe(0);
});

test('beside somebody who follows there is one turn, and as many as before when nobody has been served for a while', async () => {
  const { begin, begun, turns, pass, resting } = stage(3);
  const first = [begin('a'), begin('b')];
  await settled();
  turns.followed();
  const later = ['c', 'd', 'e'].map((name) => begin(name));
  await settled();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b']); // What had begun goes on.
  for (const deed of begun) deed.end();
  await Promise.all(first);
  await settled();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b', 'c']); // Pages that took no time have no rest.
  expect(resting).toEqual([]);
  pass(1_001);
  begun[2]?.end();
  await settled();
  expect(begun.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'e']);
  for (const deed of begun) deed.end();
  expect(await Promise.all(later)).toEqual(['c', 'd', 'e']);
  expect([turnsBeside(0, 5), turnsBeside(1_000, 5), turnsBeside(1_001, 5)]).toEqual([1, 1, 5]);
});

test('what Google was paid for has three of four turns, and lists the fourth', async () => {
  const { begin, begun } = stage(1);
  const all = [
    begin('1'),
    ...['l1', 'l2', 'l3'].map((name) => begin(name, false)),
    ...['2', '3', '4', '5'].map((name) => begin(name)),
  ];
  for (let i = 0; i < all.length; i++) {
    await settled();
    begun[i]?.end();
  }
  await Promise.all(all);
  expect(begun.map(({ name }) => name)).toEqual(['1', '2', '3', 'l1', '4', '5', 'l2', 'l3']);
});

test('tenants take turns, whatever each has waiting, and one that comes back stands behind the others', async () => {
  const { begin, begun } = stage(1);
  const all = ['a1', 'a2', 'a3', 'a4']
    .map((name) => begin(name, true, 'a'))
    .concat(
      ['b1', 'b2'].map((name) => begin(name, true, 'b')),
      begin('c1', true, 'c'),
    );
  for (let i = 0; i < all.length; i++) {
    await settled();
    if (i === 2) all.push(begin('b3', true, 'b'));
    begun[i]?.end();
  }
  await Promise.all(all);
  expect(begun.map(({ name }) => name)).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4', 'b3']);
});

test('who follows is told to the event loop, so that pages beside are parsed in pieces', () => {
  const { turns, waits } = stage(1);
  expect(waits()).toBe(0);
  turns.followed();
  expect(waits()).toBe(1);
});
