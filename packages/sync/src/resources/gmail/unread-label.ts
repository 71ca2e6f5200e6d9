import type { GoogleError } from '@syncline/google';
import type { GmailRelabelling, UnreadLists } from './cursor.js';
import { MAX_TRIES, RETRY_DELAYS_MS } from '../../item-failures.js';
import type { Step, StepContext } from '../../step.js';
import { isRefusedAlone } from '../../account-refusal.js';

/*
 * A label whose list fails repeatedly must not block the mailbox. As with items, a try counts only
 * if another list of the mailbox was answered at that try. After a bounded number of tries the
 * label counts as one without a list.
 */

type Labels = Extract<GmailRelabelling, { step: 'labels' }>;

/**
 * After this many labels were given up, one try is enough: the cause is then the lists of labels in
 * general.
 */
const LABELS_WITH_RETRIES = 3;
/**
 * Number of lists without an end of one collection, in a row, after which such a label is given up.
 */
const ENDLESS_TRIES = 2;

/** @returns null when the label's list may be read now */
export function untilNextTry({ rt }: StepContext, cursor: Labels): Step | null {
  const delayMs = (cursor.unread?.nextTryAtMs ?? 0) - rt.clock.nowMs();
  return delayMs > 0 ? { commit: null, next: () => cursor, end: waitFor(delayMs) } : null;
}

/**
 * Decides about a label whose list failed with `error`.
 * @throws GoogleError when no other list is answered either, or the account is refused
 */
export async function afterFailure(
  context: StepContext,
  { label, unread = { labels: 0 } }: Labels,
  error: GoogleError,
): Promise<{ kind: 'retry' | 'unread'; unread: UnreadLists }> {
  const { rt, lease } = context;
  const tries = (unread.tries ?? 0) + 1;
  if (!(await isLabelsOwn(context, error))) throw error;
  const delayMs = unread.labels < LABELS_WITH_RETRIES ? RETRY_DELAYS_MS[tries - 1] : undefined;
  if (error.detail.kind !== 'endless-listing' && tries < MAX_TRIES && delayMs !== undefined)
    return {
      kind: 'retry',
      unread: { labels: unread.labels, tries, nextTryAtMs: rt.clock.nowMs() + delayMs },
    };
  rt.log.warn(
    {
      event: 'label_list_unread',
      accountId: lease.accountId,
      collectionId: lease.collectionId,
      label,
      err: error,
    },
    'the list of a label could not be read while others could: the label stays on its messages',
  );
  return { kind: 'unread', unread: { labels: unread.labels + 1 } };
}

/**
 * Whether the failure belongs to the label: the list of all messages was complete in this full
 * sync, which shows that lists can end.
 */
async function isLabelsOwn(context: StepContext, error: GoogleError): Promise<boolean> {
  if (error.detail.kind === 'endless-listing')
    return context.lease.endlessListings >= ENDLESS_TRIES;
  try {
    await context.google.gmail.listMessages({ pageToken: null });
    return true;
  } catch (failure) {
    if (isRefusedAlone(failure)) return false;
    throw failure;
  }
}

export function tryAgainLater(context: StepContext, cursor: Labels): Step {
  const delayMs = (cursor.unread?.nextTryAtMs ?? 0) - context.rt.clock.nowMs();
  return {
    commit: {
      cursor,
      phase: 'full',
      generation: context.generation,
      delta: { kind: 'none' },
      origin: 'full_sync',
    },
    next: () => cursor,
    end: waitFor(delayMs),
  };
}

function waitFor(delayMs: number): Step['end'] {
  return {
    kind: 'snoozed',
    delayMs: Math.max(1, delayMs),
    reason:
      "Google does not list one label's messages; the list is retried, and skipped after some tries",
    code: 'list-unanswered',
    counts: false,
  };
}
