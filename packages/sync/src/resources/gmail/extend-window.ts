import { phaseOf } from '../../cursor.js';
import type { WindowExtension, GmailIncremental } from './cursor.js';
import { GoogleError } from '@syncline/google';
import type { Lease } from '@syncline/store';
import { parkedFor } from '../../parking.js';
import { MAX_RESTARTS, type Step, type StepContext } from '../../step.js';
import { isRefusedAlone } from '../../account-refusal.js';
import { listPage } from './list-page.js';
import { extendedWindow } from './window.js';

/*
 * Extends the window: older mail is fetched beside incremental syncs. Only the slice between the
 * new and the old start of the window is listed, a page at a time. Messages that are not stored go
 * to the mailbox's list and are fetched like those that history names, under a listing that does
 * not move the sync position. Between two pages history is read, so that new mail waits for at most
 * 500 old messages.
 *
 * Rejected: a full sync from the new start (it lists everything again, and new mail waits until it
 * ends); keeping the slice in Redis.
 */

/** The pause after Google has rejected page tokens repeatedly. */
const REJECTED_TOKENS_PAUSE_MS = 15 * 60_000;

const AT_ITS_BEGINNING: WindowExtension = {
  pageToken: null,
  isListed: false,
  incrementalFirst: false,
  listed: 0,
  restarts: 0,
};

/**
 * Lists the next page of the older slice, for a mailbox that is caught up.
 * @returns null when there is none, or when history is read first
 */
export async function extensionStep(
  context: StepContext,
  cursor: GmailIncremental,
): Promise<Step | null> {
  const extension = cursor.extension ?? AT_ITS_BEGINNING;
  const window = cursor.extension
    ? context.window
    : extendedWindow(context.mirror, context.window, context.rt.clock.nowMs());
  if (window === null || extension.isListed || extension.incrementalFirst) return null;
  if (untilListMs(extension, context.rt.clock.nowMs()) > 0) return null;
  const page = await listOlder(context, extension, window);
  if (page === 'endless' || page === 'unanswered')
    return listLater(context, cursor, { extension, window, cause: page });
  if (!page) return listAgain(context, cursor, extension);
  const { messages: known } = await context.store.mirror.knownMessages(
    context.lease.accountId,
    page.ids.map((item) => item.id),
    [],
  );
  const pending = page.ids.filter((item) => !known.has(item.id));
  const next = afterOlderPage(cursor, extension, page, pending.length);
  return {
    commit: {
      cursor: next,
      phase: phaseOf(next),
      generation: context.generation,
      progress: { done: extension.listed + page.ids.length, total: null },
      delta: { kind: 'none' },
      origin: 'full_sync',
      items: {
        listed: pending.map((item, i) => ({
          id: item.id,
          threadId: item.threadId,
          ordinal: BigInt(i + 1),
          pending: true,
        })),
      },
      ...(cursor.extension ? {} : { window }),
    },
    next: () => next,
  };
}

type ListedPage = NonNullable<Awaited<ReturnType<typeof listPage>>>;

/**
 * Lists a page of the older slice. A failing list does not stop the run: history is read next, and
 * shows whether the mailbox can be read at all.
 * @returns null when Google no longer accepts the page token
 */
async function listOlder(
  context: StepContext,
  { pageToken }: WindowExtension,
  { fromMs, goalMs }: Lease['window'],
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
  cursor: GmailIncremental,
  extension: WindowExtension,
  { ids, nextPageToken }: ListedPage,
  toFetch: number,
): GmailIncremental {
  return {
    ...cursor,
    listing: toFetch > 0 ? { pageToken: null, until: cursor.after, origin: 'full_sync' } : null,
    listed: toFetch,
    fetched: 0,
    extension: {
      pageToken: nextPageToken,
      isListed: nextPageToken === null,
      incrementalFirst: true,
      listed: extension.listed + ids.length,
      restarts: toFetch > 0 ? 0 : extension.restarts,
      // A list without an end is recognized only after some pages, so its count is kept; the count
      // of unanswered lists is reset.
      ...(extension.endless && !extension.endless.isUnanswered
        ? { endless: extension.endless }
        : {}),
    },
  };
}

/**
 * Lists the slice again from its first page after Google has rejected the page token; stored
 * messages are not fetched again.
 */
function listAgain(
  context: StepContext,
  cursor: GmailIncremental,
  extension: WindowExtension,
): Step {
  const isRejectedOften = extension.restarts >= MAX_RESTARTS;
  const next: GmailIncremental = {
    ...cursor,
    extension: {
      ...AT_ITS_BEGINNING,
      incrementalFirst: true,
      restarts: isRejectedOften ? 0 : extension.restarts + 1,
    },
  };
  return {
    commit: {
      cursor: next,
      phase: phaseOf(next),
      generation: context.generation,
      delta: { kind: 'none' },
      origin: 'full_sync',
    },
    next: () => next,
    ...(isRejectedOften
      ? {
          end: {
            kind: 'snoozed',
            delayMs: REJECTED_TOKENS_PAUSE_MS,
            reason: 'Google forgets the page tokens of older mail',
            code: 'list-unanswered',
            counts: true,
          },
        }
      : {}),
  };
}

/**
 * Postpones the slice's list, which has no end or is not answered; history continues. The pause
 * grows each time. A list without an end is then begun again; one that was not answered continues
 * where it was.
 */
function listLater(
  context: StepContext,
  cursor: GmailIncremental,
  {
    extension,
    window,
    cause,
  }: { extension: WindowExtension; window: Lease['window']; cause: 'endless' | 'unanswered' },
): Step {
  const nowMs = context.rt.clock.nowMs();
  const times = extension.endless?.times ?? 0;
  const jitter = context.rt.random.next();
  const next: GmailIncremental = {
    ...cursor,
    extension:
      cause === 'endless'
        ? {
            ...AT_ITS_BEGINNING,
            incrementalFirst: true,
            endless: {
              times: times + 1,
              untilMs: nowMs + parkedFor('endless', 'gmail', times, jitter).delayMs,
            },
          }
        : {
            ...extension,
            incrementalFirst: true,
            endless: {
              times: times + 1,
              untilMs: nowMs + unansweredPauseMs(times, jitter),
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
      origin: 'full_sync',
      ...(cursor.extension ? {} : { window }),
    },
    next: () => next,
  };
}

const UNANSWERED_FIRST_MS = 2_000;
const UNANSWERED_CAP_MS = 60 * 60_000;

function unansweredPauseMs(times: number, jitter: number): number {
  return Math.min(UNANSWERED_CAP_MS, UNANSWERED_FIRST_MS * 2 ** times) * (1 + 0.1 * jitter);
}

/** How often history is read while the list of the slice is postponed. */
const CHECK_WHILE_WAITING_MS = 60_000;

const ENDLESS_WORDS =
  "Google's list of older mail has no end; new mail is synced, and the list is begun again later";
const UNANSWERED_WORDS =
  'Google does not list older mail; new mail is synced, and the list is continued later';

/**
 * Ends the run of a mailbox that is caught up with history while the list of its older slice is
 * postponed.
 */
export function endOfExtension(extension: WindowExtension, nowMs: number): Pick<Step, 'end'> {
  const pauseMs = untilListMs(extension, nowMs);
  return pauseMs > 0
    ? {
        end: {
          kind: 'snoozed',
          delayMs: Math.min(pauseMs, CHECK_WHILE_WAITING_MS),
          reason: extension.endless?.isUnanswered ? UNANSWERED_WORDS : ENDLESS_WORDS,
          code: 'list-unanswered',
          counts: false,
        },
      }
    : {};
}

function untilListMs({ endless }: WindowExtension, nowMs: number): number {
  return (endless?.untilMs ?? 0) - nowMs;
}

/**
 * Returns the cursor when a listing of history has begun, for a mailbox that was caught up: the
 * slice continues after it, or is complete when all of it is fetched.
 */
export function checked(cursor: GmailIncremental): GmailIncremental {
  const { extension, ...others } = cursor;
  if (!extension) return cursor;
  return extension.isListed
    ? others
    : { ...others, extension: { ...extension, incrementalFirst: false } };
}
