import { GoogleError, type GmailMessage, type GoogleAccount } from '@syncline/google';
import {
  storable,
  type ExportedMessage,
  type Lease,
  type MessageRow,
  type Store,
} from '@syncline/store';
import { fetchBodies } from './attached-bodies.js';
import { withBodies } from './bodies.js';
import { excludedLabels, type MirrorPolicy } from '../../mirror-policy.js';
import { isExcluded, isKept, searchFor, termsOf } from './mirror-policy.js';
import { parseMessage } from './parse.js';
import { isAccountWideError } from '../../account-refusal.js';
import { findWitness } from './witness.js';
import { floorMs } from './window.js';

/*
 * Compares the mirror of a mailbox with Google, in two ways with different prices: the listing (5
 * units for 500 ids, once for all and once for each label) shows which messages exist and which
 * labels they have; a message's content costs 20 units.
 */

export interface MailboxDrift {
  missing: string[];
  extra: string[];
  stale: string[];
  /** Could not be read at the source while others could: whether they differ is unknown. */
  unread: string[];
}

/** A mailbox on both sides, and the policy and window of its mirror. */
export interface ComparedMailbox {
  store: Store;
  account: GoogleAccount;
  accountId: string;
  policy: MirrorPolicy;
  window: Lease['window'];
}

/** Number of messages that are compared together. */
export const COMPARE_PAGE = 40;
/** Longer threads are read message by message: a response has to fit the bounds on memory. */
export const LONGEST_THREAD = 100;

/** A message as the listing names it. */
export interface ListedMessage {
  id: string;
  threadId: string;
}

/**
 * Lists every message that the mirror should hold. Excluded messages are determined by the lists of
 * their labels and not by the search that the full sync uses, so that an error of Google in one of
 * them shows in the other.
 */
export async function listKept(mailbox: ComparedMailbox): Promise<ListedMessage[]> {
  const kept = new Map((await listMessages(mailbox)).map((message) => [message.id, message]));
  for (const label of excludedLabels(mailbox.policy))
    for (const { id } of await listMessages(mailbox, label)) kept.delete(id);
  return [...kept.values()];
}

/** Lists every message of the mailbox's window, or of one label in it. */
async function listMessages(
  { account, window }: ComparedMailbox,
  labelId?: string,
): Promise<ListedMessage[]> {
  const listed: ListedMessage[] = [];
  for (let pageToken: string | null = null; ;) {
    const page: Awaited<ReturnType<GoogleAccount['gmail']['listMessages']>> =
      await account.gmail.listMessages({
        pageToken,
        ...searchFor(termsOf(window)),
        ...(labelId === undefined ? {} : { labelId }),
      });
    // An item whose id cannot be stored is in quarantine, under another name.
    listed.push(...page.ids.filter(({ id }) => storable.isId(id)));
    pageToken = page.nextPageToken;
    if (pageToken === null) return listed;
  }
}

/**
 * Compares ids and labels by listing, without fetching a message.
 * @returns what the mirror should hold and which messages differ
 */
export async function compareListing(
  mailbox: ComparedMailbox,
): Promise<{ ids: string[]; suspects: string[] }> {
  const { store, accountId } = mailbox;
  const labels = await listLabels(mailbox);
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

/** Returns every id with its labels, from the list of each label. */
async function listLabels(mailbox: ComparedMailbox): Promise<Map<string, string[]>> {
  const labels = new Map<string, string[]>((await listMessages(mailbox)).map(({ id }) => [id, []]));
  for (const label of await mailbox.account.gmail.labels())
    for (const { id } of await listMessages(mailbox, label.id ?? ''))
      labels.get(id)?.push(label.id ?? '');
  return labels;
}

/**
 * Compares every field of these messages on both sides. Messages that are not to be mirrored count
 * as absent from Google.
 */
export async function compareMessages(
  mailbox: ComparedMailbox,
  ids: readonly string[],
): Promise<MailboxDrift> {
  const found: MailboxDrift = { missing: [], extra: [], stale: [], unread: [] };
  for (let from = 0; from < ids.length; from += COMPARE_PAGE)
    await comparePage(mailbox, ids.slice(from, from + COMPARE_PAGE), found);
  return found;
}

/** Returns a uniform sample of `count` ids; `chance` gives numbers in [0, 1). */
export function sampleOf(ids: readonly string[], count: number, chance: () => number): string[] {
  const pool = [...ids];
  for (let taken = 0; taken < Math.min(count, ids.length); taken++) {
    const at = taken + Math.floor(chance() * (pool.length - taken));
    [pool[taken], pool[at]] = [pool[at] as string, pool[taken] as string];
  }
  return pool.slice(0, count);
}

/**
 * Compares every field of whole threads or of single messages, whichever is cheaper. Other messages
 * of a thread are ignored.
 */
export async function compareListed(
  mailbox: ComparedMailbox,
  groups: readonly ListedMessage[][],
): Promise<MailboxDrift> {
  const { account } = mailbox;
  const found: MailboxDrift = { missing: [], extra: [], stale: [], unread: [] };
  const isCheaper = ({ length }: ListedMessage[]): boolean =>
    account.gmail.prices.thread < length * account.gmail.prices.message;
  const whole = groups.filter(isCheaper);
  const threads = whole.length === 0 ? [] : await threadsOf(account, whole);
  const brought = new Map(
    threads.flatMap(({ messages }) => messages).map((message) => [message.id ?? '', message]),
  );
  const ids = groups.flat().map(({ id }) => id);
  // Messages that a thread's response does not name, or that belong to a thread that cannot be
  // read, are requested individually before they count as deleted.
  const alone = await readMessages(
    mailbox,
    ids.filter((id) => !brought.has(id)),
    found,
  );
  await compareWith(mailbox, ids, [...alone, ...ids.flatMap((id) => brought.get(id) ?? [])], found);
  return found;
}

async function threadsOf(
  account: GoogleAccount,
  groups: readonly ListedMessage[][],
): Promise<{ messages: GmailMessage[] }[]> {
  try {
    const answer = await account.gmail.getThreads(
      groups.map((group) => ({ id: group[0]?.threadId ?? '', messages: group.length })),
    );
    const stopped = answer.failed.find(({ error }) => isAccountWideError(error));
    if (stopped) throw stopped.error;
    return answer.threads;
  } catch (error) {
    if (!(error instanceof GoogleError) || isAccountWideError(error)) throw error;
    return [];
  }
}

/** @throws GoogleError when no message can be read, rather than some */
async function readMessages(
  { store, account, accountId }: ComparedMailbox,
  ids: readonly string[],
  found: MailboxDrift,
): Promise<GmailMessage[]> {
  if (ids.length === 0) return [];
  const { messages, missing, failed } = await account.gmail
    .getMessages([...ids])
    .catch((error: unknown) => {
      if (!(error instanceof GoogleError) || isAccountWideError(error)) throw error;
      return { messages: [], missing: [], failed: ids.map((id) => ({ id, error })) };
    });
  const [first] = failed;
  const stopped = failed.find(({ error }) => isAccountWideError(error));
  if (stopped) throw stopped.error;
  const isWitnessed =
    !first ||
    messages.length + missing.length > 0 ||
    (await findWitness({ store, gmail: account.gmail, accountId }, 'message', ids));
  if (first && !isWitnessed) throw first.error;
  found.unread.push(...failed.map(({ id }) => id));
  return messages;
}

async function comparePage(
  mailbox: ComparedMailbox,
  ids: readonly string[],
  found: MailboxDrift,
): Promise<void> {
  await compareWith(mailbox, ids, await readMessages(mailbox, ids, found), found);
}

/**
 * Returns the row of a message that is to be mirrored, with its bodies; null where it cannot be
 * read.
 * @throws GoogleError when the error concerns the account
 */
async function rowOf(
  { account, policy }: ComparedMailbox,
  message: GmailMessage,
): Promise<ExportedMessage | null> {
  try {
    await fetchBodies(account.gmail, message, policy.bodies);
    return exportedForm(withBodies(parseMessage(message), policy, null));
  } catch (error) {
    if (error instanceof GoogleError && isAccountWideError(error)) throw error;
    return null;
  }
}

/**
 * Returns which of the messages that are stored without a source, under a policy that keeps
 * sources, have one in Google. Chats have none.
 */
async function withSourceThere(
  { account }: ComparedMailbox,
  ids: readonly string[],
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const { sources, failed } = await account.gmail.getSources(ids.map((id) => ({ id, bytes: 0 })));
  return new Set([
    ...sources.flatMap(({ id, source }) => (source === null ? [] : [id])),
    ...failed.map(({ id }) => id),
  ]);
}

async function compareWith(
  mailbox: ComparedMailbox,
  ids: readonly string[],
  there: readonly GmailMessage[],
  found: MailboxDrift,
): Promise<void> {
  const { store, accountId, policy, window } = mailbox;
  const source = await rowsOf(mailbox, there, found);
  // While the window is being extended, part of the older slice is stored and part is not yet: only
  // messages that should be stored by now can be missing.
  const due = new Set(
    there.filter((message) => isKept(policy, window.fromMs, message)).map((message) => message.id),
  );
  const mirror = new Map<string, ExportedMessage>();
  for await (const message of store.mirror.messages(accountId, ids))
    mirror.set(message.id, message);
  const sourced = await store.mirror.withSource(accountId, ids);
  const unread = new Set(found.unread);
  const isRaw = policy.bodies === 'raw';
  const sourceless = isRaw
    ? ids.filter((id) => source.has(id) && mirror.has(id) && !sourced.has(id))
    : [];
  const lacking = await withSourceThere(mailbox, sourceless);
  const hasWrongSource = (id: string): boolean => lacking.has(id) || (sourced.has(id) && !isRaw);
  for (const id of ids) {
    const theirs = source.get(id);
    const here = mirror.get(id);
    if (unread.has(id)) continue;
    if (!here) {
      if (due.has(id)) found.missing.push(id);
    } else if (!theirs) found.extra.push(id);
    else if (!areEqual(theirs, here) || hasWrongSource(id)) found.stale.push(id);
  }
}

/**
 * Returns the rows that the mirror should have, by id; messages that cannot be read are added to
 * `unread`.
 */
async function rowsOf(
  mailbox: ComparedMailbox,
  messages: readonly GmailMessage[],
  { unread }: MailboxDrift,
): Promise<Map<string, ExportedMessage>> {
  const { policy, window } = mailbox;
  const rows = new Map<string, ExportedMessage>();
  for (const message of messages) {
    if (!isKept(policy, floorMs(window), message)) continue;
    const row = await rowOf(mailbox, message);
    if (row) rows.set(message.id ?? '', row);
    else unread.push(message.id ?? '');
  }
  return rows;
}

function areEqual(theirs: ExportedMessage, here: ExportedMessage): boolean {
  return JSON.stringify(theirs) === JSON.stringify(here);
}

/** Returns the row in the form of `export`, with its fields in the same order. */
function exportedForm(row: MessageRow): ExportedMessage {
  return {
    id: row.id,
    threadId: row.threadId,
    labelIds: row.labelIds,
    internalDate: row.internalDateMs === null ? null : String(row.internalDateMs),
    sizeEstimate: row.sizeEstimate,
    snippet: row.snippet,
    subject: row.subject,
    from: row.from,
    to: row.to,
    cc: row.cc,
    date: row.date,
    messageId: row.messageId,
    text: row.text,
    html: row.html,
    attachments: row.attachments.map((a) => ({
      partId: a.partId,
      filename: a.filename,
      mimeType: a.mimeType,
      size: a.size,
    })),
  };
}
