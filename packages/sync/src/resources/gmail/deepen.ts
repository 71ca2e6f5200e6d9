import { phaseOf } from '../../cursor.js';
import type { Deepening, GmailFollow } from './cursor.js';
import { GoogleError } from '@syncline/google';
import type { MailWindow } from '@syncline/store';
import { restFor } from '../../parking.js';
import { MAX_RESTARTS, type Turn, type TurnContext } from '../../turn.js';
import { isRefusedAlone } from '../../account-refusal.js';
import { listPage } from './list-page.js';
import { deeperWindow } from './window.js';

/*
 * The window has grown: older mail is fetched beside the following. Only the slice between the new moment and the old one is listed,
 * a page at a time; what is not stored goes to the mailbox's list and is fetched like what history names, under a listing that leaves
 * the bookmark where it is. Between two pages history is looked at, so that new mail waits for 500 old messages at most.
 *
 * Rejected: a walk to the new moment (it lists everything again, and new mail waits until it ends); remembering the slice in Redis.
 */

/** Google forgets page tokens again and again: the mailbox rests that long, and goes on then. */
const RESTLESS_MS = 15 * 60_000;

const AT_ITS_BEGINNING: Deepening = {
  pageToken: null,
  isListed: false,
  looksFirst: false,
  listed: 0,
  restarts: 0,
};

/**
 * The next page of the older slice, for a mailbox that is level.
 * @returns null when there is none, or when history comes first
 */
export async function deepenTurn(context: TurnContext, cursor: GmailFollow): Promise<Turn | null> {
  const deepening = cursor.deepening ?? AT_ITS_BEGINNING;
  const window = cursor.deepening
    ? context.window
    : deeperWindow(context.mirror, context.window, context.rt.clock.nowMs());
  if (window === null || deepening.isListed || deepening.looksFirst) return null;
  if (restsMs(context, deepening) > 0) return null;
  const page = await listOlder(context, deepening, window);
  if (page === 'endless' || page === 'unanswered')
    return listLater(context, cursor, { deepening, window, trouble: page });
  if (!page) return listAgain(context, cursor, deepening);
  const { messages: known } = await context.store.knownMessages(
    context.lease.accountId,
    page.ids.map((item) => item.id),
    [],
  );
  const wanted = page.ids.filter((item) => !known.has(item.id));
  const next = afterOlderPage(cursor, deepening, page, wanted.length);
  return {
    commit: {
      cursor: next,
      phase: phaseOf(next),
      generation: context.generation,
      progress: { done: deepening.listed + page.ids.length, total: null },
      delta: { kind: 'none' },
      walk: {
        met: wanted.map((item, i) => ({
          id: item.id,
          threadId: item.threadId,
          ordinal: BigInt(i + 1),
          wanted: true,
        })),
      },
      ...(cursor.deepening ? {} : { window }),
    },
    next: () => next,
  };
}

type ListedPage = NonNullable<Awaited<ReturnType<typeof listPage>>>;

/**
 * A list that fails says nothing of history, which is looked at next and finds out whether the
 * mailbox can be read at all.
 * @returns null when Google no longer knows the page token
 */
async function listOlder(
  context: TurnContext,
  { pageToken }: Deepening,
  { fromMs, goalMs }: MailWindow,
): Promise<ListedPage | 'endless' | 'unanswered' | null> {
  try {
    const slice = { fromMs: goalMs ?? fromMs, beforeMs: fromMs };
    return await listPage(context, { pageToken, slice });
  } catch (error) {
    if (error instanceof GoogleError && error.detail.kind === 'endless-listing') return 'endless';
    if (isRefusedAlone(error)) return 'unanswered';
    throw error;
  }
}

function afterOlderPage(
  cursor: GmailFollow,
  deepening: Deepening,
  { ids, nextPageToken }: ListedPage,
  toFetch: number,
): GmailFollow {
  return {
    ...cursor,
    listing: toFetch > 0 ? { pageToken: null, until: cursor.after } : null,
    listed: toFetch,
    fetched: 0,
    deepening: {
      pageToken: nextPageToken,
      isListed: nextPageToken === null,
      looksFirst: true,
      listed: deepening.listed + ids.length,
      restarts: toFetch > 0 ? 0 : deepening.restarts,
      // Pages of a list without an end come before it shows; of one that answers again, nothing is left.
      ...(deepening.endless && !deepening.endless.isUnanswered
        ? { endless: deepening.endless }
        : {}),
    },
  };
}

/** Google no longer knows the page token: the slice is listed from its first page again, and what is stored of it is not fetched again. */
function listAgain(context: TurnContext, cursor: GmailFollow, deepening: Deepening): Turn {
  const isRestless = deepening.restarts >= MAX_RESTARTS;
  const next: GmailFollow = {
    ...cursor,
    deepening: {
      ...AT_ITS_BEGINNING,
      looksFirst: true,
      restarts: isRestless ? 0 : deepening.restarts + 1,
    },
  };
  return {
    commit: {
      cursor: next,
      phase: phaseOf(next),
      generation: context.generation,
      delta: { kind: 'none' },
    },
    next: () => next,
    ...(isRestless
      ? {
          rest: {
            kind: 'snoozed',
            delayMs: RESTLESS_MS,
            reason: 'Google forgets the page tokens of older mail',
            counts: true,
          },
        }
      : {}),
  };
}

/**
 * The slice's list has no end, or does not answer: history goes on. After a rest that is longer each
 * time a list without an end is begun again, and one that did not answer goes on where it was.
 */
function listLater(
  context: TurnContext,
  cursor: GmailFollow,
  {
    deepening,
    window,
    trouble,
  }: { deepening: Deepening; window: MailWindow; trouble: 'endless' | 'unanswered' },
): Turn {
  const nowMs = context.rt.clock.nowMs();
  const times = deepening.endless?.times ?? 0;
  const jitter = context.rt.random.next();
  const next: GmailFollow = {
    ...cursor,
    deepening:
      trouble === 'endless'
        ? {
            ...AT_ITS_BEGINNING,
            looksFirst: true,
            endless: {
              times: times + 1,
              untilMs: nowMs + restFor('endless', 'gmail', times, jitter).delayMs,
            },
          }
        : {
            ...deepening,
            looksFirst: true,
            endless: {
              times: times + 1,
              untilMs: nowMs + unansweredRestMs(times, jitter),
              isUnanswered: true,
            },
          },
  };
  return {
    commit: {
      cursor: next,
      phase: phaseOf(next),
      generation: context.generation,
      delta: { kind: 'none' },
      ...(cursor.deepening ? {} : { window }),
    },
    next: () => next,
  };
}

const UNANSWERED_FIRST_MS = 2_000;
const UNANSWERED_CAP_MS = 60 * 60_000;

function unansweredRestMs(times: number, jitter: number): number {
  return Math.min(UNANSWERED_CAP_MS, UNANSWERED_FIRST_MS * 2 ** times) * (1 + 0.1 * jitter);
}

/** How often history is looked at while the list of the slice rests. */
const LOOK_WHILE_RESTING_MS = 60_000;

const ENDLESS_WORDS =
  "Google's list of older mail has no end; new mail goes on, and the list is begun again later";
const UNANSWERED_WORDS =
  'Google does not list older mail; new mail goes on, and the list is read on later';

/** For a mailbox that is level by history while the list of its older slice rests. */
export function restOfDeepening(
  context: TurnContext,
  { deepening }: GmailFollow,
): Pick<Turn, 'rest'> {
  const restMs = deepening ? restsMs(context, deepening) : 0;
  return restMs > 0
    ? {
        rest: {
          kind: 'snoozed',
          delayMs: Math.min(restMs, LOOK_WHILE_RESTING_MS),
          reason: deepening?.endless?.isUnanswered ? UNANSWERED_WORDS : ENDLESS_WORDS,
          counts: false,
        },
      }
    : {};
}

function restsMs(context: TurnContext, { endless }: Deepening): number {
  return (endless?.untilMs ?? 0) - context.rt.clock.nowMs();
}

/** A look at history has begun, for a mailbox that was level: the slice goes on after it, or, when all of it is fetched, is done. */
export function lookedAt(cursor: GmailFollow): GmailFollow {
  const { deepening, ...rest } = cursor;
  if (!deepening) return cursor;
  return deepening.isListed ? rest : { ...rest, deepening: { ...deepening, looksFirst: false } };
}
