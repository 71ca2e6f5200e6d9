import type { CollectionView } from '@syncline/store';

/**
 * Seconds until the collection's full sync ends if it goes on at its pace; null when there is no
 * full sync, or this cannot be told.
 */
export function etaOf(
  { phase, progress, fullSyncStartedAt }: CollectionView,
  nowMs: number,
): number | null {
  const { done, total } = progress;
  if (phase !== 'full' || fullSyncStartedAt === null || total === null || done <= 0) return null;
  const perItemMs = (nowMs - fullSyncStartedAt.getTime()) / done;
  return Math.max(0, Math.ceil(((total - done) * perItemMs) / 1_000));
}
