/**
 * Gmail for one account. Each call returns one page of Google's answer, checked and typed ("Gmail
 * API v1" reference).
 */
import type { gmail_v1 } from 'googleapis/build/src/apis/gmail/v1';
import { type Attachment, fetchAttachment, fetchAttachmentData } from './attachment.js';
import { unitsOf } from '../../costs.js';
import {
  type FetchedMessages,
  type FetchedSources,
  type FetchedThreads,
  fetchMessages,
  fetchSources,
  fetchThreads,
  fetchMinimalMessages,
} from './messages.js';
import { namedItems, readHistoryRecords, recordKey } from '../../nameless.js';
import { requestPage } from '../../paging.js';
import { type Session, orNull, requestJson } from '../../request.js';
import { type GmailWatch, stopWatch, watchMailbox } from './watch.js';
import { addressOf, countOrNull, historyIdOrNull, identified } from '../../shape.js';

export type GmailHistory = gmail_v1.Schema$History;
export type GmailLabel = gmail_v1.Schema$Label;

/** Every call throws GoogleError, or the caller's abort reason. */
export interface Gmail {
  /**
   * Returns the address of the mailbox and its current history id, which is the sync position to
   * store before a full sync.
   */
  profile(): Promise<{
    emailAddress: string;
    /** Null when Google returned none, or a value that is not a count. */
    messagesTotal: number | null;
    threadsTotal: number | null;
    /** Null when Google returned none, or a value that is not a number. */
    historyId: bigint | null;
  }>;
  /**
   * Returns one page of at most 500 ids, newest first. Spam and trash are included by default;
   * `labelId` restricts the list to a label, `search` to a Gmail search. A search costs the same,
   * but Google refuses it with the metadata scope. `after:` and `before:` take seconds since the
   * epoch, because Google would interpret a date in a time zone of its choice. A page token that
   * Google no longer accepts is thrown as `rejected` 400, and the full sync starts over.
   */
  listMessages(q: ListQuery & { pageToken: string | null; labelId?: string }): Promise<{
    ids: { id: string; threadId: string }[];
    /** Number of messages without an id; they are not in `ids`. */
    nameless: number;
    nextPageToken: string | null;
  }>;
  /**
   * Returns whole messages for any number of ids, in no particular order. Each id is in exactly one
   * of the three lists.
   * @throws GoogleError only when requests stopped before anything was fetched
   */
  getMessages(ids: string[]): Promise<FetchedMessages>;
  /**
   * Returns the messages without headers and bodies: which of them exist, with labels and dates.
   * Costs the same as `getMessages`.
   */
  getMinimal(ids: string[]): Promise<FetchedMessages>;
  /**
   * Returns whole threads with their messages, spam and trash included. `messages` is the expected
   * number of messages, which bounds the batches.
   * @throws GoogleError only when requests stopped before anything was fetched
   */
  getThreads(threads: { id: string; messages: number }[]): Promise<FetchedThreads>;
  /**
   * Returns the sources of messages, attachments included. `bytes` is the approximate size of each
   * message, which bounds the batches. Costs the same as the messages. The answer holds all
   * requested sources, so the caller must bound the request.
   * @throws GoogleError only when requests stopped before anything was fetched
   */
  getSources(messages: { id: string; bytes: number }[]): Promise<FetchedSources>;
  /** Units of one message and of one whole thread in this project's price tier. */
  prices: FetchPrices;
  /**
   * Returns one page of the changes after `startHistoryId`. Its `historyId` is null when Google
   * returned none, or a value that is not a number. Throws `sync-position-expired` when Google no
   * longer has the history back to that id.
   */
  history(q: {
    startHistoryId: bigint;
    pageToken: string | null;
  }): Promise<{ records: GmailHistory[]; historyId: bigint | null; nextPageToken: string | null }>;
  labels(): Promise<GmailLabel[]>;
  /** Returns one label; null when Google does not have it. Costs one unit. */
  label(id: string): Promise<GmailLabel | null>;
  /**
   * Returns the bytes of one part; null when the message or the part no longer exists. Costs as
   * much as two messages.
   */
  attachment(messageId: string, partId: string): Promise<Attachment | null>;
  /**
   * Returns the bytes of an attachmentId from a message that was just read; the id differs at every
   * read. Costs as much as one message.
   */
  attachmentData(messageId: string, attachmentId: string): Promise<Buffer>;
  /** Begins or renews the mailbox's only watch; see watch.ts. */
  watch(topic: string): Promise<GmailWatch>;
  /** Ends the watch; succeeds when there is none. */
  stopWatch(): Promise<void>;
}

/** Selects the messages of a list. */
export interface ListQuery {
  /** Whether messages in spam and trash are listed; default true. */
  spamAndTrash?: boolean;
  search?: string;
}

/** The prices of the two ways to fetch whole messages, in quota units per call. */
export interface FetchPrices {
  message: number;
  thread: number;
}

/** `me` is the owner of the token. An address in the path would appear in access logs. */
const USER = '/gmail/v1/users/me';
const PAGE = '500';

export function gmailOf(session: Session): Gmail {
  return {
    profile: () =>
      requestJson(
        session,
        { method: 'gmail.users.getProfile', path: `${USER}/profile` },
        (body) => ({
          emailAddress: addressOf(body.emailAddress, 'emailAddress'),
          messagesTotal: countOrNull(body.messagesTotal),
          threadsTotal: countOrNull(body.threadsTotal),
          historyId: historyIdOrNull(body.historyId),
        }),
      ),
    listMessages: (q) => listMessages(session, q),
    getMessages: (ids) => fetchMessages(session, ids),
    getMinimal: (ids) => fetchMinimalMessages(session, ids),
    getThreads: (threads) => fetchThreads(session, threads),
    getSources: (messages) => fetchSources(session, messages),
    prices: {
      message: unitsOf('gmail.users.messages.get', session.tier),
      thread: unitsOf('gmail.users.threads.get', session.tier),
    },
    history: (q) => history(session, q),
    watch: (topic) => watchMailbox(session, `${USER}/watch`, topic),
    stopWatch: () => stopWatch(session, `${USER}/stop`),
    attachment: (messageId, partId) =>
      fetchAttachment(session, `${USER}/messages`, messageId, partId),
    attachmentData: (messageId, attachmentId) =>
      fetchAttachmentData(session, `${USER}/messages`, messageId, attachmentId),
    labels: () =>
      requestJson(
        session,
        { method: 'gmail.users.labels.list', path: `${USER}/labels` },
        (body) => namedItems(session, 'gmail.users.labels.list', body.labels, 'labels').items,
      ),
    label: (id) =>
      orNull(
        requestJson(
          session,
          { method: 'gmail.users.labels.get', path: `${USER}/labels/${encodeURIComponent(id)}` },
          (body) => identified(body, 'label'),
        ),
      ),
  };
}

function listMessages(
  session: Session,
  { pageToken, labelId, search, spamAndTrash = true }: Parameters<Gmail['listMessages']>[0],
): ReturnType<Gmail['listMessages']> {
  const query = new URLSearchParams({ maxResults: PAGE, includeSpamTrash: String(spamAndTrash) });
  if (search !== undefined) query.set('q', search);
  if (labelId !== undefined) query.set('labelIds', labelId);
  return requestPage(
    session,
    { method: 'gmail.users.messages.list', path: `${USER}/messages`, query, pageToken },
    (body) => {
      const { items, nameless } = namedItems(
        session,
        'gmail.users.messages.list',
        body.messages,
        'messages',
      );
      // A message without a thread id is fetched alone, as if it were a thread of its own.
      const ids = items.map(({ id, threadId }) => ({
        id,
        threadId: typeof threadId === 'string' && threadId !== '' ? threadId : id,
      }));
      return { ids, nameless };
    },
    ({ ids }) => ids.map(({ id }) => id),
  );
}

function history(
  session: Session,
  { startHistoryId, pageToken }: { startHistoryId: bigint; pageToken: string | null },
): ReturnType<Gmail['history']> {
  const query = new URLSearchParams({ startHistoryId: String(startHistoryId), maxResults: PAGE });
  return requestPage(
    session,
    { method: 'gmail.users.history.list', path: `${USER}/history`, query, pageToken },
    (body) => ({
      records: readHistoryRecords(session, 'gmail.users.history.list', body.history),
      historyId: historyIdOrNull(body.historyId),
    }),
    ({ records }) => records.map(recordKey),
  );
}
