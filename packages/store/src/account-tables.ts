import { RESOURCE_NAMES, RESOURCES, type Entity, type Resource } from './mirrors/resources.js';

/*
 * Every table that holds rows of an account, in the order in which they are erased. A test asks the
 * database for others.
 */

/** What a table's rows belong to: the account itself, one of its collections, or a resource. */
type Owner = 'account' | 'collection' | Resource;

export interface AccountTable {
  name: string;
  owner: Owner;
  /**
   * What names a row of an account beside `account_id`: the rest of the primary key, or the whole
   * of one that does not begin with the account. A test compares this with the database.
   */
  key: readonly string[];
  /** What the feed calls a row of it; absent where the feed does not name it. */
  entity?: Entity;
}

/** Scratch of full syncs, which is cleared page by page. */
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
  { name: 'quota_ledger', owner: 'account', key: ['day', 'method'] },
  { name: 'account_aliases', owner: 'account', key: ['address'] },
  { name: 'credentials', owner: 'account', key: [] },
];
