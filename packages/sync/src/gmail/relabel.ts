import type { GmailCursor, GmailRelabelling } from '../cursor.js';
import { RELABEL_PAGE, type Turn, type TurnContext } from '../turn.js';
import { excludedLabels } from './mirror-policy.js';
import { isNoSuchList, listPage, type ListedPage } from './list-page.js';

/*
 * The labels of a resync, from listing each label's messages: 5 units for 500 of them instead of 20 for one.
 *
 * It converges since the bookmark was pinned before: a label that changes after the pin is in the history that is replayed at the
 * end, whatever its list said, and one that does not change is listed right. A message with no label is in no list and gets none.
 */

type Labels = Extract<GmailRelabelling, { step: 'labels' }>;
type Relabel = Extract<GmailRelabelling, { step: 'relabel' }>;

/** Where the labels begin; a mailbox without any goes on to the comparison. */
export function firstLabel(
  context: TurnContext,
  from: string,
  listed: number,
  restarts: number,
): Promise<GmailCursor> {
  return labelAfter(context, { from, listed, restarts }, '');
}

async function labelAfter(
  context: TurnContext,
  walk: { from: string; listed: number; restarts?: number },
  after: string,
): Promise<GmailCursor> {
  const { from, listed, restarts = 0 } = walk;
  const excluded = excludedLabels(context.mirror);
  let label = await context.store.walk.labelAfter(context.lease.accountId, after);
  // No row has a label that is excluded, and a message that got one since it was listed leaves with the history that is replayed.
  while (label !== null && excluded.includes(label))
    label = await context.store.walk.labelAfter(context.lease.accountId, label);
  return label === null
    ? { phase: 'backfill', step: 'relabel', from, listed, after: '' }
    : { phase: 'backfill', step: 'labels', from, listed, label, pageToken: null, restarts };
}

/** One page of one label's list. */
export async function labelsTurn(context: TurnContext, cursor: Labels): Promise<Turn> {
  const page = await labelPage(context, cursor);
  // A page token that Google has forgotten costs the label's list alone: what is written down of it is the same again.
  if (!page)
    return turnTo(
      context,
      { ...cursor, pageToken: null, restarts: (cursor.restarts ?? 0) + 1 },
      [],
    );
  const next =
    page.nextPageToken === null
      ? await labelAfter(context, cursor, cursor.label)
      : { ...cursor, pageToken: page.nextPageToken };
  return turnTo(
    context,
    next,
    page.ids.map((item) => item.id),
    cursor.label,
  );
}

/** Google refuses to list a label that was deleted since the catalogue was read; any other refusal must not strip the label from every row. */
async function labelPage(context: TurnContext, cursor: Labels): Promise<ListedPage | null> {
  try {
    return await listPage(context, cursor);
  } catch (error) {
    if (!isNoSuchList(error)) throw error;
    const catalogue = await context.google.gmail.labels();
    if (catalogue.some((label) => label.id === cursor.label)) throw error;
    return { ids: [], nextPageToken: null };
  }
}

function turnTo(context: TurnContext, next: GmailCursor, ids: string[], labelId = ''): Turn {
  return {
    commit: {
      cursor: next,
      phase: 'backfill',
      generation: context.generation,
      delta: { kind: 'none' },
      walk: ids.length > 0 ? { labelled: { labelId, ids } } : {},
    },
    next: () => next,
  };
}

/** Compares the next rows with what the lists said. The range is fixed before the commit, so that the commit can move the cursor past it. */
export async function relabelTurn(context: TurnContext, cursor: Relabel): Promise<Turn> {
  const { from, listed, after } = cursor;
  const upTo = await context.store.walk.relabelBound(context.lease.accountId, after, RELABEL_PAGE);
  const next: GmailCursor =
    upTo === null
      ? { phase: 'backfill', step: 'fetch', from, listed, fetched: 0 }
      : { ...cursor, after: upTo };
  return {
    commit: {
      cursor: next,
      phase: 'backfill',
      generation: context.generation,
      delta: { kind: 'none' },
      walk: upTo === null ? {} : { relabel: { after, upTo } },
    },
    next: () => next,
  };
}
