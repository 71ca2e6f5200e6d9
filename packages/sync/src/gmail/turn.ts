import { GoogleError } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import type { GmailCursor, GmailFollow, NewCursor } from '../cursor.js';
import { CLEAR_PAGE, MAX_RESTARTS, SWEEP_PAGE, type Turn, type TurnContext } from '../turn.js';
import { fetchTurn } from './fetch.js';
import { labelRow, meaningOfHistory } from './interpret.js';
import { endOfListing, isLevel, restIfLevel } from './listing.js';

/** The catalogue of labels is read again after this time: renames leave no record in history. It costs one unit. */
const LABELS_MAX_AGE_MS = 10 * 60_000;

/** The next page of a mailbox, by its cursor. */
export function gmailTurn(context: TurnContext, cursor: NewCursor | GmailCursor): Promise<Turn> {
  switch (cursor.phase) {
    case 'new':
      return beginWalk(context, cursor);
    case 'backfill':
      return walkTurn(context, cursor);
    case 'follow':
      return followTurn(context, cursor);
    default:
      return unreachable(cursor);
  }
}

/** The bookmark is pinned before the first id is listed, so what changes during the walk is replayed after it. */
async function beginWalk(context: TurnContext, cursor: NewCursor): Promise<Turn> {
  const profile = await context.google.gmail.profile();
  const labels = await context.google.gmail.labels();
  const next: GmailCursor = { phase: 'backfill', step: 'list', from: String(profile.historyId), pageToken: null, listed: 0, restarts: cursor.restarts ?? 0 };
  return {
    commit: {
      cursor: next,
      phase: 'backfill',
      generation: context.lease.generation + 1,
      progress: { done: 0, total: profile.messagesTotal },
      beginsWalk: true,
      delta: { kind: 'gmail', messages: [], labelChanges: [], deleted: [], labels: labels.map(labelRow) },
    },
    next: () => next,
  };
}

function walkTurn(context: TurnContext, cursor: Extract<GmailCursor, { phase: 'backfill' }>): Promise<Turn> {
  switch (cursor.step) {
    case 'list':
      return listTurn(context, cursor);
    case 'fetch':
      return fetchTurn(context, cursor);
    case 'sweep':
      return Promise.resolve(sweepTurn(context, cursor.from));
    case 'clear':
      return Promise.resolve(clearTurn(context, cursor.from));
    default:
      return unreachable(cursor);
  }
}

async function listTurn(context: TurnContext, cursor: Extract<GmailCursor, { step: 'list' }>): Promise<Turn> {
  const page = await context.google.gmail.listMessages({ pageToken: cursor.pageToken }).catch((error: unknown) => {
    if (error instanceof GoogleError && error.detail.kind === 'rejected' && cursor.pageToken && (cursor.restarts ?? 0) < MAX_RESTARTS) return null;
    throw error;
  });
  // Google no longer knows the page token (it rested too long): the walk begins again, under a new generation.
  if (!page) return beginWalk(context, { phase: 'new', restarts: (cursor.restarts ?? 0) + 1 });
  const listed = cursor.listed + page.ids.length;
  const next: GmailCursor = page.nextPageToken
    ? { ...cursor, pageToken: page.nextPageToken, listed }
    : { phase: 'backfill', step: 'fetch', from: cursor.from, listed, fetched: 0 };
  return {
    commit: {
      cursor: next,
      phase: 'backfill',
      generation: context.generation,
      ...(page.nextPageToken ? {} : { progress: { done: 0, total: listed } }),
      delta: { kind: 'none' },
      walk: { met: page.ids.map((item, i) => ({ id: item.id, ordinal: BigInt(cursor.listed + i + 1), wanted: true })) },
    },
    next: () => next,
  };
}

function sweepTurn(context: TurnContext, from: string): Turn {
  const again: GmailCursor = { phase: 'backfill', step: 'sweep', from };
  return {
    commit: { cursor: again, phase: 'backfill', generation: context.generation, delta: { kind: 'none' }, walk: { sweepLimit: SWEEP_PAGE } },
    next: (committed) => (committed.swept >= SWEEP_PAGE ? again : { phase: 'backfill', step: 'clear', from }),
  };
}

function clearTurn(context: TurnContext, from: string): Turn {
  const again: GmailCursor = { phase: 'backfill', step: 'clear', from };
  return {
    commit: { cursor: again, phase: 'backfill', generation: context.generation, delta: { kind: 'none' }, walk: { clearLimit: CLEAR_PAGE } },
    next: (committed) =>
      committed.cleared >= CLEAR_PAGE
        ? again
        : { phase: 'follow', after: from, listing: null, listed: 0, fetched: 0, labelsReadAtMs: context.rt.clock.nowMs() },
  };
}

async function followTurn(context: TurnContext, cursor: GmailFollow): Promise<Turn> {
  if (cursor.fetched < cursor.listed) return fetchTurn(context, cursor);
  const begun = cursor.listing === null;
  const page = await context.google.gmail.history({ startHistoryId: BigInt(cursor.after), pageToken: cursor.listing?.pageToken ?? null }).catch((error: unknown) => {
    if (error instanceof GoogleError && error.detail.kind === 'rejected' && cursor.listing?.pageToken) return null;
    throw error;
  });
  // Google no longer knows the page token; the bookmark is still good, and the listing begins again from it.
  if (!page) return followTurn(context, { ...cursor, listing: null });
  if (begun) context.listingBegunHere = true;
  const meaning = meaningOfHistory(page.records);
  const known = await context.store.knownMessages(context.lease.accountId, meaning.added, meaning.labelIds);
  const wanted = [...new Set([...meaning.added.filter((id) => !known.messages.has(id)), ...meaning.refetch])];
  const nowMs = context.rt.clock.nowMs();
  const readLabels = meaning.labelIds.some((id) => !known.labels.has(id)) || nowMs - cursor.labelsReadAtMs > LABELS_MAX_AGE_MS;
  const labels = readLabels ? (await context.google.gmail.labels()).map(labelRow) : null;
  const next = endOfListing({
    ...cursor,
    // Google's newest id is taken from the first page: what came between the pages is read once more rather than passed over.
    listing: { pageToken: page.nextPageToken, until: cursor.listing?.until ?? String(page.historyId) },
    listed: cursor.listed + wanted.length,
    ...(labels ? { labelsReadAtMs: nowMs } : {}),
  });
  return {
    commit: {
      cursor: next,
      phase: 'follow',
      generation: context.generation,
      delta: { kind: 'gmail', messages: [], labelChanges: meaning.labelChanges, deleted: meaning.deleted, labels },
      walk: {
        again: wanted.map((id, i) => ({ id, ordinal: BigInt(cursor.listed + i + 1), delayMs: 0 })),
        ...(isLevel(next) && cursor.listed > 0 ? { clearLimit: CLEAR_PAGE } : {}),
      },
    },
    next: () => next,
    ...restIfLevel(context, next),
  };
}
