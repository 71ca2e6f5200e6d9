import { breathe } from './breathe.js';

test('whoever breathes goes on in a turn of its own, in the order of coming, and what is ready comes between', async () => {
  const went: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let piece = 0; piece < 3; piece++) {
      await breathe();
      went.push(`${name}${piece}`);
    }
  };
  const turns = { count: 0, isCounting: true };
  const count = (): void => {
    turns.count += 1;
    went.push('|');
    if (turns.isCounting) setImmediate(count);
  };
  setImmediate(count);
  await Promise.all([work('a'), work('b'), work('c')]);
  turns.isCounting = false;
  expect(went.filter((one) => one !== '|')).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'c1', 'a2', 'b2', 'c2']);
  const between = went.join('').replaceAll(/\|+/g, '|').split('|').filter((piece) => piece !== '');
  expect(between).toHaveLength(9);
});
