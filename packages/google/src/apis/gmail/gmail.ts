/** Gmail, one account's: each call is one page of Google's answer, checked and typed ("Gmail API v1" reference). */
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
  glanceAtMessages,
} from './messages.js';
import { namedItems, namedRecords } from '../../nameless.js';
import { requestPage } from '../../paging.js';
import { type Session, orNull, requestJson } from '../../request.js';
import { type GmailWatch, stopWatch, watchMailbox } from './watch.js';
import { addressOf, countOrNull, historyIdOrNull, identified } from '../../shape.js';

export type GmailHistory = gmail_v1.Schema$History;
export type GmailLabel = gmail_v1.Schema$Label;

/** Every call throws GoogleError, and the caller's abort reason. */
export interface Gmail {
  /** Who this is and where its history stands now: the sync position to pin before a full sync. */
  profile(): Promise<{
    emailAddress: string;
    /** Null when Google gave none, or one that is no count. */
    messagesTotal: number | null;
    threadsTotal: number | null;
    /** Null when Google gave none, or one that is no number. */
    historyId: bigint | null;
  }>;
  /**
   * One page of ids, 500 at most, newest first, spam and trash included unless said otherwise; with
   * `labelId` only that label's, with `search` only what Gmail's search finds. A search costs no
   * more, but is refused to the metadata scope; `after:` and `before:` take seconds since the epoch
   * (a date would be read in a zone of Google's choice). A page token that Google no longer takes
   * is thrown as `rejected` 400: the full sync starts over.
   */
  listMessages(q: ListQuery & { pageToken: string | null; labelId?: string }): Promise<{
    ids: { id: string; threadId: string }[];
    /** Messages without an id, which are not among `ids`. */
    nameless: number;
    nextPageToken: string | null;
  }>;
  /**
   * Whole messages, any number of ids; the order is not promised. An id is in exactly one of the three lists.
   * @throws GoogleError only when asking stopped before anything was fetched.
   */
  getMessages(ids: string[]): Promise<FetchedMessages>;
  /**
   * The same without headers and bodies: which of these messages there are, with their labels and
   * dates. Costs as much.
   */
  glanceAt(ids: string[]): Promise<FetchedMessages>;
  /**
   * Whole threads, each with its messages, spam and trash included; `messages` says how many are expected in it, which bounds the batches.
   * @throws GoogleError only when asking stopped before anything was fetched.
   */
  getThreads(threads: { id: string; messages: number }[]): Promise<FetchedThreads>;
  /**
   * The messages' sources, attachments included, in batches that are bounded by `bytes`, about what each message has. Costs as much as the messages.
   * The answer holds all that was asked for: the caller bounds it.
   * @throws GoogleError only when asking stopped before anything was fetched.
   */
  getSources(messages: { id: string; bytes: number }[]): Promise<FetchedSources>;
  /** Units that one message and one whole thread cost this project, by its tier. */
  prices: FetchPrices;
  /**
   * One page of what happened after `startHistoryId`; its `historyId` is null when Google gave
   * none, or one that is no number. Throws `sync-position-expired` when Google no longer goes back
   * that far.
   */
  history(q: {
    startHistoryId: bigint;
    pageToken: string | null;
  }): Promise<{ records: GmailHistory[]; historyId: bigint | null; nextPageToken: string | null }>;
  labels(): Promise<GmailLabel[]>;
  /** One label of the mailbox; null when Google does not have it. One unit. */
  label(id: string): Promise<GmailLabel | null>;
  /** The bytes of one part; null when the message or the part is no more. Costs two messages. */
  attachment(messageId: string, partId: string): Promise<Attachment | null>;
  /**
   * The bytes of an attachmentId that the message was just given out with: it is another one at
   * every read. Costs one message.
   */
  attachmentData(messageId: string, attachmentId: string): Promise<Buffer>;
  /** Begins or renews the mailbox's one watch; see watch.ts. */
  watch(topic: string): Promise<GmailWatch>;
  /** Ends it; also fine when there is none. */
  stopWatch(): Promise<void>;
}

/** Which messages a list is about. */
export interface ListQuery {
  /** Whether messages in spam and trash are listed; default true. */
  spamAndTrash?: boolean;
  search?: string;
}

/** What the two ways to whole messages cost, in quota units a call. */
export interface FetchPrices {
  message: number;
  thread: number;
}

/** `me` is whoever the token belongs to: an address in the path would end up in access logs. */
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
    glanceAt: (ids) => glanceAtMessages(session, ids),
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
      // A message whose thread is not told is read alone, as if it were a thread of its own.
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
      records: namedRecords(session, 'gmail.users.history.list', body.history),
      historyId: historyIdOrNull(body.historyId),
    }),
    ({ records }) =>
      records.map((record) => (typeof record.id === 'string' ? record.id : JSON.stringify(record))),
  );
}
