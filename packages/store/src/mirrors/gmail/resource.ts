import type { ResourceRows } from '../resources.js';

/** A mailbox is one collection. */
export const GMAIL = {
  collections: ['gmail'],
  first: { kind: 'gmail', externalId: 'mailbox' },
  isDefault: true,
  isReadOneByOne: true,
  methodsWithDayLimit: 'gmail.%',
  tables: [
    { name: 'gmail_bodies', key: ['message_id'] },
    { name: 'gmail_sources', key: ['message_id'] },
    { name: 'gmail_attachments', key: ['message_id', 'part_id'] },
    { name: 'gmail_messages', key: ['id'], entity: 'message' },
    { name: 'gmail_threads', key: ['id'] },
    { name: 'gmail_labels', key: ['id'], entity: 'label' },
  ],
} as const satisfies ResourceRows;
