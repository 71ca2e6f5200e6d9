import type { Asked } from '../sim.js';
import type { CalendarStore } from './store.js';
import { readPageToken, writePageToken } from './tokens.js';

/**
 * A page token for the first page of the listing that is asked for, as old as the listing: the sync
 * token at its end tells everything that changed since it began. Null for what has no sync token.
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
