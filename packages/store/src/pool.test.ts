import { turns } from './pool.js';

interface Deed {
  name: string;
  end(error?: Error): void;
}

/** Work that lasts until it is told to end. */
function stage(most: number): { begin(name: string): Promise<string>; begun: Deed[] } {
  const take = turns(most);
  const begun: Deed[] = [];
  const begin = (name: string): Promise<string> => take(() => new Promise((resolve, reject) => begun.push({ name, end: (error) => (error ? reject(error) : resolve(name)) })));
  return { begin, begun };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('turns are taken by as many as are given, the others in the order in which they came', async () => {
  const { begin, begun } = stage(2);
  const all = ['a', 'b', 'c', 'd'].map(begin);
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
