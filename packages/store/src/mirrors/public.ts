import { cleanJson, serialised } from '../clean-text.js';
import { clampInstant, isStorableId, quarantineId } from '../storable.js';
import { CALENDAR_LIST_READ, EVERY_EVENT_READ, eventsRead } from './calendar/calendar-reads.js';
import { storableCalendar, storableEvent } from './calendar/storable.js';
import { contactsRead } from './contacts/contact-reads.js';
import {
  storableContact,
  storableContactGroup,
  storableOtherContact,
} from './contacts/storable.js';
import { withoutColumnValues } from './gmail/header-values.js';
import { MAILBOX_READ } from './gmail/mail-reads.js';
import { isQuarantinedLabel, storableLabel, storableMessage } from './gmail/storable.js';

/* The rows of each resource for code outside the store. */

export type { InstanceSources } from './calendar/instance-sources.js';
export type { CalendarRow, EventRow } from './calendar/rows.js';
export type { ContactKind } from './contacts/export.js';
export type { ContactGroupRow, ContactRow, OtherContactRow } from './contacts/rows.js';
export type { ExportedMessage } from './gmail/export.js';
export type { LabelRow, MessageRow } from './gmail/rows.js';

/** The collections that each kind of rows is read from, for their freshness. */
export const READ_FROM = {
  mail: MAILBOX_READ,
  calendarList: CALENDAR_LIST_READ,
  everyEvent: EVERY_EVENT_READ,
  /** @param ids the calendars' */
  events: eventsRead,
  /** @param kind null: all three lists */
  contacts: contactsRead,
} as const;

/**
 * The form in which values of Google are stored. It is applied to rows when a page is parsed, and to
 * Google's answers when they are compared with rows.
 */
export const storable = {
  /** These clean the texts of a row and clamp its numbers; its ids are not changed. */
  message: storableMessage,
  label: storableLabel,
  event: storableEvent,
  calendar: storableCalendar,
  contact: storableContact,
  otherContact: storableOtherContact,
  contactGroup: storableContactGroup,
  /** Leaves out the values of a message's headers that its row's columns hold. */
  headers: withoutColumnValues,
  /** Serialises and cleans a document. */
  json: cleanJson,
  /** Serialises a document that `message`, `label`, `event` or `calendar` cleans. */
  serialised,
  instant: clampInstant,
  isId: isStorableId,
  /** The id under which an item is quarantined. */
  quarantineId,
  /** Whether an id in the quarantine of a mailbox is that of a label. */
  isQuarantinedLabel,
} as const;
