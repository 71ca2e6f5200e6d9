import { compareTwice, differencesOf, type Compared } from './compare-twice.js';
import { fingerprint } from './fingerprint.js';

async function* rows(...ids: string[]): AsyncGenerator<{ id: string; item: unknown }> {
  for (const id of ids) yield { id, item: { id } };
}

test('a row is extra, stale or the same, and what has no row is missing', async () => {
  const source = new Map([
    ['same', fingerprint({ id: 'same' })],
    ['stale', 'another'],
    ['missing', 'any'],
  ]);
  expect([...(await differencesOf(rows('same', 'stale', 'extra'), source))]).toEqual([
    ['stale', 'stale'],
    ['extra', 'extra'],
    ['missing', 'missing'],
  ]);
});

test('only what differs in the same way before and after the fleet has caught up is drift', async () => {
  const steps: string[] = [];
  const compared = (differences: Compared['differences'], unread: string[]): Compared => ({
    checked: 4,
    differences,
    unread,
  });
  const answers = [
    compared(new Map([['late', 'missing'] as const, ['lost', 'missing'], ['odd', 'stale']]), ['a']),
    compared(new Map([['lost', 'missing'] as const, ['odd', 'extra'], ['new', 'stale']]), ['b']),
  ];
  const options = { progress: (checked: number) => steps.push(`progress ${checked}`) };
  const catchUp = async (): Promise<void> => void steps.push('caught up');
  const report = await compareTwice({ options, catchUp }, async () => answers.shift()!);
  expect(report).toEqual({ checked: 4, missing: ['lost'], extra: [], stale: [], unread: ['b'] });
  expect(steps).toEqual(['progress 4', 'caught up']);
});

test('without a difference nothing is compared again', async () => {
  const catchUp = async (): Promise<void> => {
    throw new Error('nothing to wait for');
  };
  const same: Compared = { checked: 2, differences: new Map(), unread: [] };
  expect(await compareTwice({ options: {}, catchUp }, async () => same)).toMatchObject({
    checked: 2,
    missing: [],
  });
});
