import type { ACCOUNT_TABLES } from './removal.js';

/** A table that holds rows of an account. */
export type AccountTable = (typeof ACCOUNT_TABLES)[number];

/**
 * What names a row of an account beside `account_id`: the rest of the primary key, or the whole of
 * one that does not begin with the account. A test compares this with the database.
 */
export const ROW_KEYS: Readonly<Record<AccountTable, readonly string[]>> = {
  collections: ['id'],
  watches: ['collection_id'],
  channels: ['id'],
  walk_items: ['collection_id', 'generation', 'item_id'],
  walk_labels: ['collection_id', 'generation', 'item_id', 'label_id'],
  audit_items: ['collection_id', 'suspect', 'item_id'],
  held_items: ['collection_id', 'generation', 'item_id'],
  wanted_items: ['collection_id', 'item_id'],
  failing_items: ['collection_id', 'item_id'],
  quarantined_items: ['collection_id', 'item_id'],
  gmail_bodies: ['message_id'],
  gmail_sources: ['message_id'],
  gmail_attachments: ['message_id', 'part_id'],
  gmail_messages: ['id'],
  gmail_threads: ['id'],
  gmail_labels: ['id'],
  calendar_events: ['calendar_id', 'id'],
  cancelled_occurrences: ['calendar_id', 'id'],
  calendars: ['id'],
  changes: ['seq'],
  quota_ledger: ['day', 'method'],
  account_aliases: ['address'],
  credentials: [],
};

/**
 * Deletes up to `limit` rows of the account `$1`. Rows are named by their keys and the account:
 * a row's physical place repeats across the partitions of a table.
 */
export function erasePageText(table: AccountTable, limit: number): string {
  const keys = ROW_KEYS[table];
  const isSame = keys.map((key) => `AND t.${key} = page.${key}`).join(' ');
  return `DELETE FROM syncline.${table} t
           USING (SELECT ${['account_id', ...keys].join(', ')} FROM syncline.${table} WHERE account_id = $1 LIMIT ${limit}) page
           WHERE t.account_id = $1 AND t.account_id = page.account_id ${isSame}`;
}

/**
 * Deletes up to `$3` rows of the collection `$2` of the account `$1`, in the order of the primary
 * key: a range of its index whatever the planner thinks of the table's size, since workers keep the
 * plans that they made while the table was empty.
 */
export function clearPageText(table: 'walk_items' | 'walk_labels'): string {
  const [, ...keys] = ROW_KEYS[table];
  const columns = keys.join(', ');
  const reversed = keys.map((key) => `${key} DESC`).join(', ');
  return `DELETE FROM syncline.${table} t WHERE t.account_id = $1 AND t.collection_id = $2 AND (${keys.map((key) => `t.${key}`).join(', ')}) <=
            (SELECT ${columns} FROM (SELECT ${columns} FROM syncline.${table} p WHERE p.account_id = $1 AND p.collection_id = $2 ORDER BY ${columns} LIMIT $3) page
              ORDER BY ${reversed} LIMIT 1)`;
}
