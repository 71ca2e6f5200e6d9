import { GoogleError } from '@syncline/google';
import { must } from '@syncline/runtime';
import type { MessageRow } from '@syncline/store';
import { phaseOf, withListing, type PendingCursor } from '../../cursor.js';
import type { FailingItem, SetAside } from '../../item-failures.js';
import type { GmailCursor, GmailIncremental } from './cursor.js';
import { later } from '../../outcome.js';
import {
  CLEAR_PAGE,
  type CrashIsolation,
  type PlannedCommit,
  type Step,
  type StepContext,
} from '../../step.js';
import type { FetchedPage } from './prefetched.js';
import { isUnauthorizedOrForbidden, type Answers } from './answers.js';
import { askForWhole } from './attached-bodies.js';
import { emptyResult, resultOfPage, type PageResult } from './page-result.js';
import { endOfListing, isCaughtUp, isUnlogged, endIfCaughtUp } from './listing.js';
import { planFetch, THREAD_LIMIT, type FetchPlan, type PendingItem } from './plan.js';
import { withSources } from './sources.js';

/*
 * The next messages of the full sync's list, fetched and stored; page-result.ts decides the result of
 * each.
 */

/**
 * Items per page: two of Google's batches. Larger pages cost memory and latency and save little.
 */
const FETCH_PAGE = 40;
/**
 * Items per page when sources are fetched too: each message is requested twice, and fewer units are
 * wasted if quota ends between the two requests.
 */
const SOURCED_PAGE = 10;
type FetchCursor = Extract<GmailCursor, { step: 'fetch' }> | GmailIncremental;

export async function fetchStep(context: StepContext, cursor: FetchCursor): Promise<Step> {
  const { plan, answers, poison, remainder } = await pageAfter(context, BigInt(cursor.fetched));
  const [first] = plan.items;
  if (!first) return passTo(context, cursor, cursor.listed, emptyResult());
  if (poison !== undefined)
    return passTo(context, cursor, Number(first.ordinal), {
      ...emptyResult(),
      quarantined: [{ id: first.id, reason: poison, cause: 'crash' }],
    });
  if (!answers)
    return {
      commit: null,
      next: () => cursor,
      end: {
        kind: 'snoozed',
        delayMs: first.waitMs,
        reason: 'a message is not readable yet',
        code: 'item-unreadable',
        counts: false,
      },
    };
  const last = must(plan.items.at(-1), 'no last item').ordinal;
  if (answers.failed.size === 0 && context.hasTime() && !context.crashIsolation) {
    if (remainder) setPrefetched(context, last, withSources(context, remainder));
    else if (last < BigInt(cursor.listed))
      setPrefetched(context, last, fetchPage(context, last, takenUnplanned(plan, answers)));
  }
  const result = await resultOfPage(context, plan, answers, cursor.phase === 'full');
  return passTo(
    context,
    cursor,
    Number(result.stoppedBefore === null ? last : result.stoppedBefore - 1n),
    result,
  );
}

/**
 * The results of messages that a page of history names, before any of them was on the mailbox's
 * list.
 */
export interface NamedResult {
  messages: MessageRow[];
  gone: string[];
  quarantined: SetAside[];
  failing: FailingItem[];
  /** Items that go to the list, in order. */
  left: { id: string; delayMs: number; attempts: number }[];
  end: Pick<Step, 'end'>;
}

/**
 * Most changes are one or two messages: they are fetched at once and stored by the commit of the
 * history page, and only failed messages go to the list. Putting all of them on the list took twice
 * the number of round trips to Postgres.
 * @returns null when they have to go to the list: too many for one page, sources to be fetched too,
 * a run in crash isolation, or no result
 */
export async function fetchNamed(
  context: StepContext,
  cursor: GmailIncremental,
  ids: readonly string[],
): Promise<NamedResult | null> {
  if (
    ids.length === 0 ||
    ids.length > FETCH_PAGE ||
    context.crashIsolation ||
    context.mirror.bodies === 'raw'
  )
    return null;
  const items = ids.map((id, i): PendingItem => ({
    id,
    ordinal: BigInt(cursor.listed + i + 1),
    attempts: 1,
    waitMs: 0,
    threadId: null,
  }));
  const plan: FetchPlan = { items, messages: [...ids], threads: [] };
  const answers = await askForWhole(context.google.gmail, plan, context.mirror).catch(nullOfGoogle);
  if (!answers) return null;
  const result = await resultOfPage(context, plan, answers, false).catch(nullOfGoogle);
  if (!result) return null;
  const done = new Set([
    ...result.messages.map(({ id }) => id),
    ...result.gone,
    ...result.quarantined.map(({ id }) => id),
    ...result.failing.map(({ id }) => id),
    ...result.fetchLater.map(({ id }) => id),
  ]);
  const unasked = ids.filter((id) => !done.has(id)).map((id) => ({ id, delayMs: 0, attempts: 1 }));
  return {
    ...result,
    left: [...unasked, ...result.fetchLater.map((item) => ({ ...item, attempts: 2 }))],
    end: endAfterStop(context, result),
  };
}

/**
 * Returns null for an error of Google. The next step requests the messages again, from the list,
 * and handles its errors.
 */
function nullOfGoogle(error: unknown): null {
  if (error instanceof GoogleError) return null;
  throw error;
}

/**
 * Requests the next page while the current one is committed: the latencies of Google and Postgres
 * overlap, which nearly doubles the pace of a single mailbox. The request is already paid for, so
 * the loop does not stop before the page is stored.
 */
function setPrefetched(
  context: StepContext,
  afterOrdinal: bigint,
  page: Promise<FetchedPage>,
): void {
  page.catch(() => undefined); // Rethrown where it is awaited, unless the run fails before.
  context.prefetched = { afterOrdinal, page };
}

/**
 * Returns the page after this ordinal. A prefetched page counts only if it brought messages: an
 * empty one was read before the previous commit, which may have put items back on the list.
 */
async function pageAfter(context: StepContext, afterOrdinal: bigint): Promise<FetchedPage> {
  const { prefetched } = context;
  context.prefetched = null;
  if (prefetched?.afterOrdinal === afterOrdinal) {
    const page = await prefetched.page;
    if (page.answers !== null) return page;
  }
  return fetchPage(context, afterOrdinal, []);
}

/**
 * @param except later items that the current page brings; its commit may not have recorded them yet
 */
async function fetchPage(
  context: StepContext,
  afterOrdinal: bigint,
  except: readonly string[],
): Promise<FetchedPage> {
  const { store, lease, generation, crashIsolation } = context;
  const next = await store.items.nextPending(lease, generation, {
    afterOrdinal,
    limit: pageLimit(context),
    except,
  });
  const [first] = next;
  const alone: FetchPlan = { items: next.slice(0, 1), messages: [], threads: [] };
  if (first === undefined || first.waitMs > 0)
    return { plan: alone, answers: null, remainder: null };
  if (crashIsolation) {
    const poison = await markInFlight(context, crashIsolation, first.id);
    if (poison !== null) return { plan: alone, answers: null, remainder: null, poison };
  }
  const waiting = next.findIndex((item) => item.waitMs > 0);
  const items = waiting > 0 ? next.slice(0, waiting) : next;
  const threadIds = [...new Set(items.flatMap((item) => item.threadId ?? []))];
  // A run in crash isolation requests only the item that it has marked.
  const threads = crashIsolation
    ? []
    : await store.items.threads(lease, generation, {
        threadIds,
        afterOrdinal,
        limit: THREAD_LIMIT + 1,
        except,
      });
  const plan = planFetch(items, threads, context.google.gmail.prices);
  const answers = await askForWhole(context.google.gmail, plan, context.mirror);
  return withSources(context, { plan, answers });
}

function pageLimit({ crashIsolation, mirror }: StepContext): number {
  if (crashIsolation) return 1;
  return mirror.bodies === 'raw' ? SOURCED_PAGE : FETCH_PAGE;
}

/**
 * Returns the messages that the plan's threads brought beyond the plan's items. Messages that a
 * thread did not bring are requested in their own place on the list.
 */
function takenUnplanned(plan: FetchPlan, answers: Answers): string[] {
  const planned = new Set(plan.items.map((item) => item.id));
  return answers.messages.flatMap(({ id }) => (id && !planned.has(id) ? [id] : []));
}

/** Number of runs that an item may crash before it is quarantined. */
const MAX_ITEM_CRASHES = 3;
/**
 * Marks the item before it is requested, since a killed worker cannot record it afterwards. Returns
 * the reason when the item is to be quarantined.
 */
async function markInFlight(
  context: StepContext,
  crashIsolation: CrashIsolation,
  id: string,
): Promise<string | null> {
  const crashes = await context.store.quarantine.markInFlight(context.lease, id);
  crashIsolation.passed += 1;
  return crashes >= MAX_ITEM_CRASHES ? `it ended the worker ${crashes} times` : null;
}

/**
 * Returns the cursor after fetched items. When all items of a full sync are fetched, its sweep is
 * next.
 */
function afterFetched(cursor: FetchCursor): GmailCursor {
  if (cursor.phase === 'incremental') return endOfListing(cursor);
  if (cursor.fetched < cursor.listed) return cursor;
  return { phase: 'full', step: 'sweep', from: cursor.from, ...withListing(cursor.listing) };
}

/**
 * Begins a full sync when the list is done and a listing has to decide about stored messages, unless
 * another listing is to come anyway. Messages that the mirror holds are not fetched by it.
 */
function listedNext(next: GmailCursor, { needsListing }: PageResult): GmailCursor | PendingCursor {
  const isFree = next.phase === 'incremental' && isCaughtUp(next) && !next.hold && !next.extension;
  return needsListing && isFree ? { phase: 'pending', resync: true, isRelisting: true } : next;
}

/**
 * Returns the commit that moves the cursor to `fetched`; items that are requested again go to the
 * end of the list.
 */
function passTo(
  context: StepContext,
  cursor: FetchCursor,
  fetched: number,
  result: PageResult,
): Step {
  const moved = { ...cursor, fetched, listed: cursor.listed + result.fetchLater.length };
  const next = listedNext(afterFetched(moved), result);
  const commit: PlannedCommit = {
    cursor: next,
    phase: phaseOf(next),
    generation: context.generation,
    ...(cursor.phase === 'full' ? { progress: { done: fetched, total: moved.listed } } : {}),
    delta: {
      kind: 'gmail',
      messages: result.messages,
      labelChanges: [],
      deleted: result.gone,
      labels: null,
    },
    origin: originOf(cursor),
    items: {
      fetchLater: result.fetchLater.map((item, i) => ({
        id: item.id,
        ordinal: BigInt(cursor.listed + i + 1),
        delayMs: item.delayMs,
      })),
      dropped: result.gone,
      quarantined: result.quarantined,
      failing: result.failing,
      taken: takenOf(context, result),
      takenEarly: result.takenEarly,
      ...(next.phase === 'incremental' && next.listing === null ? { clearLimit: CLEAR_PAGE } : {}),
    },
  };
  return {
    commit,
    next: () => next,
    unlogged: cursor.phase === 'incremental' && isUnlogged(cursor),
    ...endAfter(context, next, result),
  };
}

function originOf(cursor: FetchCursor): PlannedCommit['origin'] {
  return cursor.phase === 'full' ? 'full_sync' : (cursor.listing?.origin ?? 'live');
}

/**
 * Returns the items whose failures are cleared. In a mailbox with items in quarantine these are all
 * stored messages, from whatever source.
 */
function takenOf({ lease }: StepContext, result: PageResult): string[] {
  return [
    ...(lease.hasFailingItems ? result.messages.map(({ id }) => id) : result.taken),
    ...result.gone,
  ];
}

function endAfter(
  context: StepContext,
  next: GmailCursor | PendingCursor,
  result: PageResult,
): Pick<Step, 'end'> {
  return {
    ...(next.phase === 'incremental'
      ? endIfCaughtUp(next, {
          isFresh: context.listingBegunHere,
          nowMs: context.rt.clock.nowMs(),
        })
      : {}),
    ...endAfterStop(context, result),
  };
}

function endAfterStop(
  { lease, rt }: StepContext,
  { stopError, tooMany }: PageResult,
): Pick<Step, 'end'> {
  if (tooMany) return { end: { kind: 'parked', cause: 'items' } };
  if (!stopError || isUnauthorizedOrForbidden(stopError)) return {};
  const snooze = later(stopError.detail, lease.failures, rt.random.next());
  return { end: snooze };
}
