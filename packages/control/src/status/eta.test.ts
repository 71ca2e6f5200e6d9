import { collectionView } from '../../../../test/support/collection-view.js';
import { etaOf } from './eta.js';

test('the end of a full sync is predicted from its pace', () => {
  const after10s = (done: number, total: number | null): number | null =>
    etaOf(
      collectionView({ phase: 'full', progress: { done, total }, fullSyncStartedAt: new Date(0) }),
      10_000,
    );
  expect(after10s(250, 1_000)).toBe(30);
  expect(after10s(0, 1_000)).toBeNull();
  expect(after10s(5, null)).toBeNull();
});

test('an incremental sync has no end to be predicted', () => {
  const c = collectionView({ progress: { done: 1, total: 2 }, fullSyncStartedAt: new Date(0) });
  expect(etaOf(c, 10_000)).toBeNull();
});
