import type { CollectionKind, Resource } from '@syncline/store';
import { CALENDAR, CALENDAR_EVENTS, CALENDAR_LIST } from './calendar/index.js';
import { CONNECTIONS, CONTACT_GROUPS, CONTACTS, OTHER_CONTACTS } from './contacts/index.js';
import { GMAIL, MAILBOX } from './gmail/index.js';
import type { CollectionModule, ResourceModule } from './resource.js';

/*
 * The registry of resources. A further resource or kind of collection does not compile until it has
 * an entry here, in facts.ts and in the store's registry.
 */

const RESOURCES: Readonly<Record<Resource, ResourceModule>> = {
  gmail: GMAIL,
  calendar: CALENDAR,
  contacts: CONTACTS,
};

const COLLECTIONS: Readonly<Record<CollectionKind, CollectionModule>> = {
  gmail: MAILBOX,
  'calendar-list': CALENDAR_LIST,
  'calendar-events': CALENDAR_EVENTS,
  'contacts-connections': CONNECTIONS,
  'contacts-other': OTHER_CONTACTS,
  'contacts-groups': CONTACT_GROUPS,
};

export function resourceModule(resource: Resource): ResourceModule {
  return RESOURCES[resource];
}

export function collectionModule(kind: CollectionKind): CollectionModule {
  return COLLECTIONS[kind];
}

export { fillAddresses } from './gmail/fill-addresses.js';
