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
 * The registry of the mirrors' rows by kind of collection. Another kind does not compile before it
 * is named here.
 */

/** What a page means for the rows of its collection. */
export type RowDelta = GmailDelta | CalendarListDelta | CalendarEventsDelta;

/**
 * What a page means. An incremental page cannot delete by absence: only a full sync's `sweep` can,
 * and it needs the full sync's list.
 */
export type Delta = { kind: 'none' } | RowDelta;

/** What a page of a full sync writes beside the list of ids. */
export type ListingDelta = MessageListingDelta;

type DeltaOf<Kind extends CollectionKind> = Extract<RowDelta, { kind: Kind }>;

const MIRRORS: { readonly [Kind in CollectionKind]: CollectionMirror<DeltaOf<Kind>> } = {
  gmail: GMAIL_MIRROR,
  'calendar-list': CALENDAR_LIST_MIRROR,
  'calendar-events': CALENDAR_EVENTS_MIRROR,
};

/** The rows of collections of a kind. A page for them has the delta of the same kind. */
export function mirrorOf(kind: CollectionKind): CollectionMirror<RowDelta> {
  return MIRRORS[kind];
}

/** The mirror's rows, for whoever prints or compares them. */
export interface Mirror extends MailboxMirror, CalendarMirror {
  /** A resource's rows as documents, sorted by id. */
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
