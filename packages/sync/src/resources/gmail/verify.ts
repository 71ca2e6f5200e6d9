import type { Runtime } from '@syncline/runtime';
import type { Comparison, VerifyOptions } from '../../verify.js';
import type { Drift } from '../resource.js';
import {
  COMPARE_PAGE,
  type ComparedMailbox,
  LONGEST_THREAD,
  type ListedMessage,
  compareListed,
  compareListing,
  compareMessages,
  listKept,
  type MailboxDrift,
  sampleOf,
} from './compare.js';

/* Verification of a mailbox. */

/**
 * Compares a mailbox. With a sample, ids and labels are compared by listing; without one, the
 * content of every message.
 */
export async function verifyMailbox(
  rt: Runtime,
  { store, account, accountId, policy, options, catchUp }: Comparison,
): Promise<Drift> {
  const window = await store.mirror.window(accountId);
  const mailbox: ComparedMailbox = { store, account, accountId, policy, window };
  const { checked, suspects } =
    options.sample === undefined
      ? await compareAll(mailbox, options)
      : await compareSample(rt, mailbox, options.sample);
  options.progress?.(checked);
  if (suspects.length > 0) await catchUp();
  // The window may have moved meanwhile: messages that an extension has brought since must not be
  // compared under the old window.
  const { missing, extra, stale, unread } = await compareMessages(
    { ...mailbox, window: await store.mirror.window(accountId) },
    suspects,
  );
  return {
    checked,
    missing: missing.sort(),
    extra: extra.sort(),
    stale: stale.sort(),
    unread: unread.sort(),
  };
}

async function compareAll(
  mailbox: ComparedMailbox,
  { progress }: VerifyOptions,
): Promise<Compared> {
  const messages = await listKept(mailbox);
  const suspects: string[] = [];
  let compared = 0;
  for (const page of pagesOf(messages)) {
    suspects.push(...namesIn(await compareListed(mailbox, page)));
    progress?.((compared += page.reduce((sum, thread) => sum + thread.length, 0)));
  }
  const listed = new Set(messages.map(({ id }) => id));
  const unlisted: string[] = [];
  for await (const { id } of mailbox.store.mirror.labels(mailbox.accountId))
    if (!listed.has(id)) unlisted.push(id);
  // Rows of a slice that is being extended are not in the list, and are not drift for that.
  suspects.push(
    ...(mailbox.window.goalMs === null
      ? unlisted
      : namesIn(await compareMessages(mailbox, unlisted))),
  );
  return { checked: messages.length, suspects };
}

/**
 * Groups the messages by thread into pages: as many threads as fit a page of messages, at least
 * one. A thread that is too long is split into single messages.
 */
function* pagesOf(messages: readonly ListedMessage[]): Generator<ListedMessage[][]> {
  let page: ListedMessage[][] = [];
  let size = 0;
  for (const group of groupsOf(messages)) {
    page.push(group);
    size += group.length;
    if (size < COMPARE_PAGE) continue;
    yield page;
    [page, size] = [[], 0];
  }
  if (page.length > 0) yield page;
}

function groupsOf(messages: readonly ListedMessage[]): ListedMessage[][] {
  const threads = new Map<string, ListedMessage[]>();
  for (const message of messages) {
    const thread = threads.get(message.threadId);
    if (thread) thread.push(message);
    else threads.set(message.threadId, [message]);
  }
  return [...threads.values()].flatMap((thread) =>
    thread.length > LONGEST_THREAD ? thread.map((message) => [message]) : [thread],
  );
}

async function compareSample(
  rt: Runtime,
  mailbox: ComparedMailbox,
  sample: number,
): Promise<Compared> {
  const { ids, suspects } = await compareListing(mailbox);
  const known = new Set(suspects);
  const sampled = await compareMessages(
    mailbox,
    sampleOf(ids, sample, () => rt.random.next()).filter((id) => !known.has(id)),
  );
  return { checked: ids.length, suspects: [...suspects, ...namesIn(sampled)] };
}

function namesIn({ missing, extra, stale, unread }: MailboxDrift): string[] {
  return [...missing, ...extra, ...stale, ...unread];
}

interface Compared {
  checked: number;
  /** Ids that differ in the first comparison. */
  suspects: string[];
}
