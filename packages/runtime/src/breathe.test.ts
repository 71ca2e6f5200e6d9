import { breathe, someoneWaits } from './breathe.js';

/** Three that each have three pieces of work, and what else has a turn of the event loop between: a bar. */
async function workBetween(): Promise<string> {
  const went: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let piece = 0; piece < 3; piece++) {
      await breathe();
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

test('where nobody waits, work goes on in one piece', async () => {
  expect(await workBetween()).toBe('a0 b0 c0 a1 b1 c1 a2 b2 c2');
});

test('beside somebody who waits, each piece has a turn of its own, in the order of coming, and what is ready comes between', async () => {
  someoneWaits();
  expect((await workBetween()).replace(/^\| /, '')).toBe('a0 | b0 | c0 | a1 | b1 | c1 | a2 | b2 | c2');
});
