import { isAccountWideError } from '../../account-refusal.js';
import {
  GoogleError,
  type FetchedMessages,
  type FetchedThreads,
  type Gmail,
  type GmailMessage,
} from '@syncline/google';
import type { FetchPlan, PlannedThread } from './plan.js';

/**
 * The responses to a plan, by message. A wanted id is in exactly one of `messages`, `missing`,
 * `failed` and `unnamed`.
 */
export interface Answers {
  /**
   * Pending messages only: the other messages of a thread are not on the full sync's list, and its
   * sweep would delete them.
   */
  messages: GmailMessage[];
  /**
   * The sources of the messages by id, where the policy keeps them; null for a message without one.
   */
  sources: Map<string, Buffer | null>;
  missing: Set<string>;
  failed: Map<string, GoogleError>;
  /**
   * For failed messages whose source, body or thread could not be read: which of these. Other
   * failed messages could not be read themselves.
   */
  failedBy: Map<string, 'source' | 'body' | 'thread'>;
  /**
   * Ids that the thread's response did not name, or whose thread no longer exists: each is
   * requested individually later.
   */
  unnamed: Set<string>;
  /** Which methods have answered, whatever happened to the message afterwards. */
  worked: Record<'message' | 'thread' | 'source' | 'body', boolean>;
}

function noAnswers(): Answers {
  return {
    messages: [],
    sources: new Map(),
    missing: new Set(),
    failed: new Map(),
    failedBy: new Map(),
    unnamed: new Set(),
    worked: { message: false, thread: false, source: false, body: false },
  };
}

/**
 * Requests threads first, then single messages. The first refusal that concerns the account stops
 * the requests. Errors that may concern single items are in `failed`, even if nothing was fetched.
 * @throws GoogleError only for a refusal that concerns the account, when nothing was fetched
 */
export async function askFor(gmail: Gmail, plan: FetchPlan): Promise<Answers> {
  const answers = noAnswers();
  if (plan.threads.length > 0) takeThreads(answers, plan, await threadsOf(gmail, plan.threads));
  const stopped = [...answers.failed.values()].find(isAccountWideError);
  const singly = stopped ? plan.messages : [...plan.messages, ...brokenOut(answers, plan)];
  if (stopped) for (const id of singly) answers.failed.set(id, stopped);
  else if (singly.length > 0) {
    for (const id of singly) answers.failedBy.delete(id);
    takeMessages(answers, await messagesOf(gmail, singly, plan.threads.length > 0));
  }
  return answers;
}

/**
 * Whether an error refuses the grant. The next page handles a refused grant; the run does not wait.
 */
export function isUnauthorizedOrForbidden(error: GoogleError): boolean {
  return error.detail.kind === 'unauthorized' || error.detail.kind === 'forbidden';
}

function takeThreads(answers: Answers, plan: FetchPlan, fetched: FetchedThreads): void {
  const found = new Map(fetched.threads.map((thread) => [thread.id, thread.messages]));
  const errors = new Map(fetched.failed.map((failure) => [failure.id, failure.error]));
  answers.worked.thread = found.size > 0;
  for (const thread of plan.threads) {
    const messages = new Map((found.get(thread.id) ?? []).map((message) => [message.id, message]));
    const error = errors.get(thread.id);
    for (const id of thread.pending) {
      const message = messages.get(id);
      if (message) answers.messages.push(message);
      else if (error) {
        answers.failed.set(id, error);
        answers.failedBy.set(id, 'thread');
      } else answers.unnamed.add(id);
    }
  }
}

/**
 * Returns the messages that are requested individually because their thread failed: one bad message
 * must not block the others of its thread. Returns none when several threads were requested and all
 * failed, since the cause is then unlikely to be the threads.
 */
function brokenOut(answers: Answers, plan: FetchPlan): string[] {
  if (plan.threads.length > 1 && !answers.worked.thread) return [];
  const ids = [...answers.failed.keys()];
  answers.failed.clear();
  return ids;
}

/**
 * Fetches threads. An error of the whole call counts as an error of each thread.
 * @throws GoogleError when it concerns the account
 */
async function threadsOf(gmail: Gmail, threads: readonly PlannedThread[]): Promise<FetchedThreads> {
  try {
    return await gmail.getThreads(threads.map(({ id, size }) => ({ id, messages: size })));
  } catch (error) {
    if (!(error instanceof GoogleError) || isAccountWideError(error)) throw error;
    return { threads: [], missing: [], failed: threads.map(({ id }) => ({ id, error })) };
  }
}

/**
 * Fetches messages. The threads before them are already paid for, so a refusal after threads is an
 * error of the messages and does not discard the page.
 */
async function messagesOf(
  gmail: Gmail,
  ids: readonly string[],
  isAfterThreads: boolean,
): Promise<FetchedMessages> {
  try {
    return await gmail.getMessages([...ids]);
  } catch (error) {
    if (!(error instanceof GoogleError) || (isAccountWideError(error) && !isAfterThreads))
      throw error;
    return { messages: [], missing: [], failed: ids.map((id) => ({ id, error })) };
  }
}

function takeMessages(answers: Answers, fetched: FetchedMessages): void {
  answers.messages.push(...fetched.messages);
  answers.worked.message = fetched.messages.length > 0;
  for (const id of fetched.missing) answers.missing.add(id);
  for (const { id, error } of fetched.failed) answers.failed.set(id, error);
}
