import type { CollectionView } from '@syncline/store';

/**
 * Returns the seconds until the collection's full sync ends at its current pace; null when there is
 * no full sync, or this is unknown.
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
