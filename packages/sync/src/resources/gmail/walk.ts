import { unreachable } from '@syncline/runtime';
import { withListing, type ListingNote, type NewCursor, type TidyState } from '../../cursor.js';
import { NO_POSITION, type GmailCursor, type GmailFollow, type GmailListing } from './cursor.js';
import { countConfirms, lackingByCount } from '../../evidence/decide.js';
import { tidyTurn } from '../../evidence/tidy.js';
import type { Turn, TurnContext } from '../../turn.js';
import { REQUESTED_FULL_SYNC_GAP_MS } from '../../without-position.js';
import { readCatalogue } from './catalogue.js';
import { fetchTurn } from './fetch.js';
import { listPage } from './list-page.js';
import { excludedLabels } from '../../mirror-policy.js';
import { firstLabel, labelsTurn, relabelTurn } from './relabel.js';
import { historyIdOfNewest } from './history-id.js';
import { floorMs, reached, windowOfWalk } from './window.js';

/*
 * The full walk, and the resync, which is a walk over rows that are good already: nothing is wiped, what is stored is not
 * fetched again, and the guide's price of 20 units a message comes down to some hundredths of one.
 */

/**
 * The bookmark is pinned before the first id is listed, so what changes during the walk is replayed
 * after it.
 * @param isRemedy whether the walk is begun because Google disowned what the mailbox followed from
 */
export async function beginWalk(
  context: TurnContext,
  cursor: NewCursor,
  isRemedy = (cursor.resync === true && cursor.isRelisting !== true) || (cursor.restarts ?? 0) > 0,
): Promise<Turn> {
  const profile = context.profile ?? (await context.google.gmail.profile());
  context.profile = null;
  await context.meetAddress(profile.emailAddress, 'profile');
  const from = profile.historyId ?? (await historyIdOfNewest(context.google.gmail));
  const { labels, deleted } = await readCatalogue(context);
  const next: GmailCursor = {
    phase: 'backfill',
    step: 'list',
    from: from === null ? NO_POSITION : String(from),
    pageToken: null,
    listed: 0,
    restarts: cursor.restarts ?? 0,
    ...(cursor.resync ? { resync: true } : {}),
    listing: {
      begunAtMs: context.rt.clock.nowMs(),
      profileTotal: profile.messagesTotal,
      ...(deleted.length > 0 ? { deletedLabels: deleted } : {}),
    },
  };
  return {
    commit: {
      cursor: next,
      phase: 'backfill',
      generation: context.generation + 1,
      progress: { done: 0, total: profile.messagesTotal },
      beginsWalk: true,
      isRemedy,
      window: windowOfWalk(
        context.mirror,
        context.window,
        context.generation === 0,
        context.rt.clock.nowMs(),
      ),
      delta: {
        kind: 'gmail',
        messages: [],
        labelChanges: [],
        deleted: [],
        labels,
      },
    },
    next: () => next,
  };
}

export function walkTurn(
  context: TurnContext,
  cursor: Extract<GmailCursor, { phase: 'backfill' }>,
): Promise<Turn> {
  switch (cursor.step) {
    case 'list':
      return listTurn(context, cursor);
    case 'labels':
      return labelsTurn(context, cursor);
    case 'relabel':
      return relabelTurn(context, cursor);
    case 'fetch':
      return fetchTurn(context, cursor);
    case 'sweep':
    case 'hold':
    case 'clear':
      return endTurn(context, cursor);
    default:
      return unreachable(cursor);
  }
}

async function listTurn(context: TurnContext, cursor: GmailListing): Promise<Turn> {
  const page = await listPage(context, cursor);
  // Google no longer knows the page token (it rested too long): the walk begins again, under a new generation.
  if (!page)
    return beginWalk(context, {
      phase: 'new',
      restarts: (cursor.restarts ?? 0) + 1,
      ...(cursor.resync ? { resync: true } : {}),
    });
  const listed = cursor.listed + page.ids.length;
  const nameless = (cursor.listing?.nameless ?? 0) + page.nameless;
  const listing = nameless === 0 ? cursor.listing : { ...cursor.listing, nameless };
  const known = cursor.resync
    ? (
        await context.store.knownMessages(
          context.lease.accountId,
          page.ids.map((item) => item.id),
          [],
        )
      ).messages
    : new Set<string>();
  const next = page.nextPageToken
    ? { ...cursor, pageToken: page.nextPageToken, listed, ...withListing(listing) }
    : await afterListing(context, { ...cursor, ...withListing(listing) }, listed);
  return {
    commit: {
      cursor: next,
      phase: 'backfill',
      generation: context.generation,
      ...(page.nextPageToken ? {} : { progress: { done: 0, total: listed } }),
      delta: { kind: 'none' },
      walk: {
        met: page.ids.map((item, i) => ({
          id: item.id,
          threadId: item.threadId,
          ordinal: BigInt(cursor.listed + i + 1),
          wanted: !known.has(item.id),
        })),
      },
    },
    next: () => next,
  };
}

async function afterListing(
  context: TurnContext,
  cursor: GmailListing,
  listed: number,
): Promise<GmailCursor> {
  const listing = listingOf(context, cursor, listed);
  return cursor.resync
    ? firstLabel(context, { from: cursor.from, listed, restarts: cursor.restarts ?? 0, listing })
    : { phase: 'backfill', step: 'fetch', from: cursor.from, listed, fetched: 0, listing };
}

/** What speaks for the listing that is complete now. */
function listingOf(
  context: TurnContext,
  { listing: { begunAtMs, profileTotal, deletedLabels, nameless } = {} }: GmailListing,
  listed: number,
): ListingNote {
  const isWhole = floorMs(context.window) === 0 && excludedLabels(context.mirror).length === 0;
  const lacking = lackingByCount(profileTotal ?? null, listed, isWhole);
  return {
    begunAtMs: begunAtMs ?? context.rt.clock.nowMs(),
    ...(deletedLabels === undefined ? {} : { deletedLabels }),
    ...(countConfirms(profileTotal ?? null, listed, isWhole) ? { countConfirms: true } : {}),
    ...(lacking > 0 ? { lacking } : {}),
    ...(nameless === undefined ? {} : { nameless }),
  };
}

type GmailTidying = Extract<GmailCursor, { phase: 'backfill' } & TidyState>;

/** The end of a full sync; see evidence/tidy.ts. */
function endTurn(context: TurnContext, cursor: GmailTidying): Promise<Turn> {
  const { from, listing } = cursor;
  return tidyTurn(context, cursor, {
    listing,
    at: (state) => ({
      phase: 'backfill',
      from,
      ...withListing(listing),
      ...state,
    }),
    clearing: () => (context.window.goalMs === null ? {} : { window: reached(context.window) }),
    follow: (hold) => ({
      ...beginsToFollow(context, from),
      ...(hold === undefined ? {} : { hold }),
    }),
  });
}

function beginsToFollow(context: TurnContext, from: string): GmailFollow {
  const isLost = from === NO_POSITION;
  context.fullSyncEnded = isLost;
  return {
    phase: 'follow',
    after: from,
    listing: null,
    listed: 0,
    fetched: 0,
    labelsReadAtMs: 0,
    ...(isLost
      ? { fullSyncNotBeforeMs: context.rt.clock.nowMs() + REQUESTED_FULL_SYNC_GAP_MS }
      : {}),
  };
}
