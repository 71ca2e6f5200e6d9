import { RESOURCE_NAMES, RESOURCES, type Entity, type Resource } from './mirrors/resources.js';

/*
 * Every table with rows of an account, in the order in which they are erased. A test compares the
 * list with the database.
 */

/** The owner of a table's rows: the account itself, one of its collections, or a resource. */
type Owner = 'account' | 'collection' | Resource;

export interface AccountTable {
  name: string;
  owner: Owner;
  /**
   * The key columns of an account's row besides `account_id`: the rest of the primary key, or the
   * whole primary key when it does not begin with the account. A test compares them with the
   * database.
   */
  key: readonly string[];
  /** Name of the rows in the feed; absent when the feed does not contain them. */
  entity?: Entity;
}

/** Temporary lists of full syncs, which are cleared page by page. */
export const LISTING_TABLES = {
  full_sync_items: {
    name: 'full_sync_items',
    owner: 'collection',
    key: ['collection_id', 'generation', 'item_id'],
  },
  full_sync_labels: {
    name: 'full_sync_labels',
    owner: 'collection',
    key: ['collection_id', 'generation', 'item_id', 'label_id'],
  },
} as const satisfies Record<string, AccountTable>;

const RESOURCE_TABLES: readonly AccountTable[] = RESOURCE_NAMES.flatMap((owner) =>
  RESOURCES[owner].tables.map((table) => ({ ...table, owner })),
);

export const ACCOUNT_TABLES: readonly AccountTable[] = [
  { name: 'collections', owner: 'account', key: ['id'] },
  { name: 'collection_audits', owner: 'account', key: ['collection_id'] },
  { name: 'collection_crashes', owner: 'account', key: ['collection_id'] },
  { name: 'watches', owner: 'account', key: ['collection_id'] },
  { name: 'channels', owner: 'account', key: ['id'] },
  LISTING_TABLES.full_sync_items,
  LISTING_TABLES.full_sync_labels,
  { name: 'audit_items', owner: 'collection', key: ['collection_id', 'suspect', 'item_id'] },
  { name: 'held_items', owner: 'collection', key: ['collection_id', 'generation', 'item_id'] },
  { name: 'refetch_items', owner: 'collection', key: ['collection_id', 'item_id'] },
  { name: 'failing_items', owner: 'collection', key: ['collection_id', 'item_id'] },
  { name: 'quarantined_items', owner: 'collection', key: ['collection_id', 'item_id'] },
  ...RESOURCE_TABLES,
  { name: 'changes', owner: 'account', key: ['seq'] },
  { name: 'feed_heads', owner: 'account', key: [] },
  { name: 'quota_ledger', owner: 'account', key: ['day', 'method'] },
  { name: 'account_events', owner: 'account', key: ['id'] },
  { name: 'account_aliases', owner: 'account', key: ['address'] },
  { name: 'credentials', owner: 'account', key: [] },
];
