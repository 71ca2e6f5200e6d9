import type { FetchedMessages, GmailMessage, GoogleError } from '@syncline/google';
import { describeError, must } from '@syncline/runtime';
import type { MessageRow, PageCommit, WantedItem } from '@syncline/store';
import type { GmailCursor, GmailFollow } from '../cursor.js';
import { verdictOf } from '../outcome.js';
import { CLEAR_PAGE, type FetchedPage, type Turn, type TurnContext } from '../turn.js';
import { endOfListing, restIfLevel } from './listing.js';
import { parseMessage } from './parse.js';

/*
 * The next messages of the walk's list, fetched and stored. Each of them ends in exactly one way: stored, gone at the source,
 * asked for again later, quarantined with its reason, or left where it is because quota or weather stopped the page short.
 * Throttling and weather never count against an item.
 */

/** Messages a commit takes: two of Google's batches. Larger pages cost memory and latency and save little. */
const FETCH_PAGE = 40;
/**
 * A message that history or a walk's list has just named may not be readable yet; it is asked for once more after this time, and is gone then.
 * A walk needs it as much: a message older than the pinned bookmark is named by no history later.
 */
const READ_AFTER_WRITE_MS = 2_000;
const RETRY_ITEM_MS = 5_000;

type FetchCursor = Extract<GmailCursor, { step: 'fetch' }> | GmailFollow;

export async function fetchTurn(context: TurnContext, cursor: FetchCursor): Promise<Turn> {
  const { items, answer } = await pageAfter(context, BigInt(cursor.fetched));
  const [first] = items;
  if (!first) return passTo(context, cursor, cursor.listed, emptyFate());
  if (!answer) return { commit: null, next: () => cursor, rest: { kind: 'wait', delayMs: first.waitMs, why: 'a message is not readable yet', counts: false } };
  const last = must(items.at(-1), 'no last item').ordinal;
  if (answer.failed.length === 0 && last < BigInt(cursor.listed) && context.hasTime()) fetchAhead(context, last);
  const fate = fateOf(context, items, answer);
  return passTo(context, cursor, Number(fate.stoppedBefore === null ? last : fate.stoppedBefore - 1n), fate);
}

/**
 * While a page is committed the next one is already on its way: Google's latency and Postgres' overlap, which nearly doubles the
 * pace of a single mailbox. What was asked for is paid, so the loop does not stop before it is stored.
 */
function fetchAhead(context: TurnContext, afterOrdinal: bigint): void {
  const page = fetchPage(context, afterOrdinal);
  page.catch(() => undefined); // It is thrown where the page is awaited; a run that fails before that has its own error.
  context.ahead = { afterOrdinal, page };
}

function pageAfter(context: TurnContext, afterOrdinal: bigint): Promise<FetchedPage> {
  const { ahead } = context;
  context.ahead = null;
  return ahead?.afterOrdinal === afterOrdinal ? ahead.page : fetchPage(context, afterOrdinal);
}

async function fetchPage(context: TurnContext, afterOrdinal: bigint): Promise<FetchedPage> {
  const next = await context.store.nextWanted(context.lease, context.generation, afterOrdinal, FETCH_PAGE);
  if (next[0] === undefined || next[0].waitMs > 0) return { items: next.slice(0, 1), answer: null };
  const waiting = next.findIndex((item) => item.waitMs > 0);
  const items = waiting > 0 ? next.slice(0, waiting) : next;
  return { items, answer: await context.google.gmail.getMessages(items.map((item) => item.id)) };
}

interface Fate {
  messages: MessageRow[];
  gone: string[];
  again: { id: string; delayMs: number }[];
  quarantined: { id: string; reason: string }[];
  /** Items that were tried before and are stored now. */
  taken: string[];
  /** Ordinal of the first item of the tail that was not taken at all. */
  stoppedBefore: bigint | null;
  trouble: GoogleError | null;
}

function emptyFate(): Fate {
  return { messages: [], gone: [], again: [], quarantined: [], taken: [], stoppedBefore: null, trouble: null };
}

function fateOf(context: TurnContext, items: readonly WantedItem[], answer: FetchedMessages): Fate {
  const fate = emptyFate();
  const failed = new Map(answer.failed.map((f) => [f.id, f.error]));
  const missing = new Set(answer.missing);
  const tail = stoppedTail(items, failed);
  fate.stoppedBefore = tail?.ordinal ?? null;
  fate.trouble = answer.failed.find((f) => isWeather(f.error))?.error ?? null;
  for (const item of items) {
    if (tail && item.ordinal >= tail.ordinal) break;
    const error = failed.get(item.id);
    if (error && isWeather(error)) fate.again.push({ id: item.id, delayMs: RETRY_ITEM_MS });
    else if (error) fate.quarantined.push({ id: item.id, reason: error.message });
    else if (missing.has(item.id)) {
      if (item.attempts <= 1) fate.again.push({ id: item.id, delayMs: READ_AFTER_WRITE_MS });
      else fate.gone.push(item.id);
    } else if (item.attempts > 1) fate.taken.push(item.id);
  }
  for (const message of answer.messages) takeMessage(context, fate, message);
  return fate;
}

/** A message that cannot be read as one is set aside with its reason: one broken answer must not hold the mailbox. */
function takeMessage(context: TurnContext, fate: Fate, message: GmailMessage): void {
  try {
    fate.messages.push(parseMessage(message));
  } catch (error) {
    context.rt.log.warn({ event: 'message_unreadable', collectionId: context.lease.collectionId, err: error }, 'a message was quarantined');
    if (message.id) fate.quarantined.push({ id: message.id, reason: `it cannot be read: ${describeError(error)}` });
  }
}

/** When quota or weather cut the page short, everything from the first untaken item on stays where it is. */
function stoppedTail(items: readonly WantedItem[], failed: ReadonlyMap<string, GoogleError>): WantedItem | null {
  let tail: WantedItem | null = null;
  for (let i = items.length - 1; i >= 0; i--) {
    const item = must(items[i], 'no such item');
    const error = failed.get(item.id);
    if (!error || !isWeather(error)) break;
    tail = item;
  }
  return tail;
}

function isWeather(error: GoogleError): boolean {
  return error.detail.kind === 'rate-limited' || error.detail.kind === 'unavailable';
}

/** The commit that passes the cursor on to `fetched`; what is asked for again goes to the end of the list. */
function passTo(context: TurnContext, cursor: FetchCursor, fetched: number, fate: Fate): Turn {
  const moved = { ...cursor, fetched, listed: cursor.listed + fate.again.length };
  const next: GmailCursor =
    moved.phase === 'follow' ? endOfListing(moved) : moved.fetched >= moved.listed ? { phase: 'backfill', step: 'sweep', from: moved.from } : moved;
  const commit: PageCommit = {
    cursor: next,
    phase: next.phase,
    generation: context.generation,
    ...(cursor.phase === 'backfill' ? { progress: { done: fetched, total: moved.listed } } : {}),
    delta: { kind: 'gmail', messages: fate.messages, labelChanges: [], deleted: fate.gone, labels: null },
    walk: {
      again: fate.again.map((item, i) => ({ id: item.id, ordinal: BigInt(cursor.listed + i + 1), delayMs: item.delayMs })),
      dropped: fate.gone,
      quarantined: fate.quarantined,
      taken: fate.taken,
      ...(next.phase === 'follow' && next.listing === null ? { clearLimit: CLEAR_PAGE } : {}),
    },
  };
  return { commit, next: () => next, ...restAfter(context, next, fate) };
}

function restAfter(context: TurnContext, next: GmailCursor, fate: Fate): Pick<Turn, 'rest'> {
  if (fate.trouble && fate.stoppedBefore !== null) {
    const verdict = verdictOf(fate.trouble.detail, context.lease.failures, context.rt.random.next());
    if (verdict.kind === 'snooze') return { rest: { kind: 'wait', delayMs: verdict.delayMs, why: verdict.why, counts: verdict.counts } };
  }
  return next.phase === 'follow' ? restIfLevel(context, next) : {};
}
