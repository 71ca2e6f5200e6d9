import { isAccounts } from '../../account-refusal.js';
import {
  GoogleError,
  type FetchedMessages,
  type FetchedThreads,
  type Gmail,
  type GmailMessage,
} from '@syncline/google';
import type { FetchPlan, PlannedThread } from './plan.js';

/**
 * What came of a plan, by message. A wanted id is in exactly one of `messages`, `missing`, `failed`
 * and `unnamed`.
 */
export interface Answers {
  /**
   * Those that are pending, no others: what a thread holds besides is not on the full sync's list,
   * and its sweep would delete it.
   */
  messages: GmailMessage[];
  /** Theirs, by id, where the policy keeps them; null for a message that has none. */
  sources: Map<string, Buffer | null>;
  missing: Set<string>;
  failed: Map<string, GoogleError>;
  /**
   * Of the failed: those whose source, body or thread could not be read. The others failed by
   * themselves.
   */
  failedBy: Map<string, 'source' | 'body' | 'thread'>;
  /** Ids that the thread's answer did not name, or whose thread is gone: they are to be asked for by themselves. */
  unnamed: Set<string>;
  /** What has answered, whatever became of the message after it. */
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
 * Threads first, then single messages; the first refusal that is the account's ends the asking.
 * What may be the items' own is in `failed`, also when nothing was fetched.
 * @throws GoogleError only for a refusal that is the account's, when nothing was fetched
 */
export async function askFor(gmail: Gmail, plan: FetchPlan): Promise<Answers> {
  const answers = noAnswers();
  if (plan.threads.length > 0) takeThreads(answers, plan, await threadsOf(gmail, plan.threads));
  const stopped = [...answers.failed.values()].find(isAccounts);
  const singly = stopped ? plan.messages : [...plan.messages, ...brokenOut(answers, plan)];
  if (stopped) for (const id of singly) answers.failed.set(id, stopped);
  else if (singly.length > 0) {
    for (const id of singly) answers.failedBy.delete(id);
    takeMessages(answers, await messagesOf(gmail, singly, plan.threads.length > 0));
  }
  return answers;
}

/** A refused grant is judged where the next page meets it: there is nothing to wait for. */
export function isGrants(error: GoogleError): boolean {
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
 * What is asked for alone since its thread failed: one bad message in a thread must not hold its
 * others. Not when several threads failed and none came, since then it is hardly the threads.
 */
function brokenOut(answers: Answers, plan: FetchPlan): string[] {
  if (plan.threads.length > 1 && !answers.worked.thread) return [];
  const ids = [...answers.failed.keys()];
  answers.failed.clear();
  return ids;
}

/** A failure of all is one of each. @throws GoogleError when it is the account's */
async function threadsOf(gmail: Gmail, threads: readonly PlannedThread[]): Promise<FetchedThreads> {
  try {
    return await gmail.getThreads(threads.map(({ id, size }) => ({ id, messages: size })));
  } catch (error) {
    if (!(error instanceof GoogleError) || isAccounts(error)) throw error;
    return { threads: [], missing: [], failed: threads.map(({ id }) => ({ id, error })) };
  }
}

/** What the threads brought is paid for: a refusal that comes after it is the messages' fate, not the page's. */
async function messagesOf(
  gmail: Gmail,
  ids: readonly string[],
  isAfterThreads: boolean,
): Promise<FetchedMessages> {
  try {
    return await gmail.getMessages([...ids]);
  } catch (error) {
    if (!(error instanceof GoogleError) || (isAccounts(error) && !isAfterThreads)) throw error;
    return { messages: [], missing: [], failed: ids.map((id) => ({ id, error })) };
  }
}

function takeMessages(answers: Answers, fetched: FetchedMessages): void {
  answers.messages.push(...fetched.messages);
  answers.worked.message = fetched.messages.length > 0;
  for (const id of fetched.missing) answers.missing.add(id);
  for (const { id, error } of fetched.failed) answers.failed.set(id, error);
}
