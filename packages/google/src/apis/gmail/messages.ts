/** Whole messages, whole threads and the messages' sources, by the batch endpoint. */
import type { gmail_v1 } from 'googleapis/build/src/apis/gmail/v1';
import { type Kind, fetchByBatch } from './batch-fetch.js';
import { GoogleError } from '../../errors.js';
import { hasLabels, isWholeMessage } from './message-shape.js';
import type { Session } from '../../request.js';
import { type JsonObject, identifiedOf } from '../../shape.js';

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

export interface FetchedSources {
  /**
   * RFC 822, byte for byte as Google has them; null for a message without one, as chats are
   * (got-your-back #84).
   */
  sources: { id: string; source: Buffer | null }[];
  /** Ids that Google answered 404 for. */
  missing: string[];
  failed: { id: string; error: GoogleError }[];
}

/** Messages that a batch brings at most, unless a single part brings more: about 10 MB of ordinary mail. */
const BATCH_MESSAGES = 100;
/** Mail that a batch of sources brings at most, unless a single one is larger: they come with their attachments, and in base64 a third larger. */
const BATCH_SOURCE_BYTES = 8 * 1024 * 1024;
/** The message itself is paid for by then, and paid again if its source has to be put off: a source waits for quota a little longer than other calls. */
const SOURCE_QUOTA_WAIT_MS = 1_000;

const MESSAGE: Kind<GmailMessage> = {
  method: 'gmail.users.messages.get',
  pathOf: (id) =>
    `/gmail/v1/users/me/messages/${encodeURIComponent(id)}?format=full&prettyPrint=false`,
  read: (message) => (isWholeMessage(message) ? message : null),
  weightOf: () => 1,
  batchWeight: BATCH_MESSAGES,
};

const GLANCE: Kind<GmailMessage> = {
  ...MESSAGE,
  read: (message) => (hasLabels(message) ? message : null),
  pathOf: (id) =>
    `/gmail/v1/users/me/messages/${encodeURIComponent(id)}?format=minimal&prettyPrint=false`,
};

/** @throws GoogleError when asking stopped before anything was fetched. The order of the result is Google's. */
export async function fetchMessages(session: Session, ids: string[]): Promise<FetchedMessages> {
  const { found, ...rest } = await fetchByBatch(session, MESSAGE, ids);
  return { messages: found, ...rest };
}

/**
 * The same in the `minimal` format: labels and dates, without headers and bodies. It costs as much.
 */
export async function glanceAtMessages(session: Session, ids: string[]): Promise<FetchedMessages> {
  const { found, ...rest } = await fetchByBatch(session, GLANCE, ids);
  return { messages: found, ...rest };
}

/** The same for threads, each with the number of messages that are expected in it. */
export async function fetchThreads(
  session: Session,
  threads: { id: string; messages: number }[],
): Promise<FetchedThreads> {
  const weights = new Map(threads.map(({ id, messages }) => [id, messages]));
  const { found, ...rest } = await fetchByBatch(
    session,
    threadKind((id) => weights.get(id) ?? 1),
    [...weights.keys()],
  );
  return { threads: found, ...rest };
}

function threadKind(weightOf: (id: string) => number): Kind<FetchedThreads['threads'][number]> {
  return {
    method: 'gmail.users.threads.get',
    pathOf: (id) =>
      `/gmail/v1/users/me/threads/${encodeURIComponent(id)}?format=full&prettyPrint=false`,
    // A message that is not whole is asked for alone, as one that the thread does not name.
    read: ({ id, messages }) => ({
      id,
      messages: identifiedOf(messages, 'messages').identified.filter(isWholeMessage),
    }),
    weightOf,
    batchWeight: BATCH_MESSAGES,
  };
}

/** The `raw` format, which threads.get does not know; each message with about how many bytes it has. It costs as much as the message itself. */
export async function fetchSources(
  session: Session,
  messages: { id: string; bytes: number }[],
): Promise<FetchedSources> {
  const bytes = new Map(messages.map((message) => [message.id, message.bytes]));
  const patient = {
    ...session,
    options: {
      ...session.options,
      maxQuotaWaitMs: Math.max(session.options.maxQuotaWaitMs ?? 0, SOURCE_QUOTA_WAIT_MS),
    },
  };
  const kind = sourceKind((id) => bytes.get(id) ?? BATCH_SOURCE_BYTES);
  const { found, missing, failed } = await fetchByBatch(patient, kind, [...bytes.keys()]);
  const without = found.flatMap(({ id, source }) => (source === null ? [id] : []));
  if (without.length === 0) return { sources: found, missing, failed };
  // A missing source is final, so it takes two answers without one.
  const again = await fetchByBatch(patient, kind, without).catch((error: unknown) => {
    if (!(error instanceof GoogleError)) throw error;
    return { found: [], missing: [], failed: without.map((id) => ({ id, error })) };
  });
  return {
    sources: [...found.filter(({ source }) => source !== null), ...again.found],
    missing: [...missing, ...again.missing],
    failed: [...failed, ...again.failed],
  };
}

function sourceKind(weightOf: (id: string) => number): Kind<FetchedSources['sources'][number]> {
  return {
    method: 'gmail.users.messages.get',
    pathOf: (id) =>
      `/gmail/v1/users/me/messages/${encodeURIComponent(id)}?format=raw&prettyPrint=false`,
    read: readSource,
    weightOf,
    batchWeight: BATCH_SOURCE_BYTES,
  };
}

function readSource({ id, raw }: JsonObject & { id: string }): FetchedSources['sources'][number] {
  return {
    id,
    source: typeof raw === 'string' && raw !== '' ? Buffer.from(raw, 'base64url') : null,
  };
}
