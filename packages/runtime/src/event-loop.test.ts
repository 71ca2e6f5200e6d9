import { createEventLoop, type EventLoop } from './event-loop.js';
import { systemClock } from './clock.js';

let nowMs = 0;
const eventLoop = createEventLoop({ ...systemClock, nowMs: () => nowMs });

/**
 * Runs three tasks of three pieces each. A bar in the result marks other work of the event loop
 * between two pieces.
 */
async function workBetween({ yieldToOthers }: EventLoop): Promise<string> {
  const went: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let piece = 0; piece < 3; piece++) {
      await yieldToOthers();
      went.push(`${name}${piece}`);
    }
  };
  let isOver = false;
  const other = (): void => {
    went.push('|');
    if (!isOver) setImmediate(other);
  };
  setImmediate(other);
  await Promise.all([work('a'), work('b'), work('c')]);
  isOver = true;
  return went.join(' ').replaceAll(/\| (?=\|)/g, '');
}

test('does not split work while no incremental sync has work', async () => {
  expect(await workBetween(eventLoop)).toBe('a0 b0 c0 a1 b1 c1 a2 b2 c2');
});

test('while an incremental sync has work, each piece runs in its own iteration, in order, and ready callbacks run in between', async () => {
  eventLoop.reportIncrementalWork();
  nowMs = 1_000;
  expect((await workBetween(eventLoop)).replace(/^\| /, '')).toBe(
    'a0 | b0 | c0 | a1 | b1 | c1 | a2 | b2 | c2',
  );
  nowMs = 1_001;
  expect(await workBetween(eventLoop)).not.toContain('a0 |');
});
