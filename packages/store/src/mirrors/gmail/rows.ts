/** The rows as the sync engine hands them over: plain data, already cleaned and decoded. */

export interface MessageRow {
  id: string;
  threadId: string;
  historyId: bigint;
  /** Sorted by code unit. */
  labelIds: string[];
  /** Milliseconds since the epoch, or null when a timestamptz cannot hold it. */
  internalDateMs: number | null;
  /** Google gives none for drafts. */
  sizeEstimate: number | null;
  snippet: string;
  subject: string | null;
  from: string | null;
  to: string | null;
  cc: string | null;
  date: string | null;
  messageId: string | null;
  /** MailAddresses, serialised. */
  addresses: string;
  /** What has no column, serialised. */
  resource: string;
  text: string | null;
  html: string | null;
  /** RFC 822, as Google has it; null where it is not kept. */
  source: Buffer | null;
  attachments: AttachmentRow[];
}

/** What is in `gmail_messages.addresses`: whom a message's headers name. A header that the message does not have has no key here, one that names nobody an empty list. */
export type MailAddresses = Partial<
  Record<'from' | 'to' | 'cc' | 'bcc' | 'replyTo' | 'sender', MailAddress[]>
>;

export interface MailAddress {
  /** Encoded words decoded; null where there is none. */
  name: string | null;
  /** `local@domain`, case as it was written; null where what stands there is no address: then `name` is that text. */
  address: string | null;
  /** The name of the group that it is a member of. */
  group?: string;
}

export interface AttachmentRow {
  partId: string;
  filename: string;
  mimeType: string;
  size: number;
}

/** A message's labels after the changes of one history page: `add` and `remove` have no label in common. */
export interface LabelChange {
  id: string;
  add: string[];
  remove: string[];
  historyId: bigint;
}

export interface LabelRow {
  id: string;
  name: string;
  type: string;
  resource: string;
}
