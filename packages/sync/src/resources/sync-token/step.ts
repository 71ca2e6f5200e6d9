import { GoogleError } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import { originOfFullSync, withListing, type PendingCursor } from '../../cursor.js';
import { heldStep } from '../../evidence/hold.js';
import { fullSyncEndStep } from '../../evidence/full-sync-end.js';
import { countIdlePage } from '../../idle-pages.js';
import { MAX_RESTARTS, type Step, type StepContext } from '../../step.js';
import { REQUESTED_FULL_SYNC_GAP_MS, withoutPosition } from '../../without-position.js';
import type { SyncTokenCursor, SyncTokenWithoutPosition } from './cursor.js';
import { interpretIncrement, interpretListed } from './interpret.js';
import {
  listedFromStart,
  newListing,
  planNext,
  type IncrementalCursor,
  type ListPlan,
  type FullSyncEndCursor,
} from './plan.js';
import type { SourcePage, SyncTokenSource } from './source.js';

/*
 * Syncs every kind of collection with sync tokens. A full sync reads pages, of which only the last
 * has the sync position (Google's nextSyncToken). Then the sync token is sent with every page of an
 * incremental listing, until the last page has the next token. A full list does not name deletions,
 * so rows that the full sync did not meet are swept. If Google gives no sync position at the end,
 * the pages count nevertheless: a listing that began from a position keeps it, and a full sync is
 * followed by further full syncs at a slow pace (without-position.ts).
 */

/** Reads the next page of a collection, by its cursor. */
export function syncTokenStep(
  source: SyncTokenSource,
  context: StepContext,
  cursor: PendingCursor | SyncTokenCursor,
): Promise<Step> {
  const held =
    cursor.phase === 'incremental'
      ? heldStep(context, cursor, cursor.syncToken !== null, (token) =>
          listIds(source, context, token),
        )
      : null;
  if (held) return held;
  const plan = planNext(cursor, {
    generation: context.generation,
    nowMs: context.rt.clock.nowMs(),
    hasRefetch: context.lease.hasRefetch,
    isRelisted: source.nextRelistAtMs !== undefined,
  });
  switch (plan.kind) {
    case 'list':
      return listStep(source, context, plan);
    case 'tidy':
      return endStep(source, context, plan.cursor);
    case 'increment':
      return incrementStep(source, context, plan.cursor);
    case 'without-position':
      return withoutPosition(context, plan.cursor, () =>
        listStep(source, context, newListing(context)),
      );
    default:
      return unreachable(plan);
  }
}

async function listStep(
  source: SyncTokenSource,
  context: StepContext,
  plan: ListPlan,
): Promise<Step> {
  const { cursor } = plan;
  const isFirst = cursor.pageToken === null;
  const begunAtMs = isFirst ? context.rt.clock.nowMs() : cursor.begunAtMs;
  const page = await listed(
    source,
    context,
    cursor.pageToken,
    () => !isFirst && (cursor.restarts ?? 0) < MAX_RESTARTS,
  );
  if (!page) return listStep(source, context, listedFromStart(plan));
  const idle = page.nextPageToken
    ? { idle: await countIdlePage(context, source.method, cursor) }
    : {};
  return interpretListed(plan, page, { begunAtMs, nowMs: context.rt.clock.nowMs(), ...idle });
}

/**
 * Reads a page of a full listing; null when Google no longer accepts the page token and the listing
 * may begin again.
 */
function listed(
  source: SyncTokenSource,
  context: StepContext,
  pageToken: string | null,
  mayBeginAgain: () => boolean,
): Promise<SourcePage | null> {
  return source.read(context, { syncToken: null, pageToken, gone: [] }).catch((error: unknown) => {
    if (isRejectedPage(error) && mayBeginAgain()) return null;
    throw error;
  });
}

function isRejectedPage(error: unknown): boolean {
  return error instanceof GoogleError && error.detail.kind === 'rejected';
}

/** Reads a page of a second listing, of which only the ids count. */
async function listIds(
  source: SyncTokenSource,
  context: StepContext,
  pageToken: string | null,
): Promise<{ ids: string[]; nextPageToken: string | null } | null> {
  const page = await listed(source, context, pageToken, () => pageToken !== null);
  return page && { ids: page.listedIds, nextPageToken: page.nextPageToken };
}

async function incrementStep(
  source: SyncTokenSource,
  context: StepContext,
  cursor: IncrementalCursor,
): Promise<Step> {
  if (cursor.pageToken === null) context.listingBegunHere = true;
  const { syncToken, pageToken, gone = [] } = cursor;
  const page = await source.read(context, { syncToken, pageToken, gone });
  return interpretIncrement(cursor, page, {
    generation: context.generation,
    nowMs: context.rt.clock.nowMs(),
    isFresh: context.listingBegunHere,
  });
}

/** The end of a full sync; see evidence/full-sync-end.ts. */
function endStep(
  source: SyncTokenSource,
  context: StepContext,
  cursor: FullSyncEndCursor,
): Promise<Step> {
  const { syncToken, syncTokenAtMs, listing } = cursor;
  return fullSyncEndStep(context, cursor, {
    origin: originOfFullSync(cursor),
    listing,
    at: (state) => ({
      phase: 'full',
      syncToken,
      ...(syncTokenAtMs === undefined ? {} : { syncTokenAtMs }),
      ...withListing(listing),
      ...(cursor.isRepair ? { isRepair: true } : {}),
      ...state,
    }),
    // A discarded listing does not fulfil a request to read items again.
    clearing: (hold) =>
      context.lease.hasRefetch && hold?.waitsFor !== 'new-listing'
        ? { items: { rereadAll: true } }
        : {},
    incremental: (hold) => {
      if (hold?.waitsFor !== 'new-listing') context.lease.hasRefetch = false;
      return {
        ...beginsIncremental(source, context, cursor),
        ...(hold === undefined ? {} : { hold }),
      };
    },
  });
}

function beginsIncremental(
  source: SyncTokenSource,
  context: StepContext,
  { syncToken, syncTokenAtMs }: FullSyncEndCursor,
): IncrementalCursor | SyncTokenWithoutPosition {
  const { clock, random } = context.rt;
  const nowMs = clock.nowMs();
  const begunAtMs = syncTokenAtMs ?? nowMs;
  if (syncToken === null) {
    context.fullSyncCompleted = true;
    return {
      phase: 'incremental',
      syncToken,
      pageToken: null,
      fullSyncNotBeforeMs: nowMs + REQUESTED_FULL_SYNC_GAP_MS,
    };
  }
  return {
    phase: 'incremental',
    syncToken,
    ...(syncTokenAtMs === undefined ? {} : { syncTokenAtMs }),
    pageToken: null,
    ...(source.nextRelistAtMs
      ? { relistAtMs: source.nextRelistAtMs({ nowMs, begunAtMs, jitter: random.next() }) }
      : {}),
  };
}
