import { unreachable } from '@syncline/runtime';
import {
  withListing,
  type ListingNote,
  type PendingCursor,
  type FullSyncEndState,
} from '../../cursor.js';
import {
  NO_POSITION,
  type GmailCursor,
  type GmailIncremental,
  type GmailListing,
} from './cursor.js';
import { countConfirms, lackingByCount } from '../../evidence/decide.js';
import { fullSyncEndStep } from '../../evidence/full-sync-end.js';
import { countIdlePage } from '../../idle-pages.js';
import type { Step, StepContext } from '../../step.js';
import { REQUESTED_FULL_SYNC_GAP_MS } from '../../without-position.js';
import { readCatalogue } from './catalogue.js';
import { fetchStep } from './fetch.js';
import { interpretListed } from './interpret.js';
import { listPage, type ListedPage } from './list-page.js';
import { excludedLabels } from '../../mirror-policy.js';
import { firstLabel, labelsStep, relabelStep } from './relabel.js';
import { historyIdOfNewest } from './history-id.js';
import { floorMs, reached, windowOfFullSync } from './window.js';

/*
 * The full sync, and the resync, which is a full sync over valid rows: nothing is deleted up front,
 * stored messages are not fetched again, and the price falls from 20 units a message (Google's
 * guide) to some hundredths of a unit.
 */

/**
 * Begins a full sync. The sync position is pinned before the first id is listed, so that changes
 * during the full sync are replayed after it.
 * @param isForced whether the full sync is begun because Google no longer accepts the sync position
 * or the page token
 */
export async function beginFullSync(
  context: StepContext,
  cursor: PendingCursor,
  isForced = (cursor.resync === true && cursor.isRelisting !== true) || (cursor.restarts ?? 0) > 0,
): Promise<Step> {
  const profile = context.profile ?? (await context.google.gmail.profile());
  context.profile = null;
  await context.adoptAddress(profile.emailAddress, 'profile');
  const from = profile.historyId ?? (await historyIdOfNewest(context.google.gmail));
  const { labels, deleted } = await readCatalogue(context);
  const next: GmailCursor = {
    phase: 'full',
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
      phase: 'full',
      generation: context.generation + 1,
      progress: { done: 0, total: profile.messagesTotal },
      beginsFullSync: true,
      isForced,
      window: windowOfFullSync(
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
      origin: 'full_sync',
    },
    next: () => next,
  };
}

export function fullSyncStep(
  context: StepContext,
  cursor: Extract<GmailCursor, { phase: 'full' }>,
): Promise<Step> {
  switch (cursor.step) {
    case 'list':
      return listStep(context, cursor);
    case 'labels':
      return labelsStep(context, cursor);
    case 'relabel':
      return relabelStep(context, cursor);
    case 'fetch':
      return fetchStep(context, cursor);
    case 'sweep':
    case 'hold':
    case 'clear':
      return endStep(context, cursor);
    default:
      return unreachable(cursor);
  }
}

async function listStep(context: StepContext, cursor: GmailListing): Promise<Step> {
  const page = await listPage(context, cursor);
  // Google no longer accepts the page token, which has expired: the full sync begins again, under a
  // new generation.
  if (!page)
    return beginFullSync(context, {
      phase: 'pending',
      restarts: (cursor.restarts ?? 0) + 1,
      ...(cursor.resync ? { resync: true } : {}),
    });
  const known = cursor.resync ? await storedOf(context, page) : new Set<string>();
  const next = await nextAfter(context, cursor, page);
  return interpretListed(cursor, page, { known, next, generation: context.generation });
}

/** Returns the listed messages that are stored. */
async function storedOf(context: StepContext, page: ListedPage): Promise<Set<string>> {
  const ids = page.ids.map(({ id }) => id);
  return (await context.store.mirror.knownMessages(context.lease.accountId, ids, [])).messages;
}

async function nextAfter(
  context: StepContext,
  cursor: GmailListing,
  page: ListedPage,
): Promise<GmailCursor> {
  const listed = cursor.listed + page.ids.length;
  const nameless = (cursor.listing?.nameless ?? 0) + page.nameless;
  const listing = nameless === 0 ? cursor.listing : { ...cursor.listing, nameless };
  if (!page.nextPageToken)
    return afterListing(context, { ...cursor, ...withListing(listing) }, listed);
  return {
    ...cursor,
    pageToken: page.nextPageToken,
    listed,
    idle: await countIdlePage(context, 'gmail.users.messages.list', cursor),
    ...withListing(listing),
  };
}

async function afterListing(
  context: StepContext,
  cursor: GmailListing,
  listed: number,
): Promise<GmailCursor> {
  const listing = listingOf(context, cursor, listed);
  return cursor.resync
    ? firstLabel(context, { from: cursor.from, listed, restarts: cursor.restarts ?? 0, listing })
    : { phase: 'full', step: 'fetch', from: cursor.from, listed, fetched: 0, listing };
}

/** Returns the evidence that the listing is complete. */
function listingOf(
  context: StepContext,
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

type GmailFullSyncEnd = Extract<GmailCursor, { phase: 'full' } & FullSyncEndState>;

/** The end of a full sync; see evidence/full-sync-end.ts. */
function endStep(context: StepContext, cursor: GmailFullSyncEnd): Promise<Step> {
  const { from, listing } = cursor;
  return fullSyncEndStep(context, cursor, {
    origin: 'full_sync',
    listing,
    at: (state) => ({
      phase: 'full',
      from,
      ...withListing(listing),
      ...state,
    }),
    clearing: () => (context.window.goalMs === null ? {} : { window: reached(context.window) }),
    incremental: (hold) => ({
      ...beginsIncremental(context, from),
      ...(hold === undefined ? {} : { hold }),
    }),
  });
}

function beginsIncremental(context: StepContext, from: string): GmailIncremental {
  const isLost = from === NO_POSITION;
  context.fullSyncCompleted = isLost;
  return {
    phase: 'incremental',
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
