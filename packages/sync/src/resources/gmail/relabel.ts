import { GoogleError } from '@syncline/google';
import type { PageCommit } from '@syncline/store';
import { isRefusedAlone } from '../../account-refusal.js';
import { withListing, type ListingNote } from '../../cursor.js';
import type { GmailCursor, GmailRelabelling, UnreadLists } from './cursor.js';
import { askForLabels } from './ask.js';
import {
  decideLabels,
  LABELS_CHECKED,
  MESSAGES_OF_A_LABEL,
  MESSAGES_READ_AGAIN,
  needsEvidence,
  unlistedLabels,
} from './decide-labels.js';
import { RELABEL_PAGE, type Step, type StepContext } from '../../step.js';
import { excludedLabels } from '../../mirror-policy.js';
import { isNoSuchList, listPage, type ListedPage } from './list-page.js';
import { afterFailure, tryAgainLater, untilNextTry } from './unread-label.js';

/*
 * The labels of a resync, from the list of each label's messages: 5 units for 500 of them instead
 * of 20 for one.
 *
 * The result is correct because the sync position was pinned before: a label that changes after the
 * pin is in the history that is replayed at the end, whatever its list said, and one that does not
 * change is listed correctly. A message without labels is in no list and gets none.
 *
 * A label for which no list was read stays as it is on every message, and messages that carry it
 * are read again, up to a limit. The same applies to a label whose list fails repeatedly while
 * others are answered. Where more than five messages would lose a label, some of them are
 * requested: one that still has it proves that the list was wrong, and the mailbox is listed again
 * later.
 */

type Labels = Extract<GmailRelabelling, { step: 'labels' }>;
type Relabel = Extract<GmailRelabelling, { step: 'relabel' }>;

/** The state that a resync keeps while it reads labels. */
export interface ResyncSoFar {
  from: string;
  listed: number;
  restarts?: number;
  listing?: ListingNote | undefined;
  unread?: UnreadLists;
}

/**
 * Returns the cursor at the first label; a mailbox without labels continues with the comparison.
 */
export function firstLabel(context: StepContext, items: ResyncSoFar): Promise<GmailCursor> {
  return labelAfter(context, items, '');
}

async function labelAfter(
  context: StepContext,
  items: ResyncSoFar,
  after: string,
): Promise<GmailCursor> {
  const { from, listed, restarts = 0, listing, unread } = items;
  const note = withListing(listing);
  const excluded = excludedLabels(context.mirror);
  let label = await context.store.items.labelAfter(context.lease.accountId, after);
  // No row has an excluded label, and a message that got one since it was listed is deleted by the
  // history that is replayed.
  while (label !== null && excluded.includes(label))
    label = await context.store.items.labelAfter(context.lease.accountId, label);
  return label === null
    ? { phase: 'full', step: 'relabel', from, listed, after: '', ...note }
    : {
        phase: 'full',
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

/** Reads one page of one label's list. */
export async function labelsStep(context: StepContext, cursor: Labels): Promise<Step> {
  const wait = untilNextTry(context, cursor);
  if (wait) return wait;
  const page = await labelPage(context, cursor).catch(asRefusal);
  if (page instanceof GoogleError) return unreadStep(context, cursor, page);
  // An expired page token restarts only this label's list: reading it again records the same
  // messages.
  if (!page)
    return stepWith(
      context,
      { ...cursor, pageToken: null, restarts: (cursor.restarts ?? 0) + 1 },
      {},
    );
  const next =
    page.nextPageToken === null
      ? await labelAfter(context, cursor, cursor.label)
      : { ...readOn(cursor), pageToken: page.nextPageToken };
  return stepWith(context, next, {
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

/** Clears the tries of a page that has been answered. */
function readOn({ unread, ...cursor }: Labels): Labels {
  return unread ? { ...cursor, unread: { labels: unread.labels } } : cursor;
}

/**
 * Schedules another try of the label's list, or counts the list as not read.
 * @throws GoogleError `error`, when the label is not the cause
 */
async function unreadStep(context: StepContext, cursor: Labels, error: GoogleError): Promise<Step> {
  const after = await afterFailure(context, cursor, error);
  if (after.kind === 'retry') return tryAgainLater(context, { ...cursor, unread: after.unread });
  const next = await labelAfter(context, { ...cursor, unread: after.unread }, cursor.label);
  return stepWith(context, next, {});
}

/**
 * Reads a page of a label's list. A list that Google refuses counts as empty only if the label was
 * deleted since the catalogue was read; any other refusal must not remove the label from every row.
 */
async function labelPage(context: StepContext, cursor: Labels): Promise<ListedPage | null> {
  try {
    return await listPage(context, cursor);
  } catch (error) {
    if (!isNoSuchList(error)) throw error;
    const catalogue = await context.google.gmail.labels();
    if (catalogue.some((label) => label.id === cursor.label)) throw error;
    return { ids: [], nameless: 0, nextPageToken: null };
  }
}

function stepWith(
  context: StepContext,
  next: GmailCursor,
  items: NonNullable<PageCommit['items']>,
): Step {
  return {
    commit: {
      cursor: next,
      phase: 'full',
      generation: context.generation,
      delta: { kind: 'none' },
      origin: 'full_sync',
      items,
    },
    next: () => next,
  };
}

/**
 * Compares the next rows with the lists. The range is fixed before the commit, so that the commit
 * can move the cursor past it. Before the first range, messages that would lose labels are
 * requested.
 */
export async function relabelStep(context: StepContext, cursor: Relabel): Promise<Step> {
  const { from, listed, after, listing } = cursor;
  const evidence = after === '' ? await labelEvidence(context, cursor) : null;
  if (evidence) return evidence;
  const upTo = await context.store.items.relabelBound(context.lease.accountId, after, RELABEL_PAGE);
  const excluded = excludedLabels(context.mirror);
  const next: GmailCursor =
    upTo === null ? fetchAfter({ from, listed, listing }) : { ...cursor, after: upTo };
  return stepWith(context, next, upTo === null ? {} : { relabel: { after, upTo, excluded } });
}

/** @returns null when the rows may be compared with the lists as they are */
async function labelEvidence(context: StepContext, cursor: Relabel): Promise<Step | null> {
  if (cursor.isProven) return null;
  const losses = await context.store.items.labelLosses(context.lease, context.generation, {
    excluded: excludedLabels(context.mirror),
    labels: LABELS_CHECKED,
    sample: MESSAGES_OF_A_LABEL,
    unlistedSample: MESSAGES_READ_AGAIN,
  });
  const gone = cursor.listing?.deletedLabels ?? [];
  const { readAgain, undecided } = unlistedLabels(losses);
  const asked = undecided.filter(needsEvidence);
  const ids = [...new Set(asked.flatMap(({ sample }) => sample))];
  const { messages, failed } = await askForLabels(context, ids);
  const { deleted, wrong } = decideLabels(
    undecided,
    gone,
    messages,
    failed.map(({ id }) => id),
  );
  const emptied = await withoutKnown(context, deleted);
  if (wrong.length > 0) {
    const { from, listed, listing } = cursor;
    return stepWith(
      context,
      fetchAfter({ from, listed, listing: { ...listing, isDisproved: true } }),
      {},
    );
  }
  if (ids.length + emptied.length + readAgain.length === 0) return null;
  const { listed } = cursor;
  return stepWith(
    context,
    { ...cursor, listed: listed + readAgain.length, isProven: true },
    {
      emptyLabels: emptied,
      fetchLater: readAgain.map((id, i) => ({ id, ordinal: BigInt(listed + i + 1), delayMs: 0 })),
    },
  );
}

/**
 * Leaves out labels of the catalogue. A sample suffices to remove a label that Google does not
 * name; for a label of the catalogue whose list could not be read, a sample does not decide about
 * the other messages.
 */
async function withoutKnown(context: StepContext, deleted: string[]): Promise<string[]> {
  if (deleted.length === 0) return deleted;
  const known = await context.store.items.labels(context.lease.accountId);
  const ids = new Set(known.map(({ id }) => id));
  return deleted.filter((label) => !ids.has(label));
}

function fetchAfter(items: ResyncSoFar): GmailCursor {
  const { from, listed, listing } = items;
  const note = withListing(listing);
  return { phase: 'full', step: 'fetch', from, listed, fetched: 0, ...note };
}
