import type { ContactGroup, GoogleAccount, Named, PeoplePage, Person } from '@syncline/google';
import { storable, type ContactKind } from '@syncline/store';
import { fingerprint } from '../../fingerprint.js';
import type { Meaning } from '../sync-token/source.js';
import { meaningOfConnections, meaningOfGroups, meaningOfOtherContacts } from './interpret.js';

/* The three lists of the People API: how a page is read, and what it means. */

type Item = Named<Person | ContactGroup>;

export interface ContactList {
  /** Google's name of the listing, for messages. */
  method: string;
  /** The kind of its rows in the export. */
  kind: ContactKind;
  /** @throws GoogleError */
  read(
    google: GoogleAccount,
    position: { syncToken: string | null; pageToken: string | null },
  ): Promise<ListPage>;
}

interface ListPage extends Omit<PeoplePage<Person | ContactGroup>, 'items'> {
  items: Item[];
  meaning: Meaning;
}

export const CONNECTIONS_LIST: ContactList = {
  method: 'people.people.connections.list',
  kind: 'person',
  read: async ({ people }, position) => {
    const page = await people.connections(position);
    return { ...page, meaning: meaningOfConnections(page.items) };
  },
};

export const OTHER_CONTACTS_LIST: ContactList = {
  method: 'people.otherContacts.list',
  kind: 'other',
  read: async ({ people }, position) => {
    const page = await people.otherContacts(position);
    return { ...page, meaning: meaningOfOtherContacts(page.items) };
  },
};

export const CONTACT_GROUPS_LIST: ContactList = {
  method: 'people.contactGroups.list',
  kind: 'group',
  read: async ({ people }, position) => {
    const page = await people.contactGroups(position);
    return { ...page, meaning: meaningOfGroups(page.items) };
  },
};

/**
 * Reads a whole list as fingerprints by resource name. It is read as a full sync reads it, because
 * sync requests show changes minutes later than others.
 */
export async function fingerprintsOf(
  google: GoogleAccount,
  list: ContactList,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let pageToken: string | null = null; ;) {
    const page: ListPage = await list.read(google, { syncToken: null, pageToken });
    const live = new Set(page.meaning.listedIds);
    for (const { id, resource } of page.items)
      if (live.has(id)) found.set(id, fingerprint(JSON.parse(storable.json(resource))));
    pageToken = page.nextPageToken;
    if (pageToken === null) return found;
  }
}
