import type { ResourceRows } from '../resources.js';

/** Contacts, other contacts and contact groups are each one collection with its own sync token. */
export const CONTACTS = {
  collections: ['contacts-connections', 'contacts-other', 'contacts-groups'],
  first: [
    { kind: 'contacts-connections', externalId: 'connections' },
    { kind: 'contacts-other', externalId: 'otherContacts' },
    { kind: 'contacts-groups', externalId: 'contactGroups' },
  ],
  scopes: [
    'https://www.googleapis.com/auth/contacts.readonly',
    'https://www.googleapis.com/auth/contacts.other.readonly',
  ],
  isDefault: false,
  // Every account has the system groups.
  hasOwnRows: `(EXISTS (SELECT 1 FROM syncline.contacts p WHERE p.account_id = a.id)
             OR EXISTS (SELECT 1 FROM syncline.other_contacts o WHERE o.account_id = a.id)
             OR EXISTS (SELECT 1 FROM syncline.contact_groups g WHERE g.account_id = a.id AND g.type IS DISTINCT FROM 'SYSTEM_CONTACT_GROUP'))`,
  isReadOneByOne: false,
  tables: [
    { name: 'contacts', key: ['id'], entity: 'contact' },
    { name: 'other_contacts', key: ['id'], entity: 'other_contact' },
    { name: 'contact_groups', key: ['id'], entity: 'contact_group' },
  ],
} as const satisfies ResourceRows;
