import { LISTING_TABLES, type AccountTable } from './account-tables.js';

/**
 * Deletes up to `limit` rows of the account `$1`. Rows are named by their keys and the account:
 * a row's physical place repeats across the partitions of a table.
 */
export function erasePageText({ name, key: keys }: AccountTable, limit: number): string {
  const isSame = keys.map((key) => `AND t.${key} = page.${key}`).join(' ');
  return `DELETE FROM syncline.${name} t
           USING (SELECT ${['account_id', ...keys].join(', ')} FROM syncline.${name} WHERE account_id = $1 LIMIT ${limit}) page
           WHERE t.account_id = $1 AND t.account_id = page.account_id ${isSame}`;
}

/**
 * Deletes up to `$3` rows of the collection `$2` of the account `$1`, in the order of the primary
 * key: a range of its index whatever the planner thinks of the table's size, since workers keep the
 * plans that they made while the table was empty.
 */
export function clearPageText(table: keyof typeof LISTING_TABLES): string {
  const [, ...keys] = LISTING_TABLES[table].key;
  const columns = keys.join(', ');
  const reversed = keys.map((key) => `${key} DESC`).join(', ');
  return `DELETE FROM syncline.${table} t WHERE t.account_id = $1 AND t.collection_id = $2 AND (${keys.map((key) => `t.${key}`).join(', ')}) <=
            (SELECT ${columns} FROM (SELECT ${columns} FROM syncline.${table} p WHERE p.account_id = $1 AND p.collection_id = $2 ORDER BY ${columns} LIMIT $3) page
              ORDER BY ${reversed} LIMIT 1)`;
}
