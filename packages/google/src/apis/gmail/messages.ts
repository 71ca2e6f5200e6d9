/** Fetches whole messages, whole threads and the sources of messages through the batch endpoint. */
import type { gmail_v1 } from 'googleapis/build/src/apis/gmail/v1';
import { type Kind, fetchByBatch } from './batch-fetch.js';
import { GoogleError } from '../../errors.js';
import { hasLabels, isCompleteMessage } from './message-shape.js';
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
   * RFC 822, byte for byte as Google stores it; null for a message without a source, such as a chat
   * (got-your-back #84).
   */
  sources: { id: string; source: Buffer | null }[];
  /** Ids that Google answered 404 for. */
  missing: string[];
  failed: { id: string; error: GoogleError }[];
}

/**
 * The largest number of messages in one batch, unless a single thread has more: about 10 MB of
 * ordinary mail.
 */
const BATCH_MESSAGES = 100;
/**
 * The largest total size of the sources in one batch, unless a single one is larger. Sources
 * include their attachments, and base64 makes them a third larger.
 */
const BATCH_SOURCE_BYTES = 8 * 1024 * 1024;
/**
 * A source waits longer for quota than other calls. The message itself has been paid for by then,
 * and would be paid for again if its source were postponed.
 */
const SOURCE_QUOTA_WAIT_MS = 1_000;

const MESSAGE: Kind<GmailMessage> = {
  method: 'gmail.users.messages.get',
  pathOf: (id) =>
    `/gmail/v1/users/me/messages/${encodeURIComponent(id)}?format=full&prettyPrint=false`,
  read: (message) => (isCompleteMessage(message) ? message : null),
  weightOf: () => 1,
  batchWeight: BATCH_MESSAGES,
};

const MINIMAL_MESSAGE: Kind<GmailMessage> = {
  ...MESSAGE,
  read: (message) => (hasLabels(message) ? message : null),
  pathOf: (id) =>
    `/gmail/v1/users/me/messages/${encodeURIComponent(id)}?format=minimal&prettyPrint=false`,
};

/**
 * Fetches whole messages. The order of the result is Google's.
 * @throws GoogleError when requests stopped before anything was fetched
 */
export async function fetchMessages(session: Session, ids: string[]): Promise<FetchedMessages> {
  const { found, ...rest } = await fetchByBatch(session, MESSAGE, ids);
  return { messages: found, ...rest };
}

/**
 * Fetches messages in the `minimal` format: labels and dates, without headers and bodies. It costs
 * the same.
 */
export async function fetchMinimalMessages(
  session: Session,
  ids: string[],
): Promise<FetchedMessages> {
  const { found, ...rest } = await fetchByBatch(session, MINIMAL_MESSAGE, ids);
  return { messages: found, ...rest };
}

/** Fetches whole threads, each with its expected number of messages. */
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
    // An incomplete message is left out; the caller fetches it alone, like one that the thread does
    // not contain.
    read: ({ id, messages }) => ({
      id,
      messages: identifiedOf(messages, 'messages').identified.filter(isCompleteMessage),
    }),
    weightOf,
    batchWeight: BATCH_MESSAGES,
  };
}

/**
 * Fetches messages in the `raw` format, which threads.get does not support. Each comes with its
 * approximate size in bytes. It costs as much as the message itself.
 */
export async function fetchSources(
  session: Session,
  messages: { id: string; bytes: number }[],
): Promise<FetchedSources> {
  const bytes = new Map(messages.map((message) => [message.id, message.bytes]));
  const sessionWithLongWait = {
    ...session,
    options: {
      ...session.options,
      maxQuotaWaitMs: Math.max(session.options.maxQuotaWaitMs ?? 0, SOURCE_QUOTA_WAIT_MS),
    },
  };
  const kind = sourceKind((id) => bytes.get(id) ?? BATCH_SOURCE_BYTES);
  const { found, missing, failed } = await fetchByBatch(sessionWithLongWait, kind, [
    ...bytes.keys(),
  ]);
  const without = found.flatMap(({ id, source }) => (source === null ? [id] : []));
  if (without.length === 0) return { sources: found, missing, failed };
  // A missing source is recorded permanently, so two answers without one are required.
  const again = await fetchByBatch(sessionWithLongWait, kind, without).catch((error: unknown) => {
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
