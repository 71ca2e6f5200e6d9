import type { ContactGroupRow, ContactRow, OtherContactRow } from './rows.js';
import { storable, textOf, type Fields } from '../../storable.js';

/* The column types of contacts and groups; see ../../storable.ts. */

const OTHER_CONTACT: Fields<OtherContactRow> = {
  id: 'id',
  displayName: 'text?',
  emailAddresses: texts,
  phoneNumbers: texts,
  etag: 'text?',
  resource: 'json',
};

// The groups' ids are texts here: a group that cannot be stored makes no contact unstorable.
const CONTACT: Fields<ContactRow> = { ...OTHER_CONTACT, groupIds: texts };

const CONTACT_GROUP: Fields<ContactGroupRow> = {
  id: 'id',
  name: 'text?',
  type: 'text?',
  etag: 'text?',
  resource: 'json',
};

export function storableContact(row: ContactRow): ContactRow {
  return storable(row, CONTACT);
}

export function storableOtherContact(row: OtherContactRow): OtherContactRow {
  return storable(row, OTHER_CONTACT);
}

export function storableContactGroup(row: ContactGroupRow): ContactGroupRow {
  return storable(row, CONTACT_GROUP);
}

function texts(values: unknown): string[] {
  return (values as unknown[]).map((value) => textOf(value) ?? '');
}
