import { unreachable } from '@syncline/runtime';
import type { CollectionView, WatchView } from '@syncline/store';
import { COLLECTION_WORDS } from '../resources/index.js';
import { when } from '../words.js';

/**
 * Describes whether Google sends notifications for a collection, and when the last one came; null
 * where no watch was requested.
 */
export function watchWords(
  { kind, watch }: Pick<CollectionView, 'kind' | 'watch'>,
  nowMs: number,
): string | null {
  return watch === null ? null : watchInWords(kind, watch, nowMs);
}

function watchInWords(kind: CollectionView['kind'], watch: WatchView, nowMs: number): string {
  const lastNotified = `last notified ${when(watch.lastNotifiedAt, nowMs)}`;
  const trouble = watch.error === null ? '' : `; ${watch.error}`;
  switch (watch.state) {
    case 'on':
      if (watch.expiresAt !== null && watch.expiresAt.getTime() <= nowMs)
        return `ended ${when(watch.expiresAt, nowMs)}, ${lastNotified}; tried again ${when(watch.dueAt, nowMs)}${trouble}`;
      if (watch.silent)
        return `silent: a poll found what it had not announced; made anew ${when(watch.dueAt, nowMs)}, ${lastNotified}${trouble}`;
      return `on, ${lastNotified}, renewed ${when(watch.dueAt, nowMs)}${trouble}`;
    case 'requested':
      return `asked for ${when(watch.dueAt, nowMs)}${trouble}`;
    case 'off':
      return `off, ${lastNotified}`;
    case 'unwatchable':
      return `none; ${COLLECTION_WORDS[kind].subject} is polled${trouble}`;
    case 'refused':
      return `refused${trouble}; tried again ${when(watch.dueAt, nowMs)}`;
    default:
      return unreachable(watch.state);
  }
}
