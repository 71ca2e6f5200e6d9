import { resourceOf, type CollectionKind, type Resource } from '@syncline/store';
import { CONTACTS_FACTS, CONTACTS_LIST_FACTS, OTHER_CONTACTS_FACTS } from './contacts/facts.js';
import { CALENDAR_EVENTS_FACTS, CALENDAR_FACTS, CALENDAR_LIST_FACTS } from './calendar/facts.js';
import { GMAIL_FACTS, MAILBOX_FACTS } from './gmail/facts.js';

/*
 * The registry of the facts that tables and texts need about each resource and kind of collection.
 */

export interface ResourceFacts {
  /** Google's name of the resource. */
  title: string;
  /** The name of its API in the Google Cloud console. */
  api: string;
}

export interface CollectionFacts {
  /** Google's name of what it holds, if its scope is not that of the whole resource. */
  title?: string;
  /**
   * What a 404 to the collection's own requests means: an error that may pass, so the collection is
   * parked, or the end of the collection.
   */
  notFound: 'parked' | 'gone';
  /** How often it is synced in full while Google gives no sync position. */
  fullSyncPaceMs: number;
  /** For a person: why there is no sync position. */
  noPosition: string;
  watch: WatchFacts;
}

export interface WatchFacts {
  /**
   * How Google notifies: it publishes to a Pub/Sub topic, or posts to a channel's address. Null: it
   * does not.
   */
  via: 'topic' | 'channel' | null;
  /** Google drops changes within a second of a notification. */
  dropsWithinSecond: boolean;
  /** For a person: why Google refuses a watch. */
  forbidden(reason: string): string;
  notFound: string;
  unsupported: string;
  rejected(reason: string): string;
}

const RESOURCE_FACTS: Readonly<Record<Resource, ResourceFacts>> = {
  gmail: GMAIL_FACTS,
  calendar: CALENDAR_FACTS,
  contacts: CONTACTS_FACTS,
};

export const COLLECTION_FACTS: Readonly<Record<CollectionKind, CollectionFacts>> = {
  gmail: MAILBOX_FACTS,
  'calendar-list': CALENDAR_LIST_FACTS,
  'calendar-events': CALENDAR_EVENTS_FACTS,
  'contacts-connections': CONTACTS_LIST_FACTS,
  'contacts-other': OTHER_CONTACTS_FACTS,
  'contacts-groups': CONTACTS_LIST_FACTS,
};

/** Returns Google's names of what a collection holds and of its API, for a person. */
export function googleNamesOf(kind: CollectionKind): ResourceFacts {
  const { title, api } = RESOURCE_FACTS[resourceOf(kind)];
  return { title: COLLECTION_FACTS[kind].title ?? title, api };
}
