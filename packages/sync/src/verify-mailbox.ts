import type { GoogleAccount } from '@syncline/google';
import type { ExportedMessage, MailWindow, MessageRow, Store } from '@syncline/store';
import { must } from '@syncline/runtime';
import { withBodies } from './gmail/bodies.js';
import { excludedLabels, isExcluded, isKept, searchFor, termsOf, type MirrorPolicy } from './gmail/mirror-policy.js';
import { parseMessage } from './gmail/parse.js';
import { floorMs } from './gmail/window.js';

/*
 * The mailbox's mirror against Google's. Two looks with different prices: the listing (5 units for 500 ids, once for all and once for
 * each label) says which messages there are and what labels they have; a message's content costs 20 units.
 */

export interface MailboxDrift {
  missing: string[];
  extra: string[];
  stale: string[];
}

/** A mailbox here and there, and what of it is meant to be kept. */
export interface ComparedMailbox {
  store: Store;
  account: GoogleAccount;
  accountId: string;
  policy: MirrorPolicy;
  window: MailWindow;
}

/** Messages that are compared at a time. */
export const COMPARE_PAGE = 40;

/** Counts pages of listings; null is no bound. */
export interface ListingBudget {
  pagesLeft: number | null;
}

/**
 * Every id that the mirror should hold. What is excluded is told by its labels' own lists and not by the search that the walk uses,
 * so that a mistake of Google's in one shows in the other.
 */
export async function listKept(mailbox: ComparedMailbox): Promise<string[]> {
  const unbounded = { pagesLeft: null };
  const kept = new Set(must(await listIds(mailbox, unbounded), 'an unbounded listing has an end'));
  for (const label of excludedLabels(mailbox.policy)) for (const id of must(await listIds(mailbox, unbounded, label), 'an unbounded listing has an end')) kept.delete(id);
  return [...kept];
}

/** Every id of the mailbox's window, or of one label in it. @returns null when the budget does not reach */
async function listIds({ account, window }: ComparedMailbox, budget: ListingBudget, labelId?: string): Promise<string[] | null> {
  const ids: string[] = [];
  for (let pageToken: string | null = null; ; ) {
    if (budget.pagesLeft !== null && budget.pagesLeft-- <= 0) return null;
    const page: Awaited<ReturnType<GoogleAccount['gmail']['listMessages']>> = await account.gmail.listMessages({ pageToken, ...searchFor(termsOf(window)), ...(labelId === undefined ? {} : { labelId }) });
    for (const item of page.ids) ids.push(item.id);
    pageToken = page.nextPageToken;
    if (pageToken === null) return ids;
  }
}

/**
 * Ids and labels by listing, without a single message.
 * @returns what the mirror should hold and which messages differ, or null when the budget does not reach
 */
export async function compareListing(mailbox: ComparedMailbox, budget: ListingBudget = { pagesLeft: null }): Promise<{ ids: string[]; suspects: string[] } | null> {
  const { store, accountId } = mailbox;
  const labels = await listLabels(mailbox, budget);
  if (labels === null) return null;
  for (const [id, labelIds] of labels) if (isExcluded(mailbox.policy, labelIds)) labels.delete(id);
  const ids = [...labels.keys()];
  const suspects: string[] = [];
  for await (const { id, labelIds } of store.mirror.labels(accountId, mailbox.window.fromMs)) {
    const there = labels.get(id);
    if (there === undefined || there.sort().join('\n') !== labelIds.join('\n')) suspects.push(id);
    labels.delete(id);
  }
  suspects.push(...labels.keys());
  return { ids, suspects };
}

/** Every id with its labels, from the list of each label. @returns null when the budget does not reach */
async function listLabels(mailbox: ComparedMailbox, budget: ListingBudget): Promise<Map<string, string[]> | null> {
  const ids = await listIds(mailbox, budget);
  if (ids === null) return null;
  const labels = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const label of await mailbox.account.gmail.labels()) {
    const labelled = await listIds(mailbox, budget, label.id ?? '');
    if (labelled === null) return null;
    for (const id of labelled) labels.get(id)?.push(label.id ?? '');
  }
  return labels;
}

/** Every field of these messages, here and there; what is not to be mirrored does not count as there. */
export async function compareMessages(mailbox: ComparedMailbox, ids: readonly string[]): Promise<MailboxDrift> {
  const found: MailboxDrift = { missing: [], extra: [], stale: [] };
  for (let from = 0; from < ids.length; from += COMPARE_PAGE) await comparePage(mailbox, ids.slice(from, from + COMPARE_PAGE), found);
  return found;
}

/** `count` of the ids, each as likely as any other; `chance` gives numbers in [0, 1). */
export function sampleOf(ids: readonly string[], count: number, chance: () => number): string[] {
  const pool = [...ids];
  for (let taken = 0; taken < Math.min(count, ids.length); taken++) {
    const at = taken + Math.floor(chance() * (pool.length - taken));
    [pool[taken], pool[at]] = [pool[at] as string, pool[taken] as string];
  }
  return pool.slice(0, count);
}

async function comparePage({ store, account, accountId, policy, window }: ComparedMailbox, ids: readonly string[], found: MailboxDrift): Promise<void> {
  const answer = await account.gmail.getMessages([...ids]);
  if (answer.failed[0]) throw answer.failed[0].error;
  const source = new Map(answer.messages.filter((message) => isKept(policy, floorMs(window), message)).map((message) => [message.id ?? '', exportedForm(withBodies(parseMessage(message), policy))]));
  // Of a slice that is being deepened some is stored and some is still to come: only what should be there by now can be missing.
  const due = new Set(answer.messages.filter((message) => isKept(policy, window.fromMs, message)).map((message) => message.id));
  const mirror = new Map<string, ExportedMessage>();
  for await (const message of store.mirror.messages(accountId, ids)) mirror.set(message.id, message);
  for (const id of ids) {
    const there = source.get(id);
    const here = mirror.get(id);
    if (!here) {
      if (due.has(id)) found.missing.push(id);
    } else if (!there) found.extra.push(id);
    else if (JSON.stringify(there) !== JSON.stringify(here)) found.stale.push(id);
  }
}

/** The row as `export` would print it, field by field in the same order. */
function exportedForm(row: MessageRow): ExportedMessage {
  return {
    id: row.id, threadId: row.threadId, labelIds: row.labelIds, internalDate: row.internalDateMs === null ? null : String(row.internalDateMs),
    sizeEstimate: row.sizeEstimate, snippet: row.snippet, subject: row.subject, from: row.from, to: row.to, cc: row.cc, date: row.date,
    messageId: row.messageId, text: row.text, html: row.html,
    attachments: row.attachments.map((a) => ({ partId: a.partId, filename: a.filename, mimeType: a.mimeType, size: a.size })),
  };
}
