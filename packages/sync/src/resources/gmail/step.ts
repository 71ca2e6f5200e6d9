import { unreachable } from '@syncline/runtime';
import { storable } from '@syncline/store';
import type { PendingCursor } from '../../cursor.js';
import type { GmailCursor, GmailIncremental } from './cursor.js';
import { heldStep } from '../../evidence/hold.js';
import type { Step, StepContext } from '../../step.js';
import { withoutPosition } from '../../without-position.js';
import { readCatalogue } from './catalogue.js';
import { extensionStep } from './extend-window.js';
import { fetchNamed, fetchStep } from './fetch.js';
import { meaningOfHistory } from './history-meaning.js';
import { interpretHistory, type HistoryPage, type HistoryReads } from './interpret.js';
import { listPage } from './list-page.js';
import { admit } from './mirror-policy.js';
import { hasPosition, planNext, type MailboxPlan } from './next-request.js';
import { beginFullSync, fullSyncStep } from './full-sync.js';

/**
 * The catalogue of labels is read again after this time: history has no record of renames. It costs
 * one unit.
 */
const LABELS_MAX_AGE_MS = 10 * 60_000;

/** Reads the next page of a mailbox, by its cursor. */
export function gmailStep(
  context: StepContext,
  cursor: PendingCursor | GmailCursor,
): Promise<Step> {
  const held =
    cursor.phase === 'incremental'
      ? heldStep(context, cursor, hasPosition(cursor), (token) => listIds(context, token))
      : null;
  return held ?? stepOf(context, planNext(cursor));
}

async function stepOf(context: StepContext, plan: MailboxPlan): Promise<Step> {
  switch (plan.kind) {
    case 'begin':
      return beginFullSync(context, plan.cursor);
    case 'items':
      return fullSyncStep(context, plan.cursor);
    case 'fetch':
      return fetchStep(context, plan.cursor);
    case 'extend-window':
      return (await extensionStep(context, plan.cursor)) ?? historyStep(context, plan.cursor);
    case 'history':
      return historyStep(context, plan.cursor);
    case 'without-position':
      return withoutPosition(context, plan.cursor, () =>
        beginFullSync(context, { phase: 'pending', resync: true }, false),
      );
    default:
      return unreachable(plan);
  }
}

/** Reads a page of a second listing, of which only the ids count. */
async function listIds(
  context: StepContext,
  pageToken: string | null,
): Promise<{ ids: string[]; nextPageToken: string | null } | null> {
  const page = await listPage(context, { pageToken });
  return page && { ids: page.ids.map(({ id }) => id), nextPageToken: page.nextPageToken };
}

/** Reads the next page of history, and what it requires. */
async function historyStep(context: StepContext, cursor: GmailIncremental): Promise<Step> {
  const page = await readHistory(context, cursor);
  const reads = await readForHistory(context, cursor, page);
  return interpretHistory(cursor, page, reads, {
    generation: context.generation,
    nowMs: context.rt.clock.nowMs(),
    window: context.window,
    hasFailingItems: context.lease.hasFailingItems,
    isFresh: context.listingBegunHere,
  });
}

async function readHistory(context: StepContext, cursor: GmailIncremental): Promise<HistoryPage> {
  const page = await context.google.gmail.history({
    startHistoryId: BigInt(cursor.after),
    pageToken: cursor.listing?.pageToken ?? null,
  });
  if (cursor.listing === null) context.listingBegunHere = true;
  return page;
}

/** Reads what a page of history requires under the mirror's policy. */
async function readForHistory(
  context: StepContext,
  cursor: GmailIncremental,
  page: HistoryPage,
): Promise<HistoryReads> {
  const meaning = meaningOfHistory(page.records);
  const admission = admit(context.mirror, page.records, meaning);
  const known = await context.store.mirror.knownMessages(
    context.lease.accountId,
    admission.toFetch,
    meaning.labelIds,
  );
  const toFetch = [
    ...new Set([
      ...admission.toFetch.filter((id) => !known.messages.has(id)),
      ...admission.refetch,
    ]),
  ];
  const needsCatalogue =
    meaning.labelIds.some((id) => !known.labels.has(id)) ||
    context.rt.clock.nowMs() - cursor.labelsReadAtMs > LABELS_MAX_AGE_MS;
  const labels = needsCatalogue ? (await readCatalogue(context)).labels : null;
  const fetched = isWholeHistory(cursor, page)
    ? await fetchNamed(context, cursor, toFetch.filter(storable.isId))
    : null;
  return { admission, toFetch, labels, fetched };
}

/** Whether the listing consists of this page alone, and no older mail is being fetched. */
function isWholeHistory(cursor: GmailIncremental, page: HistoryPage): boolean {
  return cursor.listing === null && !cursor.extension && page.nextPageToken === null;
}
