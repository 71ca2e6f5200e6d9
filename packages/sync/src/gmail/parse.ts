import type { GmailMessage } from '@syncline/google';
import { cleanJson, cleanText, type AttachmentRow, type MessageRow } from '@syncline/store';
import { addressesIn } from './addresses.js';
import { decodeHeader, decodeText, headerParameter } from './decode.js';

/*
 * Google's message → row. Past this file nothing is optional by accident.
 * Gmail gives a part tree with every header, body data as base64url in the part's own charset, and attachments by an id that is
 * another one at every read: the part's id is what identifies an attachment.
 */

type Part = NonNullable<GmailMessage['payload']>;

/** A timestamptz holds years 4713 BC to 294276; beyond JavaScript's own range there is nothing to convert. */
const MAX_DATE_MS = 8.64e15;
const MIN_DATE_MS = -2.1e14;

/** @throws when the message has no id or thread: such an answer is not a message */
export function parseMessage(message: GmailMessage): MessageRow {
  if (!message.id || !message.threadId) throw new Error('a message without id or thread');
  const payload: Part = message.payload ?? {};
  const header = headerReader(payload);
  const content: Content = { text: [], html: [], attachments: [] };
  collect(payload, false, content);
  const internalDateMs = dateMs(message.internalDate);
  return {
    id: message.id,
    threadId: message.threadId,
    historyId: BigInt(message.historyId ?? '0'),
    labelIds: [...new Set(message.labelIds ?? [])].sort(),
    internalDateMs,
    sizeEstimate: message.sizeEstimate ?? null,
    snippet: cleanText(message.snippet ?? ''),
    subject: header('subject'),
    from: header('from'),
    to: header('to'),
    cc: header('cc'),
    date: header('date'),
    messageId: header('message-id'),
    addresses: cleanJson(addressesIn(payload.headers ?? [])),
    resource: cleanJson(resourceOf(message, internalDateMs === null)),
    text: content.text.length > 0 ? cleanText(content.text.join('\n')) : null,
    html: content.html.length > 0 ? cleanText(content.html.join('\n')) : null,
    source: null,
    attachments: content.attachments,
  };
}

interface Content {
  text: string[];
  html: string[];
  attachments: AttachmentRow[];
}

/** Walks the part tree in document order. Text inside an attached message belongs to that message, not to this one. */
function collect(part: Part, insideAttachedMessage: boolean, into: Content): void {
  const mimeType = (part.mimeType ?? '').toLowerCase();
  const container = mimeType.startsWith('multipart/');
  const attachedMessage = mimeType === 'message/rfc822';
  if (!container) {
    if (isAttachment(part, mimeType, attachedMessage)) {
      into.attachments.push({
        partId: part.partId ?? '',
        filename: cleanText(part.filename ?? ''),
        mimeType: part.mimeType ?? '',
        size: part.body?.size ?? 0,
      });
    } else if (!insideAttachedMessage) {
      // An empty part comes without data: its text is empty, which is not the same as having no text.
      if (mimeType === 'text/plain') into.text.push(bodyText(part, part.body?.data ?? ''));
      else if (mimeType === 'text/html') into.html.push(bodyText(part, part.body?.data ?? ''));
    }
  }
  for (const child of part.parts ?? [])
    collect(child, insideAttachedMessage || attachedMessage, into);
}

function isAttachment(part: Part, mimeType: string, attachedMessage: boolean): boolean {
  if (part.filename || part.body?.attachmentId) return true;
  if (attachedMessage || mimeType === '') return false;
  if (!mimeType.startsWith('text/')) return true;
  return /^\s*attachment\b/i.test(partHeader(part, 'content-disposition') ?? '');
}

function bodyText(part: Part, data: string): string {
  const contentType = partHeader(part, 'content-type');
  return decodeText(
    Buffer.from(data, 'base64url'),
    contentType === null ? null : headerParameter(contentType, 'charset'),
  );
}

function headerReader(payload: Part): (name: string) => string | null {
  return (name) => {
    const value = partHeader(payload, name);
    return value === null ? null : cleanText(decodeHeader(value));
  };
}

/** Names are compared without case, and of a repeated header the first counts. */
function partHeader(part: Part, name: string): string | null {
  for (const header of part.headers ?? []) {
    if (header.name?.length === name.length && header.name.toLowerCase() === name)
      return header.value ?? '';
  }
  return null;
}

function dateMs(internalDate: string | null | undefined): number | null {
  if (!internalDate || !/^-?\d{1,18}$/.test(internalDate)) return null;
  const ms = Number(internalDate);
  return ms >= MIN_DATE_MS && ms <= MAX_DATE_MS ? ms : null;
}

/** Google's JSON without what has a column or table of its own. */
function resourceOf(message: GmailMessage, keepDate: boolean): object {
  const {
    id: _id,
    threadId: _threadId,
    labelIds: _labels,
    snippet: _snippet,
    historyId: _history,
    sizeEstimate: _size,
    raw: _raw,
    internalDate,
    payload,
    ...rest
  } = message;
  return {
    ...rest,
    ...(keepDate && internalDate ? { internalDate } : {}),
    ...(payload ? { payload: withoutData(payload) } : {}),
  };
}

function withoutData(part: Part): object {
  const { body, parts, ...rest } = part;
  return {
    ...rest,
    body: { size: body?.size ?? 0 },
    ...(parts ? { parts: parts.map(withoutData) } : {}),
  };
}
