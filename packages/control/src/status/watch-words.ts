import { unreachable } from '@syncline/runtime';
import type { CollectionView } from '@syncline/store';
import { COLLECTION_WORDS } from '../resources/index.js';
import { when } from '../words.js';

export type WatchView = NonNullable<CollectionView['watch']>;

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
  const errorText = watch.error === null ? '' : `; ${watch.error}`;
  switch (watch.state) {
    case 'on':
      if (watch.expiresAt !== null && watch.expiresAt.getTime() <= nowMs)
        return `ended ${when(watch.expiresAt, nowMs)}, ${lastNotified}; tried again ${when(watch.dueAt, nowMs)}${errorText}`;
      if (watch.silent)
        return `silent: a poll found a change without a notification; replaced ${when(watch.dueAt, nowMs)}, ${lastNotified}${errorText}`;
      return `on, ${lastNotified}, renewed ${when(watch.dueAt, nowMs)}${errorText}`;
    case 'requested':
      return `asked for ${when(watch.dueAt, nowMs)}${errorText}`;
    case 'off':
      return `off, ${lastNotified}`;
    case 'unwatchable':
      return `none; ${COLLECTION_WORDS[kind].subject} is polled${errorText}`;
    case 'refused':
      return `refused${errorText}; tried again ${when(watch.dueAt, nowMs)}`;
    default:
      return unreachable(watch.state);
  }
}
