/* The types of each resource's rows for code outside the store. */

export type { CalendarRow, EventRow, EventTime } from './calendar/rows.js';
export { storableCalendar, storableEvent } from './calendar/storable.js';
export type { CompleteList } from './gmail/audit-lists.js';
export type { ExportedMessage } from './gmail/export.js';
export type { StoredMessageDate } from './gmail/identity.js';
export type {
  AttachmentRow,
  LabelChange,
  LabelRow,
  MailAddress,
  MailAddresses,
  MessageRow,
} from './gmail/rows.js';
export { isQuarantinedLabel, storableLabel, storableMessage } from './gmail/storable.js';
export type { LabelLoss } from './gmail/full-sync-labels.js';
export type { Delta } from './index.js';
