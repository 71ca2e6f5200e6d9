import type { CollectionKind, Resource } from '@syncline/store';
import { CALENDAR_CONSENT } from './calendar/consent.js';
import { calendarShape, type AskedCalendars } from './calendar/plan.js';
import { CALENDAR_LIST_WORDS, CALENDAR_WORDS } from './calendar/words.js';
import type { ResourceConsent } from './consent.js';
import { CONTACTS_CONSENT } from './contacts/consent.js';
import { contactsShape, type AskedContacts } from './contacts/plan.js';
import { CONNECTIONS_WORDS, CONTACT_GROUPS_WORDS, OTHER_CONTACTS_WORDS } from './contacts/words.js';
import { GMAIL_CONSENT } from './gmail/consent.js';
import { MAILBOX_WORDS } from './gmail/words.js';
import type { CollectionWords } from './words.js';

/* The registry of the names of the kinds of collections for people. */

export const COLLECTION_WORDS: Readonly<Record<CollectionKind, CollectionWords>> = {
  gmail: MAILBOX_WORDS,
  'calendar-list': CALENDAR_LIST_WORDS,
  'calendar-events': CALENDAR_WORDS,
  'contacts-connections': CONNECTIONS_WORDS,
  'contacts-other': OTHER_CONTACTS_WORDS,
  'contacts-groups': CONTACT_GROUPS_WORDS,
};

/** What a person is asked for each resource. */
export const CONSENTS: Readonly<Record<Resource, ResourceConsent>> = {
  gmail: GMAIL_CONSENT,
  calendar: CALENDAR_CONSENT,
  contacts: CONTACTS_CONSENT,
};

export { quotasOfTier, type Tier } from './gmail/tier.js';

/** What is asked of an account's resources in a plan, beside its mail. */
export type AskedResources = AskedCalendars & AskedContacts;

export function resourceShape(
  asked: AskedResources,
): ReturnType<typeof calendarShape> & ReturnType<typeof contactsShape> {
  return { ...calendarShape(asked), ...contactsShape(asked) };
}
