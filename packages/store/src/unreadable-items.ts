/** Items that cannot be read, as shown in the views of accounts. */
import { arrayLiteral } from './pool.js';
import type { Queryable } from './transaction.js';

/** An item in quarantine, or an item that could not be read and is retried soon. */
export interface UnreadableItemView {
  id: string;
  state: 'quarantined' | 'failing';
  reason: string;
  since: Date;
  /** Null: only `quarantine retry` retries it. */
  nextTryAt: Date | null;
}

/** The unreadable items of a collection. */
export interface UnreadableItems {
  /** Number of items in quarantine. */
  quarantined: number;
  /** The newest items in quarantine, and the items that are still being retried. */
  items: UnreadableItemView[];
}

/**
 * Maximum number of listed items of one collection: this many in quarantine, and this many that are
 * still being retried.
 */
const NAMED_LIMIT = 20;

/**
 * Returns the unreadable items of these accounts by collection. Collections without any are
 * omitted.
 */
export async function unreadableItemsOf(
  db: Queryable,
  accountIds: readonly string[],
): Promise<Map<string, UnreadableItems>> {
  const [quarantined, failing] = await Promise.all([
    quarantinedOf(db, accountIds),
    failingOf(db, accountIds),
  ]);
  const found = new Map<string, UnreadableItems>();
  for (const row of [...quarantined, ...failing]) {
    const known = found.get(row.collectionId) ?? { quarantined: 0, items: [] };
    const { id, state, reason, since, nextTryAt } = row;
    found.set(row.collectionId, {
      quarantined: state === 'quarantined' ? row.total : known.quarantined,
      items: [...known.items, { id, state, reason, since, nextTryAt }],
    });
  }
  return found;
}

interface Row extends UnreadableItemView {
  collectionId: string;
  /** Number of items of the collection in this state. */
  total: number;
}

async function quarantinedOf(db: Queryable, accountIds: readonly string[]): Promise<Row[]> {
  const { rows } = await db.query<Row>({
    name: 'quarantined-of-accounts',
    text: `SELECT collection_id AS "collectionId", item_id AS id, 'quarantined' AS state, reason,
                  first_at AS since, retry_at AS "nextTryAt", total::float8
             FROM (SELECT *, count(*) OVER (PARTITION BY collection_id) AS total,
                          row_number() OVER (PARTITION BY collection_id ORDER BY last_at DESC, item_id) AS nth
                     FROM syncline.quarantined_items WHERE account_id = ANY($1::uuid[])) AS numbered
            WHERE nth <= ${NAMED_LIMIT} ORDER BY collection_id, nth`,
    values: [arrayLiteral(accountIds, (id) => id)],
  });
  return rows;
}

async function failingOf(db: Queryable, accountIds: readonly string[]): Promise<Row[]> {
  const { rows } = await db.query<Row>({
    name: 'failing-of-accounts',
    text: `SELECT collection_id AS "collectionId", item_id AS id, 'failing' AS state, reason,
                  first_at AS since, retry_at AS "nextTryAt", 0::float8 AS total
             FROM (SELECT *, row_number() OVER (PARTITION BY collection_id ORDER BY last_at DESC, item_id) AS nth
                     FROM syncline.failing_items WHERE account_id = ANY($1::uuid[])) AS numbered
            WHERE nth <= ${NAMED_LIMIT} ORDER BY collection_id, nth`,
    values: [arrayLiteral(accountIds, (id) => id)],
  });
  return rows;
}
