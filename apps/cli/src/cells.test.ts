import { collectionView } from '../../../test/support/collection-view.js';
import { progressOf, shortReason } from './cells.js';

describe('a cell of progress', () => {
  it('give a full sync a bar and the time it has left', () => {
    const running = collectionView({
      phase: 'full',
      progress: { done: 100, total: 400 },
      fullSyncStartedAt: new Date(0),
    });
    expect(progressOf(running, 10_000)).toBe('██░░░░░░░░ 100/400, 30 s left');
  });

  it('say of a full sync that is still counting what they know', () => {
    expect(progressOf(collectionView({ phase: 'full' }), 10_000)).toBe('░░░░░░░░░░ 0/?');
  });

  it('is a number outside of a full sync, and nothing for nothing', () => {
    const after = (done: number): string =>
      progressOf(collectionView({ progress: { done, total: null } }), 10_000);
    expect([after(0), after(1_234)]).toEqual(['', '1,234']);
  });
});

test('a reason of a table is cut at sixty characters', () => {
  expect(shortReason('x'.repeat(60))).toBe('x'.repeat(60));
  expect(shortReason('x'.repeat(61))).toBe(`${'x'.repeat(59)}…`);
});
