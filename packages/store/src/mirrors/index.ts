import {
  CALENDAR_EVENTS_MIRROR,
  CALENDAR_LIST_MIRROR,
  type CalendarEventsDelta,
  type CalendarListDelta,
} from './calendar/index.js';
import type { CollectionMirror } from './collection-mirror.js';
import { GMAIL_MIRROR, type GmailDelta } from './gmail/index.js';
import type { MessageListingDelta } from './gmail/listing.js';
import type pg from 'pg';
import { calendarMirrorIn, type CalendarMirror } from './calendar/export.js';
import { mailboxMirrorIn, type MailboxMirror } from './gmail/export.js';
import type { CollectionKind, Resource } from './resources.js';

/*
 * The registry of the mirrors' rows by kind of collection. A new kind does not compile until it is
 * listed here.
 */

/** Changes of one page to the rows of its collection. */
export type RowDelta = GmailDelta | CalendarListDelta | CalendarEventsDelta;

/**
 * Changes of one page. An incremental page cannot delete by absence. Only the `sweep` of a full
 * sync can, and it requires the list of the full sync.
 */
export type Delta = { kind: 'none' } | RowDelta;

/** The data that a page of a full sync writes in addition to the list of ids. */
export type ListingDelta = MessageListingDelta;

type DeltaOf<Kind extends CollectionKind> = Extract<RowDelta, { kind: Kind }>;

const MIRRORS: { readonly [Kind in CollectionKind]: CollectionMirror<DeltaOf<Kind>> } = {
  gmail: GMAIL_MIRROR,
  'calendar-list': CALENDAR_LIST_MIRROR,
  'calendar-events': CALENDAR_EVENTS_MIRROR,
};

/** Returns the mirror of a kind of collection. Its pages have deltas of the same kind. */
export function mirrorOf(kind: CollectionKind): CollectionMirror<RowDelta> {
  return MIRRORS[kind];
}

/** Reads the mirror's rows for export and comparison. */
export interface Mirror extends MailboxMirror, CalendarMirror {
  /** Reads a resource's rows as documents, sorted by id. */
  documents(accountId: string, resource: Resource): AsyncGenerator<object>;
}

export function mirrorIn(pool: pg.Pool): Mirror {
  const [mailbox, calendars] = [mailboxMirrorIn(pool), calendarMirrorIn(pool)];
  const documents: Record<Resource, (accountId: string) => AsyncGenerator<object>> = {
    gmail: (accountId) => mailbox.messages(accountId),
    calendar: (accountId) => calendars.events(accountId),
  };
  return {
    ...mailbox,
    ...calendars,
    documents: (accountId, resource) => documents[resource](accountId),
  };
}

export { PRIMARY_ADDRESS } from './calendar/identity.js';
export { addressesOver, type Addresses } from './gmail/addresses.js';
export { compareLists, type CompleteList } from './gmail/audit-lists.js';
export { HAS_MESSAGES, sampleDates, type StoredMessageDate } from './gmail/identity.js';
export { knownMessage } from './gmail/known-message.js';
export { labelQueriesIn, type LabelQueries } from './gmail/label-queries.js';
export { knownMessages } from './gmail/messages.js';
