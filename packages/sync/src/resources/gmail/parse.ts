import { partKeys, type GmailLabel, type GmailMessage } from '@syncline/google';
import { storable, type MessageRow, type LabelRow } from '@syncline/store';
import { addressesIn } from './addresses.js';
import { decodeText } from './charset.js';
import { historyIdIn } from './history-id.js';
import { decodeHeader } from './encoded-words.js';
import { readParameters } from './header-parameters.js';
import { partHeader, placedParts, type Part } from './part-tree.js';

/*
 * Google's message → row. Past this file no field is optional by accident. Gmail gives a part tree
 * with every header, body data as base64url in the part's own charset or recoded to UTF-8, and
 * attachments by an id that differs at every read: an attachment is identified by the part's key
 * (partKeys). Texts and numbers are cleaned at the end, in one pass.
 */

/** @throws when the message has no id or thread: such a response is not a message */
export function parseMessage(message: GmailMessage): MessageRow {
  if (!message.id || !message.threadId) throw new Error('a message without id or thread');
  const payload: Part = message.payload ?? {};
  const header = headerReader(payload);
  const content = contentOf(payload);
  const internalDateMs = dateMs(message.internalDate);
  const columns = {
    subject: header('subject'),
    from: header('from'),
    to: header('to'),
    cc: header('cc'),
    date: header('date'),
    messageId: header('message-id'),
  };
  return storable.message({
    id: message.id,
    threadId: message.threadId,
    historyId: historyIdIn(message.historyId),
    labelIds: [...new Set(message.labelIds ?? [])].sort(),
    internalDateMs,
    sizeEstimate: message.sizeEstimate ?? null,
    snippet: message.snippet ?? '',
    ...columns,
    addresses: storable.serialised(addressesIn(payload.headers ?? [])),
    resource: storable.serialised(resourceOf(message, columns, internalDateMs === null)),
    text: content.text.length > 0 ? content.text.join('\n') : null,
    html: content.html.length > 0 ? content.html.join('\n') : null,
    source: null,
    attachments: content.attachments,
  });
}

/** @throws when the label has no id */
export function labelRow(label: GmailLabel): LabelRow {
  if (!label.id) throw new Error('a label without id');
  return storable.label({
    id: label.id,
    name: label.name ?? label.id,
    type: label.type ?? 'user',
    resource: storable.serialised(label),
  });
}

interface Content {
  text: string[];
  html: string[];
  attachments: MessageRow['attachments'];
}

function contentOf(payload: Part): Content {
  const content: Content = { text: [], html: [], attachments: [] };
  const keys = partKeys(payload);
  for (const { part, role } of placedParts(payload)) {
    if (role === 'attachment') content.attachments.push(attachmentOf(part, keys.get(part) ?? ''));
    // An empty part comes without data: its text is empty, which differs from having no text.
    else if (role !== 'container') content[role].push(bodyText(part));
  }
  return content;
}

function attachmentOf(part: Part, key: string): MessageRow['attachments'][number] {
  return {
    partId: key,
    filename: filenameOf(part),
    mimeType: part.mimeType ?? '',
    size: part.body?.size ?? 0,
  };
}

/**
 * Gmail's own reading takes precedence; it may leave encoded words, and names in charsets that it
 * does not know.
 */
function filenameOf(part: Part): string {
  if (part.filename) return decodeHeader(part.filename);
  for (const [header, parameter] of FILENAMES) {
    const value = partHeader(part, header);
    const filename = value === null ? '' : readParameters(value).parameters.get(parameter);
    if (filename) return filename;
  }
  return '';
}

const FILENAMES = [
  ['content-disposition', 'filename'],
  ['content-type', 'name'],
] as const;

function bodyText(part: Part): string {
  const contentType = partHeader(part, 'content-type');
  return decodeText(
    Buffer.from(part.body?.data ?? '', 'base64url'),
    contentType === null ? null : (readParameters(contentType).parameters.get('charset') ?? null),
  );
}

function headerReader(payload: Part): (name: string) => string | null {
  return (name) => {
    const value = partHeader(payload, name);
    return value === null ? null : decodeHeader(value);
  };
}

function dateMs(internalDate: string | null | undefined): number | null {
  if (!internalDate || !/^-?\d{1,18}$/.test(internalDate)) return null;
  return storable.instant(Number(internalDate));
}

/** Returns Google's JSON without the fields that have a column or table of their own. */
function resourceOf(
  message: GmailMessage,
  columns: Parameters<typeof storable.headers>[1],
  keepDate: boolean,
): object {
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
    ...(payload ? { payload: withoutData(withoutColumnValues(payload, columns)) } : {}),
  };
}

function withoutColumnValues(part: Part, columns: Parameters<typeof storable.headers>[1]): Part {
  return part.headers ? { ...part, headers: storable.headers(part.headers, columns) } : part;
}

/**
 * Parts at a greater depth are left out of the tree: real mail does not nest so deep, and JSON that
 * does cannot be serialized.
 */
const DEPTH_LIMIT = 200;

function withoutData(part: Part, depth = 0): object {
  const { body, parts, ...rest } = part;
  return {
    ...rest,
    body: { size: body?.size ?? 0 },
    ...(parts && depth < DEPTH_LIMIT
      ? { parts: parts.map((child) => withoutData(child, depth + 1)) }
      : {}),
  };
}
