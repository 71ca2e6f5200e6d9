import {
  CALENDAR_EVENTS_MIRROR,
  CALENDAR_LIST_MIRROR,
  type CalendarEventsDelta,
  type CalendarListDelta,
} from './calendar/index.js';
import type { CollectionMirror } from './collection-mirror.js';
import { contactReadsIn, type ContactReads } from './contacts/contact-reads.js';
import { contactDocuments, contactsMirrorIn, type ContactsMirror } from './contacts/export.js';
import {
  CONNECTIONS_MIRROR,
  CONTACT_GROUPS_MIRROR,
  OTHER_CONTACTS_MIRROR,
  type ContactsDelta,
} from './contacts/index.js';
import { GMAIL_MIRROR, type GmailDelta } from './gmail/index.js';
import type { MessageListingDelta } from './gmail/listing.js';
import type pg from 'pg';
import { calendarReadsIn, type CalendarReads } from './calendar/calendar-reads.js';
import { calendarMirrorIn, type CalendarMirror } from './calendar/export.js';
import type { Clock } from '@syncline/runtime';
import { contentReadsIn, type ContentReads } from './gmail/content-reads.js';
import { mailReadsIn, type MailReads } from './gmail/mail-reads.js';
import { mailboxMirrorIn, type MailboxMirror } from './gmail/export.js';
import { knownMessages } from './gmail/messages.js';
import type { CollectionKind, Resource } from './resources.js';

/*
 * The registry of the mirrors' rows by kind of collection. A new kind does not compile until it is
 * listed here.
 */

/** Changes of one page to the rows of its collection. */
export type RowDelta = GmailDelta | CalendarListDelta | CalendarEventsDelta | ContactsDelta;

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
  'contacts-connections': CONNECTIONS_MIRROR,
  'contacts-other': OTHER_CONTACTS_MIRROR,
  'contacts-groups': CONTACT_GROUPS_MIRROR,
};

/** Returns the mirror of a kind of collection. Its pages have deltas of the same kind. */
export function mirrorOf(kind: CollectionKind): CollectionMirror<RowDelta> {
  return MIRRORS[kind];
}

/** Reads the mirror's rows for export and comparison. */
export interface Mirror extends MailboxMirror, CalendarMirror, ContactsMirror {
  /** Reads a resource's rows as documents, sorted by id. */
  documents(accountId: string, resource: Resource): AsyncGenerator<object>;
  /** Returns the messages and labels among these that are stored and need not be fetched. */
  knownMessages(
    accountId: string,
    ids: readonly string[],
    labelIds: readonly string[],
  ): Promise<{ messages: Set<string>; labels: Set<string> }>;
}

export function mirrorIn(pool: pg.Pool): Mirror {
  const [mailbox, calendars] = [mailboxMirrorIn(pool), calendarMirrorIn(pool)];
  const people = contactsMirrorIn(pool);
  const documents: Record<Resource, (accountId: string) => AsyncGenerator<object>> = {
    gmail: (accountId) => mailbox.messages(accountId),
    calendar: (accountId) => calendars.events(accountId),
    contacts: (accountId) => contactDocuments(people.contacts(accountId)),
  };
  return {
    ...mailbox,
    ...calendars,
    ...people,
    documents: (accountId, resource) => documents[resource](accountId),
    knownMessages: (accountId, ids, labelIds) => knownMessages(pool, accountId, ids, labelIds),
  };
}

/** Reads pages of the mirror's rows, with the feed's position that they belong to. */
export interface Reads extends MailReads, ContentReads, CalendarReads, ContactReads {
  /** @returns null when the account does not exist */
  size(accountId: string): Promise<AccountSize | null>;
}

/** How much an account has, by what is mirrored and by what its mailbox's full sync has found. */
interface AccountSize {
  messages: number;
  /** Mean number of messages in a thread. */
  threads: number;
  calendars: number;
  /** With other contacts; null when they are not mirrored. */
  contacts: number | null;
}

export function readsIn(clock: Pick<Clock, 'nowMs'>, pool: pg.Pool): Reads {
  return {
    ...mailReadsIn(clock, pool),
    ...contentReadsIn(pool),
    ...calendarReadsIn(pool),
    ...contactReadsIn(pool),
    size: async (accountId) =>
      (await pool.query<AccountSize>(ACCOUNT_SIZE, [accountId])).rows[0] ?? null,
  };
}

const ACCOUNT_SIZE = `
  WITH mail AS (SELECT (SELECT count(*) FROM syncline.gmail_messages WHERE account_id = $1) AS messages, (SELECT count(*) FROM syncline.gmail_threads WHERE account_id = $1) AS threads)
  SELECT greatest(m.messages, (SELECT max(c.progress_total) FROM syncline.collections c WHERE c.account_id = $1 AND c.kind = 'gmail'))::float8 AS messages,
         greatest(1, m.messages::float8 / greatest(1, m.threads)) AS threads,
         (SELECT count(*)::int FROM syncline.calendars WHERE account_id = $1) AS calendars,
         CASE WHEN 'contacts' = ANY(a.resources) THEN (SELECT count(*)::int FROM syncline.contacts WHERE account_id = $1) + (SELECT count(*)::int FROM syncline.other_contacts WHERE account_id = $1) END AS contacts
    FROM syncline.accounts a, mail m WHERE a.id = $1`;

export { PRIMARY_ADDRESS } from './calendar/identity.js';
export { KNOWN_PEOPLE } from './contacts/identity.js';
export { addressesOver, type Addresses } from './gmail/addresses.js';
export { compareLists, type CompleteList } from './gmail/audit-lists.js';
export { HAS_MESSAGES, sampleDates, type StoredMessageDate } from './gmail/identity.js';
export { knownMessage } from './gmail/known-message.js';
export { labelQueriesIn, type LabelQueries } from './gmail/label-queries.js';
