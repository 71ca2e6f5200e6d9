/**
 * Ground truth: the export of a perfect mirror, in the export's format and order. It is computed
 * from the world itself and not from the API's answers. The decoding is deliberately implemented a
 * second time here, so that an error of the API is detected.
 */
import { decodeText } from '../mime/charset.js';
import { headerValue } from '../mime/headers.js';
import { isLeaf, parseMessage, type Part } from '../mime/part.js';
import { decodeWords } from '../mime/words.js';
import { snippetOf } from '../gmail/snippet.js';
import type { StoredMessage } from '../mailbox.js';
import { withoutDetails, type EventBody } from '../calendar/event.js';
import type { CalendarStore } from '../calendar/store.js';
import type { Account } from '../world.js';

export interface GmailTruth {
  id: string;
  threadId: string;
  labelIds: string[];
  /** Ms since the epoch as text, as at Google. */
  internalDate: string;
  /** Null for drafts, whose resource has none. */
  sizeEstimate: number | null;
  snippet: string;
  subject: string | null;
  from: string | null;
  to: string | null;
  cc: string | null;
  date: string | null;
  messageId: string | null;
  text: string | null;
  html: string | null;
  attachments: { partId: string; filename: string; mimeType: string; size: number }[];
}

export interface CalendarTruth {
  calendarId: string;
  event: EventBody;
}

/** Yields every message, sorted by id. */
export function* gmailTruth(account: Account): Generator<GmailTruth> {
  const messages = [...account.mailbox.messages()].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const message of messages) yield messageTruth(account, message);
}

/**
 * Yields every event of every calendar on the user's list, sorted by calendar and event id. Deleted
 * events are left out; cancelled occurrences are included while their series exists.
 */
export function* calendarTruth(account: Account): Generator<CalendarTruth> {
  const entries = account.shelf.current().sort((a, b) => (a.calendar.id < b.calendar.id ? -1 : 1));
  for (const { calendar, accessRole } of entries) {
    const events = calendar
      .all()
      .filter((event) => !event.deleted && !isOrphan(calendar, event.body))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const event of events)
      yield {
        calendarId: calendar.id,
        event: accessRole === 'freeBusyReader' ? withoutDetails(event.body) : event.body,
      };
  }
}

/**
 * Whether this is a cancelled occurrence of a series that is not in the calendar; it does not count
 * as an event.
 */
function isOrphan(calendar: CalendarStore, body: EventBody): boolean {
  if (body.status !== 'cancelled' || body.recurringEventId === undefined) return false;
  return calendar.get(body.recurringEventId)?.deleted ?? true;
}

function messageTruth(account: Account, message: StoredMessage): GmailTruth {
  const raw = account.mailbox.raw(message);
  const root = parseMessage(raw);
  const header = (name: string): string | null => {
    const value = headerValue(root.headers, name);
    return value === null ? null : decodeWords(value);
  };
  return {
    id: message.id,
    threadId: message.threadId,
    labelIds: [...message.labelIds].sort(),
    internalDate: String(message.internalDateMs),
    sizeEstimate: message.labelIds.includes('DRAFT') ? null : raw.length,
    snippet: snippetOf(root),
    subject: header('subject'),
    from: header('from'),
    to: header('to'),
    cc: header('cc'),
    date: header('date'),
    messageId: header('message-id'),
    text: inlineText(root, 'text/plain'),
    html: inlineText(root, 'text/html'),
    attachments: attachmentsOf(root),
  };
}

/**
 * Returns the text of all inline leaves of that type in document order, without those of forwarded
 * messages; null when there is none.
 */
function inlineText(root: Part, mimeType: string): string | null {
  const texts: string[] = [];
  const visit = (part: Part): void => {
    if (part.mimeType === 'message/rfc822') return;
    if (isLeaf(part) && part.mimeType === mimeType && part.filename === '' && !part.attached)
      texts.push(decodeText(part.body, part.charset));
    part.parts.forEach(visit);
  };
  visit(root);
  return texts.length === 0 ? null : texts.join('\n');
}

/**
 * Returns every leaf that is not text of the message, and forwarded messages with a name. The text
 * of a forwarded message is part of that message's bytes; when the API provides none, each of its
 * texts is listed.
 */
function attachmentsOf(root: Part): GmailTruth['attachments'] {
  const found: GmailTruth['attachments'] = [];
  const visit = (part: Part, texts: 'own' | 'covered' | 'listed'): void => {
    const isMessage = part.mimeType === 'message/rfc822';
    const isText =
      part.filename === '' && !part.attached && /^text\/(?:plain|html)$/.test(part.mimeType);
    const isListed = isLeaf(part)
      ? !isText || texts === 'listed'
      : isMessage && part.filename !== '';
    if (isListed)
      found.push({
        partId: part.id,
        filename: part.filename,
        mimeType: part.mimeType,
        size: part.body.length,
      });
    const inner = isListed || texts === 'covered' ? 'covered' : 'listed';
    for (const child of part.parts) visit(child, isMessage ? inner : texts);
  };
  visit(root, 'own');
  return found;
}
