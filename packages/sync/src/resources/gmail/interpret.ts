import type { Gmail } from '@syncline/google';
import { storable, type PageCommit, type LabelRow, type Lease } from '@syncline/store';
import { phaseOf } from '../../cursor.js';
import { CLEAR_PAGE, type PlannedCommit, type Step } from '../../step.js';
import type { GmailCursor, GmailIncremental, GmailListing } from './cursor.js';
import { checked } from './extend-window.js';
import type { NamedResult } from './fetch.js';
import { untilAfter } from './history-id.js';
import type { ListedPage } from './list-page.js';
import { endIfCaughtUp, endOfListing, isCaughtUp } from './listing.js';
import type { Admission } from './mirror-policy.js';
import { reached } from './window.js';

/* The meaning of a page for the cursor and the mirror. Pure. */

export type HistoryPage = Awaited<ReturnType<Gmail['history']>>;

/** What a page of history requires under the mirror's policy, and what was read because of it. */
export interface HistoryReads {
  admission: Admission;
  /** Messages to be fetched. */
  toFetch: string[];
  /** The catalogue of labels, if it was read again. */
  labels: LabelRow[] | null;
  /** The messages that were fetched at once; null when all of them go to the mailbox's list. */
  fetched: NamedResult | null;
}

/** The state beside the cursor that the meaning of a page of history depends on. */
export interface HistoryState {
  generation: number;
  nowMs: number;
  window: Lease['window'];
  hasFailingItems: boolean;
  /** The listing began in this run. */
  isFresh: boolean;
}

/** Interprets a page of history. */
export function interpretHistory(
  cursor: GmailIncremental,
  page: HistoryPage,
  reads: HistoryReads,
  state: HistoryState,
): Step {
  const { labels, fetched } = reads;
  const toList = itemsToList(reads);
  const next = afterHistory(cursor, page, toList.length, labels === null ? null : state.nowMs);
  const end = endIfCaughtUp(next, state);
  const hasRecords = page.records.length > 0;
  // A sync without changes writes nothing here: `finishRun` records it, under the same epoch.
  if (!hasRecords && labels === null && staysAt(cursor, next))
    return { commit: null, next: () => next, ...end };
  return {
    commit: historyCommit(cursor, next, toList, reads, state),
    next: () => next,
    // Gmail's history does not contain a label's new name.
    unlogged: labels !== null && !hasRecords,
    ...end,
    ...fetched?.end,
  };
}

/**
 * Interprets a page of the list of a full sync.
 * @param known the listed messages that are stored
 */
export function interpretListed(
  cursor: GmailListing,
  page: ListedPage,
  {
    known,
    next,
    generation,
  }: { known: ReadonlySet<string>; next: GmailCursor; generation: number },
): Step {
  const listed = cursor.listed + page.ids.length;
  return {
    commit: {
      cursor: next,
      phase: 'full',
      generation,
      ...(page.nextPageToken ? {} : { progress: { done: 0, total: listed } }),
      delta: { kind: 'none' },
      origin: 'full_sync',
      items: {
        listed: page.ids.map(({ id, threadId }, i) => ({
          id,
          threadId,
          ordinal: BigInt(cursor.listed + i + 1),
          pending: !known.has(id),
        })),
      },
    },
    next: () => next,
  };
}

/** A message for the mailbox's list. */
interface ItemToList {
  id: string;
  delayMs: number;
  attempts?: number;
}

/**
 * Returns the messages that go to the mailbox's list. The commit quarantines those whose ids cannot
 * be stored.
 */
function itemsToList({ fetched, toFetch }: HistoryReads): ItemToList[] {
  const unasked = fetched ? toFetch.filter((id) => !storable.isId(id)) : toFetch;
  return [...(fetched?.left ?? []), ...unasked.map((id) => ({ id, delayMs: 0 }))];
}

function afterHistory(
  cursor: GmailIncremental,
  page: HistoryPage,
  added: number,
  labelsReadAtMs: number | null,
): GmailIncremental {
  return endOfListing({
    ...(cursor.listing === null ? checked(cursor) : cursor),
    // Google's newest id is taken from the first page, so that changes between the pages are read
    // again rather than missed.
    listing: {
      pageToken: page.nextPageToken,
      until: untilAfter(cursor.after, cursor.listing?.until ?? null, page),
    },
    listed: cursor.listed + added,
    ...(labelsReadAtMs === null ? {} : { labelsReadAtMs }),
  });
}

function historyCommit(
  cursor: GmailIncremental,
  next: GmailIncremental,
  toList: readonly ItemToList[],
  { admission, labels, fetched }: HistoryReads,
  { generation, window, hasFailingItems }: HistoryState,
): PlannedCommit {
  return {
    cursor: next,
    phase: phaseOf(next),
    generation,
    ...(cursor.extension && !next.extension
      ? {
          window: reached(window),
          progress: { done: cursor.extension.listed, total: cursor.extension.listed },
        }
      : {}),
    delta: {
      kind: 'gmail',
      messages: fetched?.messages ?? [],
      labelChanges: admission.labelChanges,
      deleted: [...admission.deleted, ...(fetched?.gone ?? [])],
      labels,
    },
    origin: 'live',
    items: {
      fetchLater: toList.map((item, i) => ({ ...item, ordinal: BigInt(cursor.listed + i + 1) })),
      ...failuresOf(fetched, hasFailingItems ? admission.deleted : null),
      ...(isCaughtUp(next) && cursor.listed > 0 ? { clearLimit: CLEAR_PAGE } : {}),
    },
  };
}

/**
 * Storing or deleting an item ends its quarantine. The lookup is made only for a mailbox with
 * failing items.
 * @param deleted the deleted messages; null for a mailbox without failing items
 */
function failuresOf(
  fetched: NamedResult | null,
  deleted: readonly string[] | null,
): Pick<NonNullable<PageCommit['items']>, 'quarantined' | 'failing' | 'taken'> {
  const stored = fetched?.messages.map(({ id }) => id) ?? [];
  return {
    ...(fetched ? { quarantined: fetched.quarantined, failing: fetched.failing } : {}),
    taken: [...(fetched?.gone ?? []), ...(deleted === null ? [] : [...stored, ...deleted])],
  };
}

function staysAt(cursor: GmailIncremental, next: GmailIncremental): boolean {
  const isIdle = isCaughtUp(cursor) && !cursor.extension;
  return isIdle && isCaughtUp(next) && next.after === cursor.after;
}
