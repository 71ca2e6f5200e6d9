import type { Asked } from '../sim.js';
import type { CalendarStore } from './store.js';
import { readPageToken, writePageToken } from './tokens.js';

/**
 * Returns a page token for the first page of the requested listing, with the revision at which the
 * listing began, so that the sync token at its end covers every change since then. Null for a
 * listing without a sync token.
 */
export function firstPageToken(asked: Asked): string | null {
  const { query, method } = asked;
  const { shelf, key } = asked.account;
  const calendar = listedCalendar(asked);
  if (calendar === undefined && method.name !== 'calendarList.list') return null;
  const page = readPageToken(query.get('pageToken') ?? '');
  return writePageToken({
    scope: calendar?.id ?? `list:${key}`,
    query: page?.query ?? query.toString(),
    after: 0,
    revision: page?.revision ?? (calendar ?? shelf).revision,
  });
}

function listedCalendar({ account, ids, method }: Asked): CalendarStore | undefined {
  return method.name === 'events.list' ? account.shelf.find(ids[0] ?? '')?.calendar : undefined;
}
