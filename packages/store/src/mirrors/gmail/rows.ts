/** The rows as the sync engine passes them: plain data, already cleaned and decoded. */

export interface MessageRow {
  id: string;
  threadId: string;
  historyId: bigint;
  /** Sorted by code unit. */
  labelIds: string[];
  /** Milliseconds since the epoch; null when the date does not fit into a timestamptz. */
  internalDateMs: number | null;
  /** Null for drafts: Google returns none. */
  sizeEstimate: number | null;
  snippet: string;
  subject: string | null;
  from: string | null;
  to: string | null;
  cc: string | null;
  date: string | null;
  messageId: string | null;
  /** The addresses of the headers, serialised (docs/reference/tables.md). */
  addresses: string;
  /** Google's fields without a column, serialised. */
  resource: string;
  text: string | null;
  html: string | null;
  /** RFC 822 source, as Google returns it; null when sources are not kept. */
  source: Buffer | null;
  attachments: AttachmentRow[];
}

export interface AttachmentRow {
  partId: string;
  filename: string;
  mimeType: string;
  size: number;
}

/** Label changes of a message in one history page. `add` and `remove` have no label in common. */
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
