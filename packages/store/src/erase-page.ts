import { LISTING_TABLES, type AccountTable } from './account-tables.js';

/**
 * Returns SQL that deletes up to `limit` rows of the account `$1`. Rows are identified by their
 * keys and the account, because a row's physical position is not unique across the partitions of a
 * table.
 */
export function erasePageText({ name, key: keys }: AccountTable, limit: number): string {
  const isSame = keys.map((key) => `AND t.${key} = page.${key}`).join(' ');
  return `DELETE FROM syncline.${name} t
           USING (SELECT ${['account_id', ...keys].join(', ')} FROM syncline.${name} WHERE account_id = $1 LIMIT ${limit}) page
           WHERE t.account_id = $1 AND t.account_id = page.account_id ${isSame}`;
}

/** The same of the collection `$2` of the account `$1`. */
export function erasePageOfCollectionText(
  { name, key: keys }: AccountTable,
  limit: number,
): string {
  const isSame = keys.map((key) => `AND t.${key} = page.${key}`).join(' ');
  return `DELETE FROM syncline.${name} t
           USING (SELECT ${keys.join(', ')} FROM syncline.${name} WHERE account_id = $1 AND collection_id = $2 LIMIT ${limit}) page
           WHERE t.account_id = $1 ${isSame}`;
}

/**
 * Returns SQL that deletes up to `$3` rows of the collection `$2` of the account `$1`, in the order
 * of the primary key. The statement always uses a range of its index, independently of the
 * planner's estimate of the table size, because workers keep plans that were made while the table
 * was empty.
 */
export function clearPageText(table: keyof typeof LISTING_TABLES): string {
  const [, ...keys] = LISTING_TABLES[table].key;
  const columns = keys.join(', ');
  const reversed = keys.map((key) => `${key} DESC`).join(', ');
  return `DELETE FROM syncline.${table} t WHERE t.account_id = $1 AND t.collection_id = $2 AND (${keys.map((key) => `t.${key}`).join(', ')}) <=
            (SELECT ${columns} FROM (SELECT ${columns} FROM syncline.${table} p WHERE p.account_id = $1 AND p.collection_id = $2 ORDER BY ${columns} LIMIT $3) page
              ORDER BY ${reversed} LIMIT 1)`;
}
