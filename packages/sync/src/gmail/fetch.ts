import { GoogleError, type GmailMessage } from '@syncline/google';
import { describeError, must } from '@syncline/runtime';
import type { MessageRow, PageCommit, SetAside, WantedItem } from '@syncline/store';
import { phaseOf, withListing, type GmailCursor, type GmailFollow } from '../cursor.js';
import { later } from '../outcome.js';
import {
  CLEAR_PAGE,
  type Careful,
  type FetchedPage,
  type Turn,
  type TurnContext,
} from '../turn.js';
import { isAccounts, isGrants, type Answers } from './answers.js';
import { askForWhole } from './attached-bodies.js';
import { withBodies } from './bodies.js';
import { endOfListing, isUnlogged, restIfLevel } from './listing.js';
import { isKept } from './mirror-policy.js';
import { parseMessage } from './parse.js';
import { planFetch, THREAD_LIMIT, type FetchPlan } from './plan.js';
import { withSources } from './sources.js';
import { floorMs } from './window.js';

/*
 * The next messages of the walk's list, fetched and stored. Each of them ends in exactly one way: stored, gone at the source,
 * asked for again later, quarantined with its reason, or left where it is because quota or weather stopped the page short.
 * Throttling and weather never count against an item.
 */

/** Items whose turn a page takes: two of Google's batches. Larger pages cost memory and latency and save little. */
const FETCH_PAGE = 40;
/** Of messages that are asked for twice, for their sources too: when quota ends between the two, so much less is paid in vain. */
const SOURCED_PAGE = 10;
/**
 * A message that history or a walk's list has just named may not be readable yet; it is asked for once more after this time, and is gone then.
 * A walk needs it as much: a message older than the pinned bookmark is named by no history later.
 */
const READ_AFTER_WRITE_MS = 2_000;
const RETRY_ITEM_MS = 5_000;
/** About a millisecond of parsing. */
const MESSAGES_A_BREATH = 4;
/** Gmail answers "Precondition check failed" for messages that it hands out a moment later, so it takes several such answers to set one aside. */
const PRECONDITION_ATTEMPTS = 3;

type FetchCursor = Extract<GmailCursor, { step: 'fetch' }> | GmailFollow;

export async function fetchTurn(context: TurnContext, cursor: FetchCursor): Promise<Turn> {
  const { plan, answers, poison, rest } = await pageAfter(context, BigInt(cursor.fetched));
  const [first] = plan.items;
  if (!first) return passTo(context, cursor, cursor.listed, emptyFate());
  if (poison !== undefined)
    return passTo(context, cursor, Number(first.ordinal), {
      ...emptyFate(),
      quarantined: [{ id: first.id, reason: poison, retryInMs: SECOND_CHANCE_MS }],
    });
  if (!answers)
    return {
      commit: null,
      next: () => cursor,
      rest: {
        kind: 'wait',
        delayMs: first.waitMs,
        why: 'a message is not readable yet',
        counts: false,
      },
    };
  const last = must(plan.items.at(-1), 'no last item').ordinal;
  if (answers.failed.size === 0 && context.hasTime() && !context.careful) {
    if (rest) setAhead(context, last, withSources(context, rest));
    else if (last < BigInt(cursor.listed))
      setAhead(context, last, fetchPage(context, last, takenBeforeTurn(plan, answers)));
  }
  const fate = await fateOf(context, plan, answers);
  return passTo(
    context,
    cursor,
    Number(fate.stoppedBefore === null ? last : fate.stoppedBefore - 1n),
    fate,
  );
}

/** What became of messages that a page of history names, before any of them was on the mailbox's list. */
export interface NamedFate {
  messages: MessageRow[];
  gone: string[];
  quarantined: SetAside[];
  /** What the list has to keep, in order. */
  left: { id: string; delayMs: number; attempts: number }[];
  rest: Pick<Turn, 'rest'>;
}

/**
 * Most changes are a message or two: they are fetched at once and stored by the commit that passes the page, and the list only takes what there is
 * trouble with. Half the exchanges with Postgres of a change went by way of the list.
 * @returns null when they have to go by the list: too many for one page, sources to be fetched too, a careful run, or nothing was to be had
 */
export async function fetchNamed(
  context: TurnContext,
  cursor: GmailFollow,
  ids: readonly string[],
): Promise<NamedFate | null> {
  if (
    ids.length === 0 ||
    ids.length > FETCH_PAGE ||
    context.careful ||
    context.mirror.bodies === 'raw'
  )
    return null;
  const items = ids.map((id, i): WantedItem => ({
    id,
    ordinal: BigInt(cursor.listed + i + 1),
    attempts: 1,
    waitMs: 0,
    threadId: null,
  }));
  const plan: FetchPlan = { items, messages: [...ids], threads: [] };
  const answers = await askForWhole(context.google.gmail, plan, context.mirror).catch(
    (error: unknown) => {
      // The next turn asks again, by the list, and judges what it is told then.
      if (error instanceof GoogleError) return null;
      throw error;
    },
  );
  if (!answers) return null;
  const fate = await fateOf(context, plan, answers);
  const done = new Set([
    ...fate.messages.map(({ id }) => id),
    ...fate.gone,
    ...fate.quarantined.map(({ id }) => id),
    ...fate.again.map(({ id }) => id),
  ]);
  const unasked = ids.filter((id) => !done.has(id)).map((id) => ({ id, delayMs: 0, attempts: 1 }));
  return {
    ...fate,
    left: [...unasked, ...fate.again.map((item) => ({ ...item, attempts: 2 }))],
    rest: troubleOf(context, fate),
  };
}

/**
 * While a page is committed the next one is already on its way: Google's latency and Postgres' overlap, which nearly doubles the
 * pace of a single mailbox. What was asked for is paid, so the loop does not stop before it is stored.
 */
function setAhead(context: TurnContext, afterOrdinal: bigint, page: Promise<FetchedPage>): void {
  page.catch(() => undefined); // It is thrown where the page is awaited; a run that fails before that has its own error.
  context.ahead = { afterOrdinal, page };
}

/**
 * A page that was asked for ahead counts only for what it brings: that there was nothing to fetch is older than the commit before it,
 * which may have put items back on the list.
 */
async function pageAfter(context: TurnContext, afterOrdinal: bigint): Promise<FetchedPage> {
  const { ahead } = context;
  context.ahead = null;
  if (ahead?.afterOrdinal === afterOrdinal) {
    const page = await ahead.page;
    if (page.answers !== null) return page;
  }
  return fetchPage(context, afterOrdinal, []);
}

/** @param except what the page in hand brings of later items: its commit, which says so, may not be there yet */
async function fetchPage(
  context: TurnContext,
  afterOrdinal: bigint,
  except: readonly string[],
): Promise<FetchedPage> {
  const { store, lease, generation, careful } = context;
  const next = await store.walk.nextWanted(lease, generation, {
    afterOrdinal,
    limit: pageLimit(context),
    except,
  });
  const [first] = next;
  const alone: FetchPlan = { items: next.slice(0, 1), messages: [], threads: [] };
  if (first === undefined || first.waitMs > 0) return { plan: alone, answers: null, rest: null };
  if (careful) {
    const poison = await poisonOf(context, careful, first.id);
    if (poison !== null) return { plan: alone, answers: null, rest: null, poison };
  }
  const waiting = next.findIndex((item) => item.waitMs > 0);
  const items = waiting > 0 ? next.slice(0, waiting) : next;
  const threadIds = [...new Set(items.flatMap((item) => item.threadId ?? []))];
  // A careful run takes nothing but the item that it has marked.
  const threads = careful
    ? []
    : await store.walk.threads(lease, generation, {
        threadIds,
        afterOrdinal,
        limit: THREAD_LIMIT + 1,
        except,
      });
  const plan = planFetch(items, threads, context.google.gmail.prices);
  const answers = await askForWhole(context.google.gmail, plan, context.mirror);
  return withSources(context, { plan, answers });
}

function pageLimit({ careful, mirror }: TurnContext): number {
  if (careful) return 1;
  return mirror.bodies === 'raw' ? SOURCED_PAGE : FETCH_PAGE;
}

/** What the plan's threads have brought besides the items whose turn it is. What they were asked for and did not bring is left to its turn. */
function takenBeforeTurn(plan: FetchPlan, answers: Answers): string[] {
  const inTurn = new Set(plan.items.map((item) => item.id));
  return answers.messages.flatMap(({ id }) => (id && !inTurn.has(id) ? [id] : []));
}

/** Runs that an item may end before it is set aside. */
const MAX_ITEM_CRASHES = 3;
/** Workers die of other things too: where one was killed every five seconds, an item or two of 500 mailboxes were in hand three times by chance. */
const SECOND_CHANCE_MS = 60_000;

/** The mark is written before the item is asked for, since whoever it kills can say nothing afterwards. */
async function poisonOf(
  context: TurnContext,
  careful: Careful,
  id: string,
): Promise<string | null> {
  const crashes = await context.store.quarantine.markInFlight(context.lease, id);
  careful.passed += 1;
  return crashes >= MAX_ITEM_CRASHES ? `it ended the worker ${crashes} times` : null;
}

interface Fate {
  messages: MessageRow[];
  gone: string[];
  again: { id: string; delayMs: number }[];
  quarantined: SetAside[];
  /** Items that were tried before and are stored now. */
  taken: string[];
  /** Items that are stored although the cursor stops before them. */
  takenEarly: string[];
  /** Ordinal of the first item that quota or weather left where it is. */
  stoppedBefore: bigint | null;
  trouble: GoogleError | null;
}

function emptyFate(): Fate {
  return {
    messages: [],
    gone: [],
    again: [],
    quarantined: [],
    taken: [],
    takenEarly: [],
    stoppedBefore: null,
    trouble: null,
  };
}

async function fateOf(context: TurnContext, plan: FetchPlan, answers: Answers): Promise<Fate> {
  const fate = emptyFate();
  const stop = firstLeft(plan.items, answers.failed);
  fate.stoppedBefore = stop?.ordinal ?? null;
  fate.trouble = stop ? (answers.failed.get(stop.id) ?? null) : null;
  const passed = new Set<string>();
  for (const item of plan.items) {
    if (stop && item.ordinal >= stop.ordinal) break;
    passed.add(item.id);
    passItem(fate, item, answers);
  }
  for (const [i, message] of answers.messages.entries()) {
    if (i > 0 && i % MESSAGES_A_BREATH === 0) await context.rt.breath.breathe();
    takeMessage(context, fate, message, answers);
    if (message.id && !passed.has(message.id)) fate.takenEarly.push(message.id);
  }
  return fate;
}

/** The fate of an item that the cursor passes. */
function passItem(fate: Fate, item: WantedItem, answers: Answers): void {
  const error = answers.failed.get(item.id);
  if (error && (isWeather(error) || mayPass(error, item)))
    fate.again.push({ id: item.id, delayMs: RETRY_ITEM_MS });
  else if (error) fate.quarantined.push({ id: item.id, reason: error.message });
  else if (answers.unnamed.has(item.id)) fate.again.push({ id: item.id, delayMs: 0 });
  else if (answers.missing.has(item.id)) {
    if (item.attempts <= 1) fate.again.push({ id: item.id, delayMs: READ_AFTER_WRITE_MS });
    else fate.gone.push(item.id);
  } else if (item.attempts > 1) fate.taken.push(item.id);
}

/** A message that cannot be read as one is set aside with its reason: one broken answer must not hold the mailbox. */
function takeMessage(
  context: TurnContext,
  fate: Fate,
  message: GmailMessage,
  { sources }: Answers,
): void {
  if (message.id && !isKept(context.mirror, floorMs(context.window), message))
    return void fate.gone.push(message.id);
  try {
    fate.messages.push(
      withBodies(parseMessage(message), context.mirror, sources.get(message.id ?? '') ?? null),
    );
  } catch (error) {
    context.rt.log.warn(
      { event: 'message_unreadable', collectionId: context.lease.collectionId, err: error },
      'a message was quarantined',
    );
    if (message.id)
      fate.quarantined.push({
        id: message.id,
        reason: `it cannot be read: ${describeError(error)}`,
      });
  }
}

/**
 * Where the cursor stops: at the first item that the account's quota or grant kept back, or at the first of those at the end that
 * weather did. Weather in the middle is one item's own: it goes to the end of the list, so that one bad message holds nobody.
 */
function firstLeft(
  items: readonly WantedItem[],
  failed: ReadonlyMap<string, GoogleError>,
): WantedItem | null {
  const refused = items.find((item) => {
    const error = failed.get(item.id);
    return error !== undefined && isAccounts(error);
  });
  if (refused) return refused;
  let tail: WantedItem | null = null;
  for (const item of items.toReversed()) {
    const error = failed.get(item.id);
    if (!error || !isWeather(error)) break;
    tail = item;
  }
  return tail;
}

function isWeather(error: GoogleError): boolean {
  return error.detail.kind === 'unavailable';
}

function mayPass({ detail }: GoogleError, item: WantedItem): boolean {
  return (
    detail.kind === 'rejected' &&
    detail.reason === 'failedPrecondition' &&
    item.attempts < PRECONDITION_ATTEMPTS
  );
}

/** The commit that passes the cursor on to `fetched`; what is asked for again goes to the end of the list. */
function passTo(context: TurnContext, cursor: FetchCursor, fetched: number, fate: Fate): Turn {
  const moved = { ...cursor, fetched, listed: cursor.listed + fate.again.length };
  const next: GmailCursor =
    moved.phase === 'follow'
      ? endOfListing(moved)
      : moved.fetched >= moved.listed
        ? { phase: 'backfill', step: 'sweep', from: moved.from, ...withListing(moved.listing) }
        : moved;
  const commit: PageCommit = {
    cursor: next,
    phase: phaseOf(next),
    generation: context.generation,
    ...(cursor.phase === 'backfill' ? { progress: { done: fetched, total: moved.listed } } : {}),
    delta: {
      kind: 'gmail',
      messages: fate.messages,
      labelChanges: [],
      deleted: fate.gone,
      labels: null,
    },
    walk: {
      again: fate.again.map((item, i) => ({
        id: item.id,
        ordinal: BigInt(cursor.listed + i + 1),
        delayMs: item.delayMs,
      })),
      dropped: fate.gone,
      quarantined: fate.quarantined,
      taken: [...fate.taken, ...fate.gone],
      takenEarly: fate.takenEarly,
      ...(next.phase === 'follow' && next.listing === null ? { clearLimit: CLEAR_PAGE } : {}),
    },
  };
  return {
    commit,
    next: () => next,
    unlogged: cursor.phase === 'follow' && isUnlogged(cursor),
    ...restAfter(context, next, fate),
  };
}

function restAfter(context: TurnContext, next: GmailCursor, fate: Fate): Pick<Turn, 'rest'> {
  return {
    ...(next.phase === 'follow' ? restIfLevel(context, next) : {}),
    ...troubleOf(context, fate),
  };
}

function troubleOf({ lease, rt }: TurnContext, { trouble }: Fate): Pick<Turn, 'rest'> {
  if (!trouble || isGrants(trouble)) return {};
  const { delayMs, why, counts } = later(trouble.detail, lease.failures, rt.random.next());
  return { rest: { kind: 'wait', delayMs, why, counts } };
}
