import type { ResourceConsent } from '../consent.js';

const READ = 'https://www.googleapis.com/auth/contacts.readonly';
const ANY = [READ, 'https://www.googleapis.com/auth/contacts'];
/** People from correspondence. Without it their list alone is parked. */
const OTHER = 'https://www.googleapis.com/auth/contacts.other.readonly';

export const CONTACTS_CONSENT: ResourceConsent = {
  scopes: [READ, OTHER],
  covers: (granted) => ANY.some((scope) => granted.has(scope)),
  title: 'Contacts',
  reads: 'your contacts, your contact groups and the people in “Other contacts”',
};
