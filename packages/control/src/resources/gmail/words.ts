import type { CollectionWords } from '../words.js';

export const MAILBOX_WORDS: CollectionWords = { name: () => 'mailbox', subject: 'it' };
