import { GoogleError } from '@syncline/google';
import { must } from '@syncline/runtime';
import type { FailingItem, MessageRow, PageCommit, SetAside, PendingItem } from '@syncline/store';
import { phaseOf, withListing } from '../../cursor.js';
import type { GmailCursor, GmailIncremental } from './cursor.js';
import { later } from '../../outcome.js';
import { CLEAR_PAGE, type CrashIsolation, type Step, type StepContext } from '../../step.js';
import type { FetchedPage } from './prefetched.js';
import { isUnauthorizedOrForbidden, type Answers } from './answers.js';
import { askForWhole } from './attached-bodies.js';
import { emptyFate, fateOf, type Fate } from './fate.js';
import { endOfListing, isUnlogged, endIfCaughtUp } from './listing.js';
import { planFetch, THREAD_LIMIT, type FetchPlan } from './plan.js';
import { withSources } from './sources.js';

/*
 * The next messages of the full sync's list, fetched and stored; fate.ts decides the result of
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
  if (!first) return passTo(context, cursor, cursor.listed, emptyFate());
  if (poison !== undefined)
    return passTo(context, cursor, Number(first.ordinal), {
      ...emptyFate(),
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
        counts: false,
      },
    };
  const last = must(plan.items.at(-1), 'no last item').ordinal;
  if (answers.failed.size === 0 && context.hasTime() && !context.crashIsolation) {
    if (remainder) setPrefetched(context, last, withSources(context, remainder));
    else if (last < BigInt(cursor.listed))
      setPrefetched(context, last, fetchPage(context, last, takenUnplanned(plan, answers)));
  }
  const fate = await fateOf(context, plan, answers);
  return passTo(
    context,
    cursor,
    Number(fate.stoppedBefore === null ? last : fate.stoppedBefore - 1n),
    fate,
  );
}

/**
 * The results of messages that a page of history names, before any of them was on the mailbox's
 * list.
 */
export interface NamedFate {
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
): Promise<NamedFate | null> {
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
  const fate = await fateOf(context, plan, answers).catch(nullOfGoogle);
  if (!fate) return null;
  const done = new Set([
    ...fate.messages.map(({ id }) => id),
    ...fate.gone,
    ...fate.quarantined.map(({ id }) => id),
    ...fate.failing.map(({ id }) => id),
    ...fate.again.map(({ id }) => id),
  ]);
  const unasked = ids.filter((id) => !done.has(id)).map((id) => ({ id, delayMs: 0, attempts: 1 }));
  return {
    ...fate,
    left: [...unasked, ...fate.again.map((item) => ({ ...item, attempts: 2 }))],
    end: troubleOf(context, fate),
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
 * Returns the commit that moves the cursor to `fetched`; items that are requested again go to the
 * end of the list.
 */
function passTo(context: StepContext, cursor: FetchCursor, fetched: number, fate: Fate): Step {
  const moved = { ...cursor, fetched, listed: cursor.listed + fate.again.length };
  const next = afterFetched(moved);
  const commit: PageCommit = {
    cursor: next,
    phase: phaseOf(next),
    generation: context.generation,
    ...(cursor.phase === 'full' ? { progress: { done: fetched, total: moved.listed } } : {}),
    delta: {
      kind: 'gmail',
      messages: fate.messages,
      labelChanges: [],
      deleted: fate.gone,
      labels: null,
    },
    items: {
      again: fate.again.map((item, i) => ({
        id: item.id,
        ordinal: BigInt(cursor.listed + i + 1),
        delayMs: item.delayMs,
      })),
      dropped: fate.gone,
      quarantined: fate.quarantined,
      failing: fate.failing,
      taken: takenOf(context, fate),
      takenEarly: fate.takenEarly,
      ...(next.phase === 'incremental' && next.listing === null ? { clearLimit: CLEAR_PAGE } : {}),
    },
  };
  return {
    commit,
    next: () => next,
    unlogged: cursor.phase === 'incremental' && isUnlogged(cursor),
    ...endAfter(context, next, fate),
  };
}

/**
 * Returns the items whose failures are cleared. In a mailbox with items in quarantine these are all
 * stored messages, from whatever source.
 */
function takenOf({ lease }: StepContext, fate: Fate): string[] {
  return [
    ...(lease.hasFailingItems ? fate.messages.map(({ id }) => id) : fate.taken),
    ...fate.gone,
  ];
}

function endAfter(context: StepContext, next: GmailCursor, fate: Fate): Pick<Step, 'end'> {
  return {
    ...(next.phase === 'incremental' ? endIfCaughtUp(context, next) : {}),
    ...troubleOf(context, fate),
  };
}

function troubleOf({ lease, rt }: StepContext, { trouble, tooMany }: Fate): Pick<Step, 'end'> {
  if (tooMany) return { end: { kind: 'parked', cause: 'items' } };
  if (!trouble || isUnauthorizedOrForbidden(trouble)) return {};
  const { delayMs, reason, counts } = later(trouble.detail, lease.failures, rt.random.next());
  return { end: { kind: 'snoozed', delayMs, reason, counts } };
}
