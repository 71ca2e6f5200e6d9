/** Whole messages and whole threads, by the batch endpoint. */
import type { gmail_v1 } from 'googleapis/build/src/apis/gmail/v1';
import { type Kind, fetchByBatch } from './batch-fetch.js';
import type { GoogleError } from './errors.js';
import type { Session } from './request.js';
import { identifiedList } from './shape.js';

export type GmailMessage = gmail_v1.Schema$Message;

export interface FetchedMessages {
  messages: GmailMessage[];
  /** Ids that Google answered 404 for. */
  missing: string[];
  failed: { id: string; error: GoogleError }[];
}

export interface FetchedThreads {
  threads: { id: string; messages: GmailMessage[] }[];
  /** Ids that Google answered 404 for. */
  missing: string[];
  failed: { id: string; error: GoogleError }[];
}

const MESSAGE: Kind<GmailMessage> = {
  method: 'gmail.users.messages.get',
  pathOf: (id) => `/gmail/v1/users/me/messages/${encodeURIComponent(id)}?format=full&prettyPrint=false`,
  read: (message) => message,
  weightOf: () => 1,
};

/** @throws GoogleError when asking stopped before anything was fetched. The order of the result is Google's. */
export async function fetchMessages(session: Session, ids: string[]): Promise<FetchedMessages> {
  const { found, ...rest } = await fetchByBatch(session, MESSAGE, ids);
  return { messages: found, ...rest };
}

/** The same for threads, each with the number of messages that are expected in it. */
export async function fetchThreads(session: Session, threads: { id: string; messages: number }[]): Promise<FetchedThreads> {
  const weights = new Map(threads.map(({ id, messages }) => [id, messages]));
  const { found, ...rest } = await fetchByBatch(session, threadKind((id) => weights.get(id) ?? 1), [...weights.keys()]);
  return { threads: found, ...rest };
}

function threadKind(weightOf: (id: string) => number): Kind<FetchedThreads['threads'][number]> {
  return {
    method: 'gmail.users.threads.get',
    pathOf: (id) => `/gmail/v1/users/me/threads/${encodeURIComponent(id)}?format=full&prettyPrint=false`,
    read: ({ id, messages }) => ({ id, messages: identifiedList(messages, 'messages') }),
    weightOf,
  };
}
