import { unreachable } from '@syncline/runtime';
import type { AccountView, CollectionView, DoorbellView } from '@syncline/store';
import { nameOf, when } from './words.js';

/** What Google rings for, one line a collection, and when it last did; nothing where nobody has asked it to. */
export function doorbellLines(account: Pick<AccountView, 'collections'>, nowMs: number): string[] {
  const lines = account.collections
    .filter(({ state }) => state === 'active')
    .flatMap((c) =>
      c.doorbell === null ? [] : [`  ${nameOf(c)}: ${doorbellInWords(c, c.doorbell, nowMs)}`],
    );
  return lines.length === 0 ? [] : ['', 'doorbells:', ...lines];
}

function doorbellInWords(
  c: Pick<CollectionView, 'kind'>,
  bell: DoorbellView,
  nowMs: number,
): string {
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
      return `none; ${c.kind === 'gmail' ? 'it' : 'the calendar'} is polled${trouble}`;
    case 'refused':
      return `refused${trouble}; tried again ${when(bell.dueAt, nowMs)}`;
    default:
      return unreachable(bell.state);
  }
}
