import type { CollectionFacts, ResourceFacts, WatchFacts } from '../facts.js';

export const CONTACTS_FACTS: ResourceFacts = {
  title: 'Google Contacts',
  api: 'people.googleapis.com',
};

const UNSUPPORTED = 'Google does not notify of changes of contacts; they are polled';

/** Google sends no notifications of contacts, so no watch is ever requested. */
const WATCH: WatchFacts = {
  via: null,
  dropsWithinSecond: false,
  forbidden: () => UNSUPPORTED,
  notFound: UNSUPPORTED,
  unsupported: UNSUPPORTED,
  rejected: () => UNSUPPORTED,
};

/** The lists exist as long as their account does. */
export const CONTACTS_LIST_FACTS: CollectionFacts = {
  notFound: 'parked',
  // The first page of a full sync has a quota of its own, which Google does not name.
  fullSyncPaceMs: 2 * 60 * 60_000,
  noPosition: 'Google gives no sync token here',
  watch: WATCH,
};

/** Google's consent page has them apart from the contacts. */
export const OTHER_CONTACTS_FACTS: CollectionFacts = {
  ...CONTACTS_LIST_FACTS,
  title: '"Other contacts"',
};
