import type { CollectionKind } from '@syncline/store';
import { CALENDAR_LIST_WORDS, CALENDAR_WORDS } from './calendar/words.js';
import { MAILBOX_WORDS } from './gmail/words.js';
import type { CollectionWords } from './words.js';

/* The registry of the names of the kinds of collections for people. */

export const COLLECTION_WORDS: Readonly<Record<CollectionKind, CollectionWords>> = {
  gmail: MAILBOX_WORDS,
  'calendar-list': CALENDAR_LIST_WORDS,
  'calendar-events': CALENDAR_WORDS,
};

export { quotasOfTier, type Tier } from './gmail/tier.js';
