import { GoogleError } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import { withListing, type NewCursor } from '../../cursor.js';
import { heldStep } from '../../evidence/hold.js';
import { tidyTurn } from '../../evidence/tidy.js';
import { MAX_RESTARTS, type Turn, type TurnContext } from '../../turn.js';
import { REQUESTED_FULL_SYNC_GAP_MS, withoutPosition } from '../../without-position.js';
import type { SyncTokenCursor, SyncTokenWithoutPosition } from './cursor.js';
import { interpretIncrement, interpretListed } from './interpret.js';
import {
  listedFromStart,
  newListing,
  planNext,
  type FollowCursor,
  type ListPlan,
  type TidyCursor,
} from './plan.js';
import type { SourcePage, SyncTokenSource } from './source.js';

/*
 * Collections with sync tokens are all synced in the same way: a walk of pages, whose
 * last page alone carries the bookmark (Google's nextSyncToken); then the bookmark is sent with
 * every page of an incremental listing, until the last page brings the next one. A full list names
 * no deletions, so what the walk did not meet is swept. Where Google gives no bookmark at the end,
 * the pages count all the same: a listing that had one keeps it, and a walk is followed by further
 * walks at a slow pace (without-position.ts).
 */

/** The next page of a collection, by its cursor. */
export function syncTokenTurn(
  source: SyncTokenSource,
  context: TurnContext,
  cursor: NewCursor | SyncTokenCursor,
): Promise<Turn> {
  const held =
    cursor.phase === 'follow'
      ? heldStep(context, cursor, cursor.bookmark !== null, (token) =>
          listIds(source, context, token),
        )
      : null;
  if (held) return held;
  const plan = planNext(cursor, {
    generation: context.generation,
    nowMs: context.rt.clock.nowMs(),
    owes: context.lease.owes,
    relists: source.nextRelistAtMs !== undefined,
  });
  switch (plan.kind) {
    case 'list':
      return listTurn(source, context, plan);
    case 'tidy':
      return endTurn(source, context, plan.cursor);
    case 'increment':
      return incrementTurn(source, context, plan.cursor);
    case 'without-position':
      return withoutPosition(context, plan.cursor, () =>
        listTurn(source, context, newListing(context)),
      );
    default:
      return unreachable(plan);
  }
}

async function listTurn(
  source: SyncTokenSource,
  context: TurnContext,
  plan: ListPlan,
): Promise<Turn> {
  const { cursor } = plan;
  const isFirst = cursor.pageToken === null;
  const begunAtMs = isFirst ? context.rt.clock.nowMs() : cursor.begunAtMs;
  const page = await listed(
    source,
    context,
    cursor.pageToken,
    () => !isFirst && (cursor.restarts ?? 0) < MAX_RESTARTS,
  );
  return page
    ? interpretListed(plan, page, { begunAtMs, nowMs: context.rt.clock.nowMs() })
    : listTurn(source, context, listedFromStart(plan));
}

/** A page of a full listing; null when Google no longer knows the page token and it may begin again. */
function listed(
  source: SyncTokenSource,
  context: TurnContext,
  pageToken: string | null,
  mayBeginAgain: () => boolean,
): Promise<SourcePage | null> {
  return source.read(context, { syncToken: null, pageToken, gone: [] }).catch((error: unknown) => {
    if (isDeadPage(error) && mayBeginAgain()) return null;
    throw error;
  });
}

function isDeadPage(error: unknown): boolean {
  return error instanceof GoogleError && error.detail.kind === 'rejected';
}

/** A page of a second listing, of which only the ids count. */
async function listIds(
  source: SyncTokenSource,
  context: TurnContext,
  pageToken: string | null,
): Promise<{ ids: string[]; nextPageToken: string | null } | null> {
  const page = await listed(source, context, pageToken, () => pageToken !== null);
  return page && { ids: page.metIds, nextPageToken: page.nextPageToken };
}

async function incrementTurn(
  source: SyncTokenSource,
  context: TurnContext,
  cursor: FollowCursor,
): Promise<Turn> {
  if (cursor.pageToken === null) context.listingBegunHere = true;
  const { bookmark: syncToken, pageToken, gone = [] } = cursor;
  const page = await source.read(context, { syncToken, pageToken, gone });
  return interpretIncrement(cursor, page, {
    generation: context.generation,
    nowMs: context.rt.clock.nowMs(),
    isFresh: context.listingBegunHere,
  });
}

/** The end of a full sync; see evidence/tidy.ts. */
function endTurn(source: SyncTokenSource, context: TurnContext, cursor: TidyCursor): Promise<Turn> {
  const { bookmark, bookmarkAtMs, listing } = cursor;
  return tidyTurn(context, cursor, {
    listing,
    at: (state) => ({
      phase: 'backfill',
      bookmark,
      ...(bookmarkAtMs === undefined ? {} : { bookmarkAtMs }),
      ...withListing(listing),
      ...state,
    }),
    // A listing that is discarded has read nothing again.
    clearing: (hold) =>
      context.lease.owes && hold?.waitsFor !== 'new-listing' ? { walk: { rereadAll: true } } : {},
    follow: (hold) => {
      if (hold?.waitsFor !== 'new-listing') context.lease.owes = false;
      return {
        ...beginsToFollow(source, context, cursor),
        ...(hold === undefined ? {} : { hold }),
      };
    },
  });
}

function beginsToFollow(
  source: SyncTokenSource,
  context: TurnContext,
  { bookmark, bookmarkAtMs }: TidyCursor,
): FollowCursor | SyncTokenWithoutPosition {
  const { clock, random } = context.rt;
  if (bookmark === null) {
    context.fullSyncEnded = true;
    return {
      phase: 'follow',
      bookmark,
      pageToken: null,
      fullSyncNotBeforeMs: clock.nowMs() + REQUESTED_FULL_SYNC_GAP_MS,
    };
  }
  return {
    phase: 'follow',
    bookmark,
    ...(bookmarkAtMs === undefined ? {} : { bookmarkAtMs }),
    pageToken: null,
    ...(source.nextRelistAtMs
      ? { relistAtMs: source.nextRelistAtMs(clock.nowMs(), random.next()) }
      : {}),
  };
}
