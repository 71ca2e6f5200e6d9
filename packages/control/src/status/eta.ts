import type { CollectionView } from '@syncline/store';

/**
 * Seconds until the collection's walk ends if it goes on at its pace; null when there is no walk,
 * or this cannot be told.
 */
export function etaOf(
  { phase, progress, walkStartedAt }: CollectionView,
  nowMs: number,
): number | null {
  const { done, total } = progress;
  if (phase !== 'backfill' || walkStartedAt === null || total === null || done <= 0) return null;
  const perItemMs = (nowMs - walkStartedAt.getTime()) / done;
  return Math.max(0, Math.ceil(((total - done) * perItemMs) / 1_000));
}
