import {
  GoogleError,
  type FetchedMessages,
  type FetchedThreads,
  type Gmail,
  type GmailMessage,
} from '@syncline/google';
import type { FetchPlan } from './plan.js';

/** What came of a plan, by message. A wanted id is in exactly one of them. */
export interface Answers {
  /** Those that are wanted, no others: what a thread holds besides is not on the walk's list, and its sweep would delete it. */
  messages: GmailMessage[];
  /** Theirs, by id, where the policy keeps them. */
  sources: Map<string, Buffer>;
  missing: Set<string>;
  failed: Map<string, GoogleError>;
  /** Ids that the thread's answer did not name, or whose thread is gone: they are to be asked for by themselves. */
  unnamed: Set<string>;
}

/**
 * Threads first, then single messages; the first refusal that is the account's ends the asking.
 * @throws GoogleError only when nothing was fetched
 */
export async function askFor(gmail: Gmail, plan: FetchPlan): Promise<Answers> {
  const answers: Answers = {
    messages: [],
    sources: new Map(),
    missing: new Set(),
    failed: new Map(),
    unnamed: new Set(),
  };
  if (plan.threads.length > 0)
    takeThreads(
      answers,
      plan,
      await gmail.getThreads(
        plan.threads.map((thread) => ({ id: thread.id, messages: thread.size })),
      ),
    );
  const stopped = [...answers.failed.values()].find(isAccounts);
  if (stopped) for (const id of plan.messages) answers.failed.set(id, stopped);
  else if (plan.messages.length > 0) takeMessages(answers, await askForMessages(gmail, plan));
  return answers;
}

/** Quota, a dead grant: said of one item, it holds for all. */
export function isAccounts(error: GoogleError): boolean {
  const { kind } = error.detail;
  return kind === 'rate-limited' || kind === 'unauthorized' || kind === 'forbidden';
}

/** A refused grant is judged where the next page meets it: there is nothing to wait for. */
export function isGrants(error: GoogleError): boolean {
  return error.detail.kind === 'unauthorized' || error.detail.kind === 'forbidden';
}

function takeThreads(answers: Answers, plan: FetchPlan, fetched: FetchedThreads): void {
  const found = new Map(fetched.threads.map((thread) => [thread.id, thread.messages]));
  const errors = new Map(fetched.failed.map((failure) => [failure.id, failure.error]));
  for (const thread of plan.threads) {
    const messages = new Map((found.get(thread.id) ?? []).map((message) => [message.id, message]));
    const error = errors.get(thread.id);
    for (const id of thread.wanted) {
      const message = messages.get(id);
      if (message) answers.messages.push(message);
      else if (error) answers.failed.set(id, error);
      else answers.unnamed.add(id);
    }
  }
}

/** What the threads brought is paid for: a refusal that comes after it is the messages' fate, not the page's. */
async function askForMessages(gmail: Gmail, plan: FetchPlan): Promise<FetchedMessages> {
  try {
    return await gmail.getMessages(plan.messages);
  } catch (error) {
    if (plan.threads.length === 0 || !(error instanceof GoogleError)) throw error;
    return { messages: [], missing: [], failed: plan.messages.map((id) => ({ id, error })) };
  }
}

function takeMessages(answers: Answers, fetched: FetchedMessages): void {
  answers.messages.push(...fetched.messages);
  for (const id of fetched.missing) answers.missing.add(id);
  for (const { id, error } of fetched.failed) answers.failed.set(id, error);
}
