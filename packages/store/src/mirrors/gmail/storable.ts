import type { AttachmentRow, LabelRow, MessageRow } from './rows.js';
import { faultOf, faultOfAny, quarantineId, storable, type Fields } from '../../storable.js';

/* The column types of messages, attachments and labels; see ../../storable.ts. */

/** Labels share a mailbox's quarantine with its messages and have this prefix there. */
const LABEL_PREFIX = 'label:';

export function quarantinedLabel(labelId: string): string {
  return LABEL_PREFIX + quarantineId(labelId);
}

export function isQuarantinedLabel(itemId: string): boolean {
  return itemId.startsWith(LABEL_PREFIX);
}

const MESSAGE: Fields<MessageRow> = {
  id: 'id',
  threadId: 'id',
  historyId: 'int8',
  labelIds: 'ids',
  internalDateMs: 'instant?',
  sizeEstimate: 'size?',
  snippet: 'text',
  subject: 'text?',
  from: 'text?',
  to: 'text?',
  cc: 'text?',
  date: 'text?',
  messageId: 'text?',
  addresses: 'json',
  resource: 'json',
  text: 'text?',
  html: 'text?',
  source: 'bytes?',
  attachments: (parts) => (parts as AttachmentRow[]).map((part) => storable(part, ATTACHMENT)),
};

/**
 * `partId` is a key that Syncline's parser creates (docs/reference/tables.md), not Google's part
 * id.
 */
const ATTACHMENT: Fields<AttachmentRow> = {
  partId: 'text',
  filename: 'text',
  mimeType: 'text',
  size: 'size',
};

const LABEL: Fields<LabelRow> = {
  id: 'id',
  name: 'text',
  type: 'text',
  resource: 'json',
};

/** Does not change ids; `messageFault` checks them. */
export function storableMessage(row: MessageRow): MessageRow {
  return storable(row, MESSAGE);
}

export function storableLabel(row: LabelRow): LabelRow {
  return storable(row, LABEL);
}

/** Returns the reason why the row cannot be stored with these ids; null when they are valid. */
export function messageFault({ id, threadId, labelIds }: MessageRow): string | null {
  return faultOf('id', id) ?? faultOf('thread id', threadId) ?? faultOfAny('label id', labelIds);
}
