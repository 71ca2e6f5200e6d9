/** Reads that say how fresh their rows are, and wait for fresh ones where the request asks for it. */
import { askedFreshness } from '@syncline/contract';
import type { FreshReads, FreshResult } from '@syncline/control/fresh-reads';
import { freshnessOf } from '@syncline/control/reads';
import { unreachable } from '@syncline/runtime';
import type { CollectionsRead, NamedAccount } from '@syncline/store';
import { REMOVED } from './handler.js';

interface FreshRequest {
  account: NamedAccount;
  query: {
    freshWithin?: string | undefined;
    wait?: string | undefined;
    onStale: 'answer' | 'fail';
  };
  gone: AbortSignal;
}

export interface NotFresh {
  problem: 'not-fresh-enough';
  detail: string;
  retryAfterS: number;
}

type Deps = { fresh: FreshReads; draining: AbortSignal };

/**
 * Answers after the wait for fresh rows, if the request asks for it.
 * @param of the collections that are read
 * @param answer reads the rows
 */
export async function freshly<A>(
  { fresh, draining }: Deps,
  { account, query, gone }: FreshRequest,
  of: CollectionsRead,
  answer: (asked: FreshResult | null) => Promise<A>,
): Promise<A | NotFresh | typeof REMOVED> {
  const asked = askedFreshness(query);
  if (asked === null) return answer(null);
  const result = await fresh.ensure(account, of, asked, AbortSignal.any([draining, gone]));
  if (result === null) return REMOVED;
  return query.onStale === 'fail' && !result.isFresh ? notFresh(result) : answer(result);
}

interface ObjectAnswer<Body> {
  status: 200;
  body: Body;
  headers: { 'Syncline-Freshness': string };
}

/**
 * The same for one object, whose freshness is in a header.
 * @param read null when there is no such object
 */
export function freshObject<Body>(
  deps: Deps,
  request: FreshRequest,
  of: CollectionsRead,
  { what, read }: { what: string; read: () => Promise<Body | null> },
): Promise<
  ObjectAnswer<Body> | NotFresh | typeof REMOVED | { problem: 'not-found'; detail: string }
> {
  return freshly(deps, request, of, async (asked) => {
    const headers = await freshnessHeader(deps, request, of, asked);
    if (headers === null) return REMOVED;
    const body = await read();
    if (body === null)
      return { problem: 'not-found', detail: `There is no such ${what}.` } as const;
    return { status: 200, body, headers } as const;
  });
}

/** Returns the header of one object. The object is read afterwards, so it is at least as fresh. */
export async function freshnessHeader(
  { fresh }: Pick<Deps, 'fresh'>,
  { account }: Pick<FreshRequest, 'account'>,
  of: CollectionsRead,
  asked: FreshResult | null,
): Promise<{ 'Syncline-Freshness': string } | null> {
  const state = asked === null ? await fresh.state(account, of) : asked.state;
  return state && { 'Syncline-Freshness': JSON.stringify(freshnessOf(state, asked)) };
}

/** What a person can do, or when it is worth another try. */
function notFresh({ why }: FreshResult): NotFresh {
  const problem = 'not-fresh-enough';
  switch (why) {
    case 'reauth_required':
    case 'paused':
    case 'disabled':
    case 'removing':
      return { problem, detail: `The account is ${why}.`, retryAfterS: 60 };
    case 'not-mirrored':
      return { problem, detail: 'The account has not mirrored this yet.', retryAfterS: 60 };
    case 'parked':
      return { problem, detail: 'The sync is parked: `why` says the reason.', retryAfterS: 60 };
    case 'failing':
      return { problem, detail: 'The last sync failed: `why` says the reason.', retryAfterS: 10 };
    case 'full-sync':
      return { problem, detail: 'A full sync has not ended.', retryAfterS: 10 };
    case 'wait-over':
    case null:
      return { problem, detail: 'The sync has not ended in time.', retryAfterS: 1 };
    default:
      return unreachable(why);
  }
}
