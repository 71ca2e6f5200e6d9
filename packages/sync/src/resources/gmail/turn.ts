import type { Gmail, GmailHistory } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import { isStorableId, type LabelRow, type PageCommit, type WalkDelta } from '@syncline/store';
import { phaseOf, type NewCursor } from '../../cursor.js';
import type { GmailCursor, GmailFollow } from './cursor.js';
import { heldStep } from '../../evidence/hold.js';
import { CLEAR_PAGE, type Turn, type TurnContext } from '../../turn.js';
import { withoutPosition } from '../../without-position.js';
import { readCatalogue } from './catalogue.js';
import { deepenTurn, lookedAt } from './deepen.js';
import { fetchNamed, fetchTurn, type NamedFate } from './fetch.js';
import { untilAfter } from './history-id.js';
import { meaningOfHistory } from './interpret.js';
import { listPage } from './list-page.js';
import { endOfListing, isLevel, restIfLevel } from './listing.js';
import { admit, type Admission } from './mirror-policy.js';
import { hasPosition, planNext, type MailboxPlan } from './next-request.js';
import { beginWalk, walkTurn } from './walk.js';
import { reached } from './window.js';

/** The catalogue of labels is read again after this time: renames leave no record in history. It costs one unit. */
const LABELS_MAX_AGE_MS = 10 * 60_000;

/** The next page of a mailbox, by its cursor. */
export function gmailTurn(context: TurnContext, cursor: NewCursor | GmailCursor): Promise<Turn> {
  const held =
    cursor.phase === 'follow'
      ? heldStep(context, cursor, hasPosition(cursor), (token) => listIds(context, token))
      : null;
  return held ?? turnOf(context, planNext(cursor));
}

async function turnOf(context: TurnContext, plan: MailboxPlan): Promise<Turn> {
  switch (plan.kind) {
    case 'begin':
      return beginWalk(context, plan.cursor);
    case 'walk':
      return walkTurn(context, plan.cursor);
    case 'fetch':
      return fetchTurn(context, plan.cursor);
    case 'deepen':
      return (await deepenTurn(context, plan.cursor)) ?? historyTurn(context, plan.cursor);
    case 'history':
      return historyTurn(context, plan.cursor);
    case 'without-position':
      return withoutPosition(context, plan.cursor, () =>
        beginWalk(context, { phase: 'new', resync: true }, false),
      );
    default:
      return unreachable(plan);
  }
}

/** A page of a second listing, of which only the ids count. */
async function listIds(
  context: TurnContext,
  pageToken: string | null,
): Promise<{ ids: string[]; nextPageToken: string | null } | null> {
  const page = await listPage(context, { pageToken });
  return page && { ids: page.ids.map(({ id }) => id), nextPageToken: page.nextPageToken };
}

/** The next page of history. */
async function historyTurn(context: TurnContext, cursor: GmailFollow): Promise<Turn> {
  const page = await readHistory(context, cursor);
  const meaning = await meaningUnderPolicy(context, cursor, page.records);
  const named = isWholeHistory(cursor, page)
    ? await fetchNamed(context, cursor, meaning.wanted.filter(isStorableId))
    : null;
  const left = leftFor(named, meaning.wanted);
  const next = endOfListing({
    ...(cursor.listing === null ? lookedAt(cursor) : cursor),
    // Google's newest id is taken from the first page: what came between the pages is read once more rather than passed over.
    listing: {
      pageToken: page.nextPageToken,
      until: untilAfter(cursor.after, cursor.listing?.until ?? null, page),
    },
    listed: cursor.listed + left.length,
    ...(meaning.labels ? { labelsReadAtMs: context.rt.clock.nowMs() } : {}),
  });
  const hasRecords = page.records.length > 0;
  // A look without news has nothing to write: the run's settlement, under the same epoch, says that it was there.
  if (!hasRecords && meaning.labels === null && staysAt(cursor, next))
    return { commit: null, next: () => next, ...restIfLevel(context, next) };
  return {
    commit: historyCommit(context, cursor, next, { meaning, named, left }),
    next: () => next,
    // Gmail's log says nothing of a label's new name.
    unlogged: meaning.labels !== null && !hasRecords,
    ...restIfLevel(context, next),
    ...named?.rest,
  };
}

type HistoryPage = Awaited<ReturnType<Gmail['history']>>;

async function readHistory(context: TurnContext, cursor: GmailFollow): Promise<HistoryPage> {
  const page = await context.google.gmail.history({
    startHistoryId: BigInt(cursor.after),
    pageToken: cursor.listing?.pageToken ?? null,
  });
  if (cursor.listing === null) context.listingBegunHere = true;
  return page;
}

/** The listing is this page alone, and no older mail is being fetched. */
function isWholeHistory(cursor: GmailFollow, page: HistoryPage): boolean {
  return cursor.listing === null && !cursor.deepening && page.nextPageToken === null;
}

interface ReadHistory {
  meaning: MeaningUnderPolicy;
  /** Null when the messages are not fetched at once. */
  named: NamedFate | null;
  left: readonly AskedLater[];
}

function historyCommit(
  context: TurnContext,
  cursor: GmailFollow,
  next: GmailFollow,
  { meaning: { admitted, labels }, named, left }: ReadHistory,
): PageCommit {
  return {
    cursor: next,
    phase: phaseOf(next),
    generation: context.generation,
    ...(cursor.deepening && !next.deepening
      ? {
          window: reached(context.window),
          progress: { done: cursor.deepening.listed, total: cursor.deepening.listed },
        }
      : {}),
    delta: {
      kind: 'gmail',
      messages: named?.messages ?? [],
      labelChanges: admitted.labelChanges,
      deleted: [...admitted.deleted, ...(named?.gone ?? [])],
      labels,
    },
    walk: {
      again: left.map((item, i) => ({ ...item, ordinal: BigInt(cursor.listed + i + 1) })),
      ...troublesIn(context, named, admitted.deleted),
      ...(isLevel(next) && cursor.listed > 0 ? { clearLimit: CLEAR_PAGE } : {}),
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
 * What the mailbox's list has to keep of the wanted ones. The commit quarantines those whose ids
 * cannot be stored.
 */
function leftFor(named: NamedFate | null, wanted: readonly string[]): AskedLater[] {
  const unasked = named ? wanted.filter((id) => !isStorableId(id)) : wanted;
  return [...(named?.left ?? []), ...unasked.map((id) => ({ id, delayMs: 0 }))];
}

/** What is stored or gone ends an earlier quarantine; only a mailbox that has one pays for that. */
function troublesIn(
  { lease }: TurnContext,
  named: NamedFate | null,
  deleted: readonly string[],
): Pick<WalkDelta, 'quarantined' | 'failing' | 'taken'> {
  const stored = named?.messages.map(({ id }) => id) ?? [];
  return {
    ...(named ? { quarantined: named.quarantined, failing: named.failing } : {}),
    taken: [...(named?.gone ?? []), ...(lease.hasTroubled ? [...stored, ...deleted] : [])],
  };
}

function staysAt(cursor: GmailFollow, next: GmailFollow): boolean {
  const isAtRest = isLevel(cursor) && !cursor.deepening;
  return isAtRest && isLevel(next) && next.after === cursor.after;
}

interface MeaningUnderPolicy {
  admitted: Admission;
  /** Messages to be fetched. */
  wanted: string[];
  /** The catalogue of labels, where it was to be read again. */
  labels: LabelRow[] | null;
}

/** What a page of history asks for under the mirror's policy. */
async function meaningUnderPolicy(
  context: TurnContext,
  cursor: GmailFollow,
  records: readonly GmailHistory[],
): Promise<MeaningUnderPolicy> {
  const meaning = meaningOfHistory(records);
  const admitted = admit(context.mirror, records, meaning);
  const known = await context.store.knownMessages(
    context.lease.accountId,
    admitted.wanted,
    meaning.labelIds,
  );
  const wanted = [
    ...new Set([...admitted.wanted.filter((id) => !known.messages.has(id)), ...admitted.refetch]),
  ];
  const readLabels =
    meaning.labelIds.some((id) => !known.labels.has(id)) ||
    context.rt.clock.nowMs() - cursor.labelsReadAtMs > LABELS_MAX_AGE_MS;
  return {
    admitted,
    wanted,
    labels: readLabels ? (await readCatalogue(context)).labels : null,
  };
}
