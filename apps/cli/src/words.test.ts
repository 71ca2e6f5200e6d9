import type { CollectionView } from '@syncline/store';
import { duration, etaOf, progressOf, when } from './words.js';

function collection(fields: Partial<CollectionView>): CollectionView {
  return {
    id: 'c',
    kind: 'gmail',
    externalId: 'mailbox',
    state: 'active',
    phase: 'backfill',
    progress: { done: 0, total: null },
    walkStartedAt: null,
    wantedAt: null,
    servedAt: null,
    leaseUntil: null,
    leaseHolder: null,
    lastSyncedAt: null,
    nextSyncAt: null,
    failures: 0,
    error: null,
    parked: null,
    audit: { last: null, inHand: null },
    heldSweep: null,
    quarantined: 0,
    troubled: [],
    doorbell: null,
    ...fields,
  };
}

describe('words', () => {
  it.each<[number, string]>([
    [0, '0 ms'],
    [850, '850 ms'],
    [12_400, '12 s'],
    [59_700, '1 min'],
    [180_000, '3 min'],
    [200_000, '3 min 20 s'],
    [1_500_000, '25 min'],
    [7_500_000, '2 h 5 min'],
    [7_200_000, '2 h'],
    [360_000_000, '4 d 4 h'],
  ])('%d ms are %s', (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  it('tell before from after', () => {
    expect([
      when(new Date(5_000), 10_000),
      when(new Date(70_000), 10_000),
      when(null, 10_000),
    ]).toEqual(['5 s ago', 'in 1 min', 'never']);
  });

  it('give a walk a bar and the time it has left', () => {
    const walking = collection({ progress: { done: 100, total: 400 }, walkStartedAt: new Date(0) });
    expect(progressOf(walking, 10_000)).toBe('██░░░░░░░░ 100/400, 30 s left');
  });

  it('say of a walk that is still counting what they know', () => {
    expect(progressOf(collection({}), 10_000)).toBe('░░░░░░░░░░ 0/?');
  });
});

test('the end of a walk is foretold from its pace', () => {
  const after10s = (done: number, total: number | null): number | null =>
    etaOf(collection({ progress: { done, total }, walkStartedAt: new Date(0) }), 10_000);
  expect(after10s(250, 1_000)).toBe(30);
  expect(after10s(0, 1_000)).toBeNull();
  expect(after10s(5, null)).toBeNull();
});
