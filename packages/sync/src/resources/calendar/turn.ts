import { GoogleError } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import { isStorableId, type Delta, type WalkItem, type SetAside } from '@syncline/store';
import { withListing, type NewCursor, type TidyState } from '../../cursor.js';
import type { SyncTokenCursor, SyncTokenWithoutPosition } from '../sync-token/cursor.js';
import { heldStep } from '../../evidence/hold.js';
import { tidyTurn } from '../../evidence/tidy.js';
import { MAX_RESTARTS, type CaughtUp, type Turn, type TurnContext } from '../../turn.js';
import { REQUESTED_FULL_SYNC_GAP_MS, withoutPosition } from '../../without-position.js';
import { asAccessLost, nextRelistAtMs } from './access.js';
import { meaningOfCalendars, meaningOfEvents } from './interpret.js';

/*
 * Calendar lists and the events of one calendar are synced in the same way: a walk of pages, whose
 * last page alone carries the bookmark (Google's nextSyncToken); then the bookmark is sent with
 * every page of an incremental listing, until the last page brings the next one. A full list names
 * no deletions, so what the walk did not meet is swept. Where Google gives no bookmark at the end,
 * the pages count all the same: a listing that had one keeps it, and a walk is followed by further
 * walks at a slow pace (without-position.ts).
 */

/** The next page of a calendar list or calendar, by its cursor. */
export function calendarTurn(
  context: TurnContext,
  cursor: NewCursor | SyncTokenCursor,
): Promise<Turn> {
  switch (cursor.phase) {
    case 'new':
      return walkTurn(
        context,
        { ...NEW_WALK, restarts: cursor.restarts ?? 0 },
        context.generation + 1,
        cursor.resync === true && cursor.isRelisting !== true,
      );
    case 'backfill':
      return cursor.step === 'list'
        ? walkTurn(context, cursor, context.generation)
        : endTurn(context, cursor);
    case 'follow':
      return followStep(context, cursor);
    default:
      return unreachable(cursor);
  }
}

function followStep(
  context: TurnContext,
  cursor: FollowCursor | SyncTokenWithoutPosition,
): Promise<Turn> {
  const begin = (): Promise<Turn> => walkTurn(context, NEW_WALK, context.generation + 1);
  const held = heldStep(context, cursor, cursor.bookmark !== null, (token) =>
    listIds(context, token),
  );
  if (held) return held;
  if (cursor.bookmark === null) return withoutPosition(context, cursor, begin);
  return relistDue(context, cursor) ? begin() : followTurn(context, cursor);
}

type ListCursor = Extract<SyncTokenCursor, { step: 'list' }>;
type TidyCursor = Extract<SyncTokenCursor, { phase: 'backfill' } & TidyState>;
type FollowCursor = Extract<SyncTokenCursor, { phase: 'follow'; bookmark: string }>;

const FIRST_PAGE = { pageToken: null, listed: 0, nameless: 0 };
const NEW_WALK: ListCursor = { phase: 'backfill', step: 'list', ...FIRST_PAGE, restarts: 0 };

/**
 * Google forgets deletions after some time ("such tombstones eventually disappear", without a number; some four weeks by what is seen)
 * and may answer an older bookmark without them and without a word. So a collection that rested for longer is walked again.
 */
const BOOKMARK_WORTH_MS = 20 * 24 * 60 * 60_000;

/**
 * Of a calendar list between listings only: one under way is finished first. What is quarantined in
 * a calendar or a list is read again by a full sync, which costs a request for every 2,500 events.
 */
function relistDue(context: TurnContext, cursor: FollowCursor): boolean {
  if (isWorthless(context, cursor.bookmarkAtMs)) return true;
  if (context.lease.owes && cursor.pageToken === null) return true;
  const nowMs = context.rt.clock.nowMs();
  return (
    context.lease.kind === 'calendar-list' &&
    cursor.pageToken === null &&
    nowMs >= (cursor.relistAtMs ?? 0)
  );
}

function isWorthless(context: TurnContext, sinceMs: number | undefined): boolean {
  const nowMs = context.rt.clock.nowMs();
  return nowMs - (sinceMs ?? nowMs) > BOOKMARK_WORTH_MS;
}

function beginsToFollow(
  context: TurnContext,
  { bookmark, bookmarkAtMs }: { bookmark: string | null; bookmarkAtMs?: number },
): FollowCursor | SyncTokenWithoutPosition {
  if (bookmark === null) {
    context.fullSyncEnded = true;
    return {
      phase: 'follow',
      bookmark,
      pageToken: null,
      fullSyncNotBeforeMs: context.rt.clock.nowMs() + REQUESTED_FULL_SYNC_GAP_MS,
    };
  }
  const relist =
    context.lease.kind === 'calendar-list'
      ? { relistAtMs: nextRelistAtMs(context.rt.clock.nowMs(), context.rt.random.next()) }
      : {};
  return {
    phase: 'follow',
    bookmark,
    ...(bookmarkAtMs === undefined ? {} : { bookmarkAtMs }),
    pageToken: null,
    ...relist,
  };
}

/** @param isRemedy whether the walk is begun because Google disowned what the collection followed from */
async function walkTurn(
  context: TurnContext,
  cursor: ListCursor,
  generation: number,
  isRemedy = false,
): Promise<Turn> {
  const beginsWalk = cursor.pageToken === null;
  if (!beginsWalk && isWorthless(context, cursor.begunAtMs))
    return walkTurn(context, { ...cursor, ...FIRST_PAGE }, generation + 1, isRemedy);
  const begunAtMs = beginsWalk ? context.rt.clock.nowMs() : cursor.begunAtMs;
  const page = await readWalkPage(context, cursor);
  // Google no longer knows the page token: the walk begins again, under a new generation.
  if (!page)
    return walkTurn(
      context,
      { ...cursor, ...FIRST_PAGE, restarts: (cursor.restarts ?? 0) + 1 },
      generation + 1,
      true,
    );
  const met: WalkItem[] = page.metIds.map((id, i) => ({
    id,
    ordinal: BigInt(cursor.listed + i + 1),
    wanted: false,
  }));
  const listed = cursor.listed + met.length;
  const next = afterWalkPage(context, cursor, page, begunAtMs);
  return {
    commit: {
      cursor: next,
      phase: 'backfill',
      generation,
      beginsWalk,
      isRemedy: beginsWalk && isRemedy,
      progress: { done: listed, total: page.nextPageToken ? null : listed },
      delta: page.delta,
      walk: { met, quarantined: page.quarantined },
    },
    next: () => next,
  };
}

/** @returns null when Google no longer knows the page token and the walk may begin again */
async function readWalkPage(
  context: TurnContext,
  { pageToken, restarts = 0 }: ListCursor,
): Promise<CalendarPage | null> {
  try {
    return await readPage(context, null, pageToken);
  } catch (error) {
    if (isDeadPage(error) && pageToken !== null && restarts < MAX_RESTARTS) return null;
    throw error;
  }
}

/** The last page is followed by the sweep. */
function afterWalkPage(
  context: TurnContext,
  cursor: ListCursor,
  page: CalendarPage,
  begunAtMs: number | undefined,
): SyncTokenCursor {
  const nameless = (cursor.nameless ?? 0) + page.nameless;
  if (page.nextPageToken)
    return {
      ...cursor,
      pageToken: page.nextPageToken,
      listed: cursor.listed + page.metIds.length,
      nameless,
      ...(begunAtMs === undefined ? {} : { begunAtMs }),
    };
  const listingBegunAtMs = begunAtMs ?? context.rt.clock.nowMs();
  return {
    phase: 'backfill',
    step: 'sweep',
    bookmark: page.nextSyncToken,
    bookmarkAtMs: listingBegunAtMs,
    listing: { begunAtMs: listingBegunAtMs, ...(nameless === 0 ? {} : { nameless }) },
  };
}

/** The end of a full sync; see evidence/tidy.ts. */
function endTurn(context: TurnContext, cursor: TidyCursor): Promise<Turn> {
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
        ...beginsToFollow(context, cursor),
        ...(hold === undefined ? {} : { hold }),
      };
    },
  });
}

/** A page of a second listing, of which only the ids count. */
async function listIds(
  context: TurnContext,
  pageToken: string | null,
): Promise<{ ids: string[]; nextPageToken: string | null } | null> {
  const page = await readPage(context, null, pageToken).catch((error: unknown) => {
    if (isDeadPage(error) && pageToken !== null) return null;
    throw error;
  });
  return page && { ids: page.metIds, nextPageToken: page.nextPageToken };
}

function isDeadPage(error: unknown): boolean {
  return error instanceof GoogleError && error.detail.kind === 'rejected';
}

/** Tombstones of one listing that its later pages are held against: bounds the cursor. */
const GONE_KEPT = 1_000;

async function followTurn(context: TurnContext, cursor: FollowCursor): Promise<Turn> {
  if (cursor.pageToken === null) context.listingBegunHere = true;
  const gone = cursor.gone ?? [];
  const page = await readPage(context, cursor.bookmark, cursor.pageToken, gone);
  const next = afterFollowPage(cursor, page, context.rt.clock.nowMs());
  const level = page.nextPageToken === null && context.listingBegunHere;
  return {
    commit: {
      cursor: next,
      phase: 'follow',
      generation: context.generation,
      delta: page.delta,
      ...(page.quarantined.length > 0 ? { walk: { quarantined: page.quarantined } } : {}),
    },
    next: () => next,
    ...(level ? { rest: { kind: 'caught-up', ...positionKept(page) } } : {}),
  };
}

/** The bookmark is replaced by the last page, and only if that brings another one. */
function afterFollowPage(
  { gone = [], ...cursor }: FollowCursor,
  page: CalendarPage,
  nowMs: number,
): FollowCursor {
  if (page.nextPageToken) {
    const goneByNow =
      page.delta.kind === 'calendar-events'
        ? [...gone, ...page.delta.deleted.filter(isStorableId)].slice(-GONE_KEPT)
        : [];
    return {
      ...cursor,
      pageToken: page.nextPageToken,
      ...(goneByNow.length > 0 ? { gone: goneByNow } : {}),
    };
  }
  if (page.nextSyncToken === null) return { ...cursor, pageToken: null };
  return { ...cursor, bookmark: page.nextSyncToken, bookmarkAtMs: nowMs, pageToken: null };
}

/**
 * The bookmark that the listing began with stays good: what changed since comes again with the next
 * listing.
 */
function positionKept(page: CalendarPage): Pick<CaughtUp, 'withoutPosition'> {
  return page.nextSyncToken === null
    ? {
        withoutPosition: {
          why: 'Google gave no new sync token; changes are read again from the last one',
        },
      }
    : {};
}

interface CalendarPage {
  delta: Delta;
  /** Items that could not be understood. */
  quarantined: SetAside[];
  metIds: string[];
  /** Items without an id. */
  nameless: number;
  nextPageToken: string | null;
  nextSyncToken: string | null;
}

async function readPage(
  context: TurnContext,
  syncToken: string | null,
  pageToken: string | null,
  gone: readonly string[] = [],
): Promise<CalendarPage> {
  const calendar = context.google.calendar;
  if (context.lease.kind === 'calendar-list') {
    const page = await calendar.calendars({ syncToken, pageToken });
    const primary = page.items.find((entry) => entry.primary === true && entry.deleted !== true);
    if (primary?.id) await context.meetAddress(primary.id, 'list');
    return {
      ...meaningOfCalendars(page.items),
      nameless: page.nameless,
      nextPageToken: page.nextPageToken,
      nextSyncToken: page.nextSyncToken,
    };
  }
  const page = await calendar
    .events({ calendarId: context.lease.externalId, syncToken, pageToken })
    .catch((error: unknown) => {
      throw asAccessLost(error);
    });
  return {
    ...meaningOfEvents(page.items, gone),
    nameless: page.nameless,
    nextPageToken: page.nextPageToken,
    nextSyncToken: page.nextSyncToken,
  };
}
