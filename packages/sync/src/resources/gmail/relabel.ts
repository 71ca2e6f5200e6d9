import { GoogleError } from '@syncline/google';
import type { WalkDelta } from '@syncline/store';
import { isRefusedAlone } from '../../account-refusal.js';
import { withListing, type ListingNote } from '../../cursor.js';
import type { GmailCursor, GmailRelabelling, UnreadLists } from './cursor.js';
import { askForLabels } from './ask.js';
import {
  judgeLabels,
  LABELS_LOOKED_AT,
  MESSAGES_OF_A_LABEL,
  MESSAGES_READ_AGAIN,
  needsEvidence,
  unlistedLabels,
} from './judge-labels.js';
import { RELABEL_PAGE, type Turn, type TurnContext } from '../../turn.js';
import { excludedLabels } from '../../mirror-policy.js';
import { isNoSuchList, listPage, type ListedPage } from './list-page.js';
import { afterFailure, tryAgainLater, untilNextTry } from './unread-label.js';

/*
 * The labels of a resync, from listing each label's messages: 5 units for 500 of them instead of 20
 * for one.
 *
 * It converges since the bookmark was pinned before: a label that changes after the pin is in the
 * history that is replayed at the end, whatever its list said, and one that does not change is
 * listed right. A message with no label is in no list and gets none.
 *
 * A label that no list was read for is left as it is on every message, and messages that carry it
 * are read again, up to a limit. So is a label whose list fails again and again while others answer.
 * Where more than five messages would lose a label, some of them are asked for: one that still has
 * it says that the list was wrong, and the mailbox is listed again later.
 */

type Labels = Extract<GmailRelabelling, { step: 'labels' }>;
type Relabel = Extract<GmailRelabelling, { step: 'relabel' }>;

/** What a resync carries through its labels. */
export interface ResyncSoFar {
  from: string;
  listed: number;
  restarts?: number;
  listing?: ListingNote | undefined;
  unread?: UnreadLists;
}

/** Where the labels begin; a mailbox without any goes on to the comparison. */
export function firstLabel(context: TurnContext, walk: ResyncSoFar): Promise<GmailCursor> {
  return labelAfter(context, walk, '');
}

async function labelAfter(
  context: TurnContext,
  walk: ResyncSoFar,
  after: string,
): Promise<GmailCursor> {
  const { from, listed, restarts = 0, listing, unread } = walk;
  const note = withListing(listing);
  const excluded = excludedLabels(context.mirror);
  let label = await context.store.walk.labelAfter(context.lease.accountId, after);
  // No row has a label that is excluded, and a message that got one since it was listed leaves with the history that is replayed.
  while (label !== null && excluded.includes(label))
    label = await context.store.walk.labelAfter(context.lease.accountId, label);
  return label === null
    ? { phase: 'backfill', step: 'relabel', from, listed, after: '', ...note }
    : {
        phase: 'backfill',
        step: 'labels',
        from,
        listed,
        label,
        pageToken: null,
        restarts,
        ...note,
        ...(unread ? { unread: { labels: unread.labels } } : {}),
      };
}

/** One page of one label's list. */
export async function labelsTurn(context: TurnContext, cursor: Labels): Promise<Turn> {
  const wait = untilNextTry(context, cursor);
  if (wait) return wait;
  const page = await labelPage(context, cursor).catch(asRefusal);
  if (page instanceof GoogleError) return unreadTurn(context, cursor, page);
  // A page token that Google has forgotten costs the label's list alone: what is written down of it is the same again.
  if (!page)
    return turnWith(
      context,
      { ...cursor, pageToken: null, restarts: (cursor.restarts ?? 0) + 1 },
      {},
    );
  const next =
    page.nextPageToken === null
      ? await labelAfter(context, cursor, cursor.label)
      : { ...readOn(cursor), pageToken: page.nextPageToken };
  return turnWith(context, next, {
    labelled: {
      labelId: cursor.label,
      ids: page.ids.map((item) => item.id),
      isComplete: page.nextPageToken === null,
    },
  });
}

function asRefusal(error: unknown): GoogleError {
  if (isRefusedAlone(error)) return error;
  throw error;
}

/** The tries of a page that has answered are over. */
function readOn({ unread, ...cursor }: Labels): Labels {
  return unread ? { ...cursor, unread: { labels: unread.labels } } : cursor;
}

/** The label's list is tried again later, or counts as not read. @throws GoogleError `error`, when it is not the label's own */
async function unreadTurn(context: TurnContext, cursor: Labels, error: GoogleError): Promise<Turn> {
  const after = await afterFailure(context, cursor, error);
  if (after.kind === 'again') return tryAgainLater(context, { ...cursor, unread: after.unread });
  const next = await labelAfter(context, { ...cursor, unread: after.unread }, cursor.label);
  return turnWith(context, next, {});
}

/** Google refuses to list a label that was deleted since the catalogue was read; any other refusal must not strip the label from every row. */
async function labelPage(context: TurnContext, cursor: Labels): Promise<ListedPage | null> {
  try {
    return await listPage(context, cursor);
  } catch (error) {
    if (!isNoSuchList(error)) throw error;
    const catalogue = await context.google.gmail.labels();
    if (catalogue.some((label) => label.id === cursor.label)) throw error;
    return { ids: [], nameless: 0, nextPageToken: null };
  }
}

function turnWith(context: TurnContext, next: GmailCursor, walk: WalkDelta): Turn {
  return {
    commit: {
      cursor: next,
      phase: 'backfill',
      generation: context.generation,
      delta: { kind: 'none' },
      walk,
    },
    next: () => next,
  };
}

/**
 * Compares the next rows with what the lists said. The range is fixed before the commit, so that
 * the commit can move the cursor past it. Before the first range, messages that would lose labels
 * are asked for.
 */
export async function relabelTurn(context: TurnContext, cursor: Relabel): Promise<Turn> {
  const { from, listed, after, listing } = cursor;
  const evidence = after === '' ? await labelEvidence(context, cursor) : null;
  if (evidence) return evidence;
  const upTo = await context.store.walk.relabelBound(context.lease.accountId, after, RELABEL_PAGE);
  const excluded = excludedLabels(context.mirror);
  const next: GmailCursor =
    upTo === null ? fetchAfter({ from, listed, listing }) : { ...cursor, after: upTo };
  return turnWith(context, next, upTo === null ? {} : { relabel: { after, upTo, excluded } });
}

/** @returns null when the rows may be compared with the lists as they are */
async function labelEvidence(context: TurnContext, cursor: Relabel): Promise<Turn | null> {
  if (cursor.isProven) return null;
  const losses = await context.store.walk.labelLosses(context.lease, context.generation, {
    excluded: excludedLabels(context.mirror),
    labels: LABELS_LOOKED_AT,
    sample: MESSAGES_OF_A_LABEL,
    unlistedSample: MESSAGES_READ_AGAIN,
  });
  const gone = cursor.listing?.deletedLabels ?? [];
  const { readAgain, toJudge } = unlistedLabels(losses);
  const asked = toJudge.filter(needsEvidence);
  const ids = [...new Set(asked.flatMap(({ sample }) => sample))];
  const { messages, failed } = await askForLabels(context, ids);
  const { deleted, wrong } = judgeLabels(
    toJudge,
    gone,
    messages,
    failed.map(({ id }) => id),
  );
  const emptied = await withoutKnown(context, deleted);
  if (wrong.length > 0) {
    const { from, listed, listing } = cursor;
    return turnWith(
      context,
      fetchAfter({ from, listed, listing: { ...listing, isDisproved: true } }),
      {},
    );
  }
  if (ids.length + emptied.length + readAgain.length === 0) return null;
  const { listed } = cursor;
  return turnWith(
    context,
    { ...cursor, listed: listed + readAgain.length, isProven: true },
    {
      emptyLabels: emptied,
      again: readAgain.map((id, i) => ({ id, ordinal: BigInt(listed + i + 1), delayMs: 0 })),
    },
  );
}

/**
 * A sample is enough to take away a label that Google does not name. One of the catalogue stays:
 * that its list could not be read says nothing of the messages that were not asked for.
 */
async function withoutKnown(context: TurnContext, deleted: string[]): Promise<string[]> {
  if (deleted.length === 0) return deleted;
  const known = await context.store.walk.labels(context.lease.accountId);
  const ids = new Set(known.map(({ id }) => id));
  return deleted.filter((label) => !ids.has(label));
}

function fetchAfter(walk: ResyncSoFar): GmailCursor {
  const { from, listed, listing } = walk;
  const note = withListing(listing);
  return { phase: 'backfill', step: 'fetch', from, listed, fetched: 0, ...note };
}
