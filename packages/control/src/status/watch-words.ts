import { unreachable } from '@syncline/runtime';
import type { CollectionView, DoorbellView } from '@syncline/store';
import { COLLECTION_WORDS } from '../resources/index.js';
import { when } from '../words.js';

/**
 * Whether Google sends notifications for a collection, and when the last one came; null where no
 * watch was asked for.
 */
export function watchWords(
  { kind, doorbell }: Pick<CollectionView, 'kind' | 'doorbell'>,
  nowMs: number,
): string | null {
  return doorbell === null ? null : doorbellInWords(kind, doorbell, nowMs);
}

function doorbellInWords(kind: CollectionView['kind'], bell: DoorbellView, nowMs: number): string {
  const rung = `last rung ${when(bell.lastRungAt, nowMs)}`;
  const trouble = bell.error === null ? '' : `; ${bell.error}`;
  switch (bell.state) {
    case 'on':
      if (bell.expiresAt !== null && bell.expiresAt.getTime() <= nowMs)
        return `ended ${when(bell.expiresAt, nowMs)}, ${rung}; tried again ${when(bell.dueAt, nowMs)}${trouble}`;
      if (bell.silent)
        return `silent: a look found what it had not announced; made anew ${when(bell.dueAt, nowMs)}, ${rung}${trouble}`;
      return `on, ${rung}, renewed ${when(bell.dueAt, nowMs)}${trouble}`;
    case 'wanted':
      return `asked for ${when(bell.dueAt, nowMs)}${trouble}`;
    case 'off':
      return `off, ${rung}`;
    case 'unwatchable':
      return `none; ${COLLECTION_WORDS[kind].subject} is polled${trouble}`;
    case 'refused':
      return `refused${trouble}; tried again ${when(bell.dueAt, nowMs)}`;
    default:
      return unreachable(bell.state);
  }
}
