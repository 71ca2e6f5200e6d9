import type { Asked } from '../sim.js';
import { readPageToken, writePageToken } from './tokens.js';

/**
 * A page token for the first page of the listing that is asked for, as old as the listing: the sync
 * token at its end tells everything that changed since it began. Null for what has no sync token.
 */
export function firstPageToken({ account, ids, query, method }: Asked): string | null {
  const { shelf, key } = account;
  const calendar = method.name === 'events.list' ? shelf.find(ids[0] ?? '')?.calendar : undefined;
  if (calendar === undefined && method.name !== 'calendarList.list') return null;
  const page = readPageToken(query.get('pageToken') ?? '');
  return writePageToken({
    scope: calendar?.id ?? `list:${key}`,
    query: page?.query ?? query.toString(),
    after: 0,
    revision: page?.revision ?? (calendar ?? shelf).revision,
  });
}
