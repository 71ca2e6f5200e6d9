import type { CollectionKind, Resource } from '@syncline/store';
import { CALENDAR_EVENTS_FACTS, CALENDAR_FACTS, CALENDAR_LIST_FACTS } from './calendar/facts.js';
import { GMAIL_FACTS, MAILBOX_FACTS } from './gmail/facts.js';

/* The registry of what tables and sentences need to know of each resource and kind of collection. */

export interface ResourceFacts {
  /** What Google calls it. */
  title: string;
  /** Its API, as the Google Cloud console names it. */
  api: string;
}

export interface CollectionFacts {
  /**
   * What a 404 to the collection's own requests means: somebody's mistake, which is looked at
   * again, or that the collection is over.
   */
  notFound: 'parked' | 'gone';
  /** How often it is synced in full while Google gives no sync position. */
  fullSyncPaceMs: number;
  /** For a person, why it has none. */
  noPosition: string;
  watch: WatchFacts;
}

export interface WatchFacts {
  /** Google publishes to a Pub/Sub topic, or posts to a channel's address. */
  via: 'topic' | 'channel';
  /** Google drops changes within a second of a notification. */
  dropsWithinSecond: boolean;
  /** Why Google refuses a watch, for a person. */
  forbidden(reason: string): string;
  notFound: string;
  unsupported: string;
  rejected(reason: string): string;
}

export const RESOURCE_FACTS: Readonly<Record<Resource, ResourceFacts>> = {
  gmail: GMAIL_FACTS,
  calendar: CALENDAR_FACTS,
};

export const COLLECTION_FACTS: Readonly<Record<CollectionKind, CollectionFacts>> = {
  gmail: MAILBOX_FACTS,
  'calendar-list': CALENDAR_LIST_FACTS,
  'calendar-events': CALENDAR_EVENTS_FACTS,
};
