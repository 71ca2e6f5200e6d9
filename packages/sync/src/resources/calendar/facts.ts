import type { CollectionFacts, ResourceFacts, WatchFacts } from '../facts.js';

export const CALENDAR_FACTS: ResourceFacts = {
  title: 'Google Calendar',
  api: 'calendar-json.googleapis.com',
};

const WATCH: WatchFacts = {
  via: 'channel',
  dropsWithinSecond: false,
  forbidden: (reason) => `Google does not allow it (${reason})`,
  notFound: 'Google does not find it',
  unsupported: 'Google does not notify of changes of this calendar; it is polled',
  rejected: (reason) => `Google rejected the channel (${reason})`,
};

/** A calendar list exists as long as its account does. */
export const CALENDAR_LIST_FACTS: CollectionFacts = {
  notFound: 'parked',
  // A full sync costs a request for every 2,500 events.
  fullSyncPaceMs: 30 * 60_000,
  noPosition: 'Google gives no sync token here',
  watch: WATCH,
};

/**
 * A single calendar can disappear. Its calendar list reports that too, and reopens it when it comes
 * back.
 */
export const CALENDAR_EVENTS_FACTS: CollectionFacts = { ...CALENDAR_LIST_FACTS, notFound: 'gone' };
