import type { CollectionWords } from '../words.js';

/** The maximum number of characters of an id in a table. */
const ID_LIMIT = 44;

export const CALENDAR_LIST_WORDS: CollectionWords = {
  name: () => 'calendar list',
  subject: 'the calendar',
};

export const CALENDAR_WORDS: CollectionWords = {
  name: (externalId) => `calendar ${shortened(externalId)}`,
  subject: 'the calendar',
};

/**
 * Shortens an id. Google's ids of secondary calendars are 64 digits long, and their beginnings
 * differ.
 */
function shortened(id: string): string {
  return id.length <= ID_LIMIT ? id : `${id.slice(0, 12)}…${id.slice(-26)}`;
}
