/**
 * Listings that do not end as Google documents: pages that name themselves, form a cycle, repeat,
 * stay empty or return known items again, a last page without `nextSyncToken`, and history ids that
 * are missing or absurd. All of these have been reported for the real service (gogcli PR #1004,
 * inbox-zero #3748, google-api-php-client #1141).
 */
import type { ApiMethod } from '../methods.js';
import { jsonReply, type Format, type Reply } from './reply.js';

/** Changes to the pages of a listing. */
export const PAGE_ENDINGS = [
  'page-names-itself',
  'pages-in-a-cycle',
  'pages-repeat',
  'empty-pages',
  'pages-without-news',
] as const;
/** Changes to the position in an answer. */
export const POSITION_ENDINGS = [
  'no-sync-token',
  'no-history-id',
  'garbled-history-id',
  'old-history-id',
] as const;

export type PageEnding = (typeof PAGE_ENDINGS)[number];
type PositionEnding = (typeof POSITION_ENDINGS)[number];
export type Ending = PageEnding | PositionEnding;

const LIST_METHODS = new Set([
  'messages.list',
  'threads.list',
  'drafts.list',
  'history.list',
  'calendarList.list',
  'events.list',
  'events.instances',
  'people.connections.list',
  'otherContacts.list',
  'contactGroups.list',
]);
const SYNC_TOKEN_METHODS = new Set([
  'calendarList.list',
  'events.list',
  'people.connections.list',
  'otherContacts.list',
  'contactGroups.list',
]);
const HISTORY_ID_METHODS = new Set(['getProfile', 'history.list', 'messages.get', 'threads.get']);

export function isEnding(kind: string): kind is Ending {
  return [...PAGE_ENDINGS, ...POSITION_ENDINGS].some((one) => one === kind);
}

/** Whether a change applies to this method's answer. */
export function suits(kind: Ending, method: ApiMethod): boolean {
  if (kind === 'no-sync-token') return SYNC_TOKEN_METHODS.has(method.name);
  if (isPageEnding(kind)) return LIST_METHODS.has(method.name);
  return HISTORY_ID_METHODS.has(method.name);
}

interface Listing {
  key: string;
  sent: string;
  first: string;
  length: number;
}

/** The page tokens that were created here, and the listings whose pages form a cycle. */
export class Endings {
  /**
   * A created token → the real token of the page; '' for the first page of a listing without a sync
   * token.
   */
  private readonly real = new Map<string, string>();
  /** For each listing the tokens of its cycle, in order. */
  private readonly cycles = new Map<string, string[]>();
  private made = 0;

  /** Returns the query with a page token that the simulator knows. */
  resolve(query: URLSearchParams): URLSearchParams {
    const known = this.real.get(query.get('pageToken') ?? '');
    if (known === undefined) return query;
    const resolved = new URLSearchParams(query);
    if (known === '') resolved.delete('pageToken');
    else resolved.set('pageToken', known);
    return resolved;
  }

  /**
   * Applies changes to an answer.
   * @param listing `key`: identifies the listing by account, method, ids; `sent`: the page token as
   * the client sent it, '' for none; `first`: a page token for the listing's first page, '' if it
   * has none; `length`: the number of pages in a cycle
   */
  apply(kinds: readonly Ending[], reply: Reply, format: Format, listing: Listing): Reply {
    if (kinds.length === 0 || reply.status !== 200) return reply;
    let body = JSON.parse(reply.body.toString()) as Record<string, unknown>;
    for (const kind of kinds)
      body = isPageEnding(kind) ? this.endless(kind, body, listing) : withoutPosition(kind, body);
    return jsonReply(body, { pretty: format.pretty, fields: null });
  }

  private endless(
    kind: PageEnding,
    body: Record<string, unknown>,
    listing: Listing,
  ): Record<string, unknown> {
    const { sent, first } = listing;
    const { nextPageToken, nextSyncToken: _, ...page } = body;
    const natural = typeof nextPageToken === 'string' ? nextPageToken : null;
    switch (kind) {
      case 'page-names-itself':
        return { ...page, nextPageToken: sent === '' ? this.alias(first) : sent };
      case 'pages-in-a-cycle':
        return { ...page, nextPageToken: this.nextCycleToken(listing, natural) };
      case 'pages-repeat':
        return { ...page, nextPageToken: this.alias(this.realOf(sent) || first) };
      case 'empty-pages':
        return { ...withoutItems(page), nextPageToken: this.alias(this.realOf(sent) || first) };
      case 'pages-without-news': {
        const some = sent === '' ? page : someOf(page, this.made);
        return { ...some, nextPageToken: this.alias(this.realOf(sent) || first) };
      }
    }
  }

  /** The cycle begins with the second page; a shorter listing leads back to its beginning. */
  private nextCycleToken({ key, sent, first, length }: Listing, natural: string | null): string {
    if (sent === '' || !this.cycles.has(key)) {
      if (this.cycles.size >= KEPT) this.cycles.clear();
      this.cycles.set(key, []);
    }
    const cycle = this.cycles.get(key) ?? [];
    const at = cycle.indexOf(sent);
    const known = cycle[at + 1];
    if (known !== undefined && sent !== '') return known;
    if (cycle[0] !== undefined && (cycle.length >= length || natural === null)) return cycle[0];
    const next = natural ?? this.alias(first);
    cycle.push(next);
    return next;
  }

  private realOf(token: string): string {
    return this.real.get(token) ?? token;
  }

  private alias(token: string): string {
    if (this.real.size >= KEPT) this.real.clear();
    const made = `made-up-${++this.made}`;
    this.real.set(made, token);
    return made;
  }
}

const ITEMS = [
  'messages',
  'threads',
  'drafts',
  'history',
  'items',
  'connections',
  'otherContacts',
  'contactGroups',
];

function withoutItems(page: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(page).filter(([name]) => !ITEMS.includes(name)));
}

/** The largest number of stored tokens, and of stored cycles. */
const KEPT = 100_000;

function isPageEnding(kind: Ending): kind is PageEnding {
  return PAGE_ENDINGS.some((one) => one === kind);
}

/**
 * Some of a page's items, others each time, in another version: no two pages in a row are the same,
 * and none has an item that the page itself does not have.
 */
function someOf(page: Record<string, unknown>, macrotask: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(page).map(([name, value]) => {
      if (!Array.isArray(value) || value.length === 0) return [name, value];
      const chosen = value.filter((_, i) => ((macrotask >> (i % 20)) & 1) === 1);
      const items = chosen.length > 0 ? chosen : [value[macrotask % value.length]];
      return [name, items.map((item) => inVersion(item, macrotask))];
    }),
  );
}

function inVersion(item: unknown, version: number): unknown {
  return item !== null && typeof item === 'object' && 'etag' in item
    ? { ...item, etag: `"${version}"` }
    : item;
}

function withoutPosition(
  kind: PositionEnding,
  body: Record<string, unknown>,
): Record<string, unknown> {
  switch (kind) {
    case 'no-sync-token': {
      const { nextSyncToken: _, ...page } = body;
      return page;
    }
    case 'no-history-id':
      return withHistoryId(body, undefined) as Record<string, unknown>;
    case 'garbled-history-id':
      return withHistoryId(body, 'NaN') as Record<string, unknown>;
    case 'old-history-id':
      return withHistoryId(body, '1') as Record<string, unknown>;
  }
}

/** Replaces or removes every `historyId` of the answer, also those of a thread's messages. */
function withHistoryId(value: unknown, historyId: string | undefined): unknown {
  if (Array.isArray(value)) return value.map((one) => withHistoryId(one, historyId));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      if (name !== 'historyId') return [[name, withHistoryId(inner, historyId)]];
      return historyId === undefined ? [] : [[name, historyId]];
    }),
  );
}
