/**
 * Pages of a listing, with a check that the listing ends. Every paged call goes through
 * `requestPage`.
 *
 * Google has been observed to return a page whose `nextPageToken` requests that page again (gogcli
 * PR #1004, inbox-zero #3748). A client that only follows tokens would never stop. So the page
 * token that this package returns is Google's token prefixed with a guard: a constant amount of
 * state about the earlier pages. Callers store and pass the token as one opaque string, so the
 * check continues in every cursor, across runs and processes. A listing that begins without a token
 * begins without a guard.
 */
import { createHash } from 'node:crypto';
import type { Method } from './costs.js';
import { GoogleError, type EndlessReason } from './errors.js';
import { type Session, requestJson } from './request.js';
import { type JsonObject, isKeepable, pageTokenOrNull } from './shape.js';

/** State about the earlier pages of a listing. */
export interface ListingGuard {
  /** Digest of one earlier page token. */
  token: string;
  /** Digest of the items of one earlier page; empty before the first page with items. */
  page: string;
  /** Pages since `token` and `page` were recorded. */
  age: number;
  /**
   * Pages after which both are replaced. The number doubles each time, so a cycle of any length is
   * found (Brent's algorithm).
   */
  span: number;
  /** Pages that had the same items as the recorded page. */
  repeats: number;
  /** Consecutive pages without anything new. */
  idle: number;
  /** Consecutive empty pages that named themselves. */
  stalls: number;
}

/**
 * Google documents that a page may be short or empty and still have a successor, and a long listing
 * may have any number of such pages. A thousand in a row correspond to half a million messages or
 * 2.5 million events, none of which the listing returns. They cost a mailbox 5,000 units, which is
 * less than its limit for a minute.
 */
export const IDLE_PAGES_LIMIT = 1_000;
/**
 * A page may be returned twice when a list changes during the listing. Repeating it this many times
 * means that the listing does not advance.
 */
export const REPEATED_PAGES_LIMIT = 3;
/**
 * Google may return an empty page that names itself when it ran out of time; that page is requested
 * again. A page with items that names itself makes no progress.
 */
export const STALLED_PAGES_LIMIT = 20;

/**
 * Returns the guard after one more page that has a successor, or the reason why the listing is
 * endless. Pure.
 * @param before null after the first page of a listing
 * @param next digest of the page's `nextPageToken`
 * @param page digest of the page's items; empty when it has none
 * @param namesItself whether `nextPageToken` is the token with which the page was requested
 */
export function guardAfter(
  before: ListingGuard | null,
  { next, page, namesItself }: { next: string; page: string; namesItself: boolean },
): ListingGuard | EndlessReason {
  if (namesItself && (page !== '' || (before?.stalls ?? 0) + 1 >= STALLED_PAGES_LIMIT))
    return 'page-names-itself';
  if (before === null) return firstGuard(next, page, namesItself);
  if (namesItself) return { ...before, stalls: before.stalls + 1 };
  if (next === before.token) return 'pages-in-a-cycle';
  return advancedGuard(before, next, page);
}

function firstGuard(next: string, page: string, namesItself: boolean): ListingGuard {
  return {
    token: next,
    page,
    age: 0,
    span: 1,
    repeats: 0,
    idle: page === '' ? 1 : 0,
    stalls: namesItself ? 1 : 0,
  };
}

function advancedGuard(
  before: ListingGuard,
  next: string,
  page: string,
): ListingGuard | EndlessReason {
  const isRepeated = page !== '' && page === before.page;
  const repeats = before.repeats + (isRepeated ? 1 : 0);
  if (repeats >= REPEATED_PAGES_LIMIT) return 'pages-repeat';
  const idle = page === '' || isRepeated ? before.idle + 1 : 0;
  if (idle >= IDLE_PAGES_LIMIT) return 'nothing-new';
  const age = before.age + 1;
  return age < before.span
    ? { ...before, age, repeats, idle, stalls: 0 }
    : {
        token: next,
        page: page === '' ? before.page : page,
        age: 0,
        span: before.span * 2,
        repeats,
        idle,
        stalls: 0,
      };
}

/**
 * A paged call. `pageToken` is null for the first page, and then the token that the previous page
 * returned.
 */
export interface PageCall {
  method: Method;
  path: string;
  query: URLSearchParams;
  pageToken: string | null;
  /** Whether a sync token is sent. It changes the meaning of a 400. */
  syncToken?: boolean;
}

/**
 * Requests one page of a listing.
 * @param identify returns the id and version of each item; pages with the same ids and versions are
 * the same page
 * @throws GoogleError; `endless-listing` when this page shows that the listing has no end
 */
export async function requestPage<T>(
  session: Session,
  { method, path, query, pageToken, syncToken }: PageCall,
  read: (body: JsonObject) => T,
  identify: (page: T) => string[],
): Promise<T & { nextPageToken: string | null }> {
  const sent = openPageToken(pageToken);
  if (sent.token !== null) query.set('pageToken', sent.token);
  const { page, next } = await requestJson(
    session,
    {
      method,
      path: `${path}?${query.toString()}`,
      ...(syncToken === undefined ? {} : { syncToken }),
    },
    (body) => ({ page: read(body), next: pageTokenOrNull(body.nextPageToken) }),
  );
  if (next === null) return { ...page, nextPageToken: null };
  if (typeof next !== 'string' || !isKeepable(next))
    throw new GoogleError(method, { kind: 'endless-listing', reason: 'token-unusable' });
  const guard = guardOf(sent, next, identify(page));
  if (typeof guard === 'string')
    throw new GoogleError(method, { kind: 'endless-listing', reason: guard });
  return { ...page, nextPageToken: sealPageToken(guard, next) };
}

function guardOf(
  sent: OpenToken,
  next: string,
  items: readonly string[],
): ListingGuard | EndlessReason {
  return guardAfter(sent.guard, {
    next: digestOf(next),
    namesItself: next === sent.token,
    page: digestOfItems(items),
  });
}

/**
 * Returns an empty digest for a page without items. The same items in another order are the same
 * page.
 */
export function digestOfItems(items: readonly string[]): string {
  return items.length === 0 ? '' : digestOf([...items].sort().join('\n'));
}

interface OpenToken {
  /** Google's own token. */
  token: string | null;
  guard: ListingGuard | null;
}

const SEALED = /^g1\.(\d+)\.(\d+)\.(\d+)\.(\d+)\.(\d+)\.([\w-]{16})\.([\w-]{0,16}):/;

export function sealPageToken(guard: ListingGuard, token: string): string {
  const { age, span, repeats, idle, stalls } = guard;
  return `g1.${age}.${span}.${repeats}.${idle}.${stalls}.${guard.token}.${guard.page}:${token}`;
}

/**
 * Splits a page token. A token without a guard, as earlier versions stored it, begins a new guard.
 */
export function openPageToken(text: string | null): OpenToken {
  const found = text === null ? null : SEALED.exec(text);
  if (text === null || found === null) return { token: text, guard: null };
  const [whole, age, span, repeats, idle, stalls, token = '', page = ''] = found;
  return {
    token: text.slice(whole.length),
    guard: {
      token,
      page,
      age: Number(age),
      span: Number(span),
      repeats: Number(repeats),
      idle: Number(idle),
      stalls: Number(stalls),
    },
  };
}

/** 96 bits are enough that no two tokens of a listing collide. */
function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
