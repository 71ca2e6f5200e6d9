import type { CollectionWords } from '../words.js';

export const CONNECTIONS_WORDS: CollectionWords = { name: () => 'contacts', subject: 'the list' };

export const OTHER_CONTACTS_WORDS: CollectionWords = {
  name: () => 'other contacts',
  subject: 'the list',
};

export const CONTACT_GROUPS_WORDS: CollectionWords = {
  name: () => 'contact groups',
  subject: 'the list',
};
