import type { ResourceRows } from '../resources.js';

/** A mailbox is one collection. */
export const GMAIL = {
  collections: ['gmail'],
  first: [{ kind: 'gmail', externalId: 'mailbox' }],
  scopes: ['https://www.googleapis.com/auth/gmail.readonly'],
  isDefault: true,
  // Every mailbox has the system labels. A full sync stores the other labels before it lists the
  // first message. Until the first full sync has ended, they are read again regardless of the
  // grant.
  hasOwnRows: `(EXISTS (SELECT 1 FROM syncline.gmail_messages m WHERE m.account_id = a.id)
             OR EXISTS (SELECT 1 FROM syncline.gmail_labels l JOIN syncline.collections c ON c.account_id = l.account_id WHERE l.account_id = a.id AND l.type <> 'system' AND c.kind = 'gmail' AND c.caught_up_at IS NOT NULL))`,
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
