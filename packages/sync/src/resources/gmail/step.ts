import type { Gmail, GmailHistory } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import { isStorableId, type LabelRow, type PageCommit, type ItemsDelta } from '@syncline/store';
import { phaseOf, type PendingCursor } from '../../cursor.js';
import type { GmailCursor, GmailIncremental } from './cursor.js';
import { heldStep } from '../../evidence/hold.js';
import { CLEAR_PAGE, type Step, type StepContext } from '../../step.js';
import { withoutPosition } from '../../without-position.js';
import { readCatalogue } from './catalogue.js';
import { extensionStep, checked } from './extend-window.js';
import { fetchNamed, fetchStep, type NamedFate } from './fetch.js';
import { untilAfter } from './history-id.js';
import { meaningOfHistory } from './interpret.js';
import { listPage } from './list-page.js';
import { endOfListing, isCaughtUp, endIfCaughtUp } from './listing.js';
import { admit, type Admission } from './mirror-policy.js';
import { hasPosition, planNext, type MailboxPlan } from './next-request.js';
import { beginFullSync, fullSyncStep } from './full-sync.js';
import { reached } from './window.js';

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

/** Reads the next page of history. */
async function historyStep(context: StepContext, cursor: GmailIncremental): Promise<Step> {
  const page = await readHistory(context, cursor);
  const meaning = await meaningUnderPolicy(context, cursor, page.records);
  const named = isWholeHistory(cursor, page)
    ? await fetchNamed(context, cursor, meaning.toFetch.filter(isStorableId))
    : null;
  const left = leftFor(named, meaning.toFetch);
  const next = endOfListing({
    ...(cursor.listing === null ? checked(cursor) : cursor),
    // Google's newest id is taken from the first page, so that changes between the pages are read
    // again rather than missed.
    listing: {
      pageToken: page.nextPageToken,
      until: untilAfter(cursor.after, cursor.listing?.until ?? null, page),
    },
    listed: cursor.listed + left.length,
    ...(meaning.labels ? { labelsReadAtMs: context.rt.clock.nowMs() } : {}),
  });
  const hasRecords = page.records.length > 0;
  // A sync without changes writes nothing here: `finishRun` records it, under the same epoch.
  if (!hasRecords && meaning.labels === null && staysAt(cursor, next))
    return { commit: null, next: () => next, ...endIfCaughtUp(context, next) };
  return {
    commit: historyCommit(context, cursor, next, { meaning, named, left }),
    next: () => next,
    // Gmail's history does not contain a label's new name.
    unlogged: meaning.labels !== null && !hasRecords,
    ...endIfCaughtUp(context, next),
    ...named?.end,
  };
}

type HistoryPage = Awaited<ReturnType<Gmail['history']>>;

async function readHistory(context: StepContext, cursor: GmailIncremental): Promise<HistoryPage> {
  const page = await context.google.gmail.history({
    startHistoryId: BigInt(cursor.after),
    pageToken: cursor.listing?.pageToken ?? null,
  });
  if (cursor.listing === null) context.listingBegunHere = true;
  return page;
}

/** Whether the listing consists of this page alone, and no older mail is being fetched. */
function isWholeHistory(cursor: GmailIncremental, page: HistoryPage): boolean {
  return cursor.listing === null && !cursor.extension && page.nextPageToken === null;
}

interface ReadHistory {
  meaning: MeaningUnderPolicy;
  /** Null when the messages are not fetched at once. */
  named: NamedFate | null;
  left: readonly AskedLater[];
}

function historyCommit(
  context: StepContext,
  cursor: GmailIncremental,
  next: GmailIncremental,
  { meaning: { admitted, labels }, named, left }: ReadHistory,
): PageCommit {
  return {
    cursor: next,
    phase: phaseOf(next),
    generation: context.generation,
    ...(cursor.extension && !next.extension
      ? {
          window: reached(context.window),
          progress: { done: cursor.extension.listed, total: cursor.extension.listed },
        }
      : {}),
    delta: {
      kind: 'gmail',
      messages: named?.messages ?? [],
      labelChanges: admitted.labelChanges,
      deleted: [...admitted.deleted, ...(named?.gone ?? [])],
      labels,
    },
    items: {
      again: left.map((item, i) => ({ ...item, ordinal: BigInt(cursor.listed + i + 1) })),
      ...troublesIn(context, named, admitted.deleted),
      ...(isCaughtUp(next) && cursor.listed > 0 ? { clearLimit: CLEAR_PAGE } : {}),
    },
  };
}

/** A message for the mailbox's list. */
interface AskedLater {
  id: string;
  delayMs: number;
  attempts?: number;
}

/**
 * Returns the wanted messages that go to the mailbox's list. The commit quarantines those whose ids
 * cannot be stored.
 */
function leftFor(named: NamedFate | null, toFetch: readonly string[]): AskedLater[] {
  const unasked = named ? toFetch.filter((id) => !isStorableId(id)) : toFetch;
  return [...(named?.left ?? []), ...unasked.map((id) => ({ id, delayMs: 0 }))];
}

/**
 * Storing or deleting an item ends its quarantine. The lookup is made only for a mailbox with
 * quarantined items.
 */
function troublesIn(
  { lease }: StepContext,
  named: NamedFate | null,
  deleted: readonly string[],
): Pick<ItemsDelta, 'quarantined' | 'failing' | 'taken'> {
  const stored = named?.messages.map(({ id }) => id) ?? [];
  return {
    ...(named ? { quarantined: named.quarantined, failing: named.failing } : {}),
    taken: [...(named?.gone ?? []), ...(lease.hasFailingItems ? [...stored, ...deleted] : [])],
  };
}

function staysAt(cursor: GmailIncremental, next: GmailIncremental): boolean {
  const isIdle = isCaughtUp(cursor) && !cursor.extension;
  return isIdle && isCaughtUp(next) && next.after === cursor.after;
}

interface MeaningUnderPolicy {
  admitted: Admission;
  /** Messages to be fetched. */
  toFetch: string[];
  /** The catalogue of labels, if it was read again. */
  labels: LabelRow[] | null;
}

/** Returns what a page of history requires under the mirror's policy. */
async function meaningUnderPolicy(
  context: StepContext,
  cursor: GmailIncremental,
  records: readonly GmailHistory[],
): Promise<MeaningUnderPolicy> {
  const meaning = meaningOfHistory(records);
  const admitted = admit(context.mirror, records, meaning);
  const known = await context.store.knownMessages(
    context.lease.accountId,
    admitted.toFetch,
    meaning.labelIds,
  );
  const toFetch = [
    ...new Set([...admitted.toFetch.filter((id) => !known.messages.has(id)), ...admitted.refetch]),
  ];
  const readLabels =
    meaning.labelIds.some((id) => !known.labels.has(id)) ||
    context.rt.clock.nowMs() - cursor.labelsReadAtMs > LABELS_MAX_AGE_MS;
  return {
    admitted,
    toFetch,
    labels: readLabels ? (await readCatalogue(context)).labels : null,
  };
}
