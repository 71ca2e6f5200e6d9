import type pg from 'pg';
import type { QuarantinedItem } from './quarantine.js';

/** The key of an item in quarantine. */
export interface QuarantineKey {
  accountId: string;
  collectionId: string;
  itemId: string;
}

/** Selects the items of a page; null does not restrict it. */
export interface QuarantinePage {
  tenant: string | null;
  accountId: string | null;
  after: QuarantineKey | null;
  limit: number;
}

/** Returns items in the order of their keys, so that an item that stays is in exactly one page. */
export async function quarantinePage(
  pool: pg.Pool,
  { tenant, accountId, after, limit }: QuarantinePage,
): Promise<(QuarantinedItem & QuarantineKey)[]> {
  const { rows } = await pool.query<QuarantinedItem & QuarantineKey>(
    `SELECT q.account_id AS "accountId", q.collection_id AS "collectionId", a.email, a.tenant, c.kind, c.external_id AS "externalId", q.item_id AS "itemId",
            q.reason, q.attempts, q.first_at AS "firstAt", q.last_at AS "lastAt", q.retry_at AS "retryAt"
       FROM syncline.quarantined_items q JOIN syncline.accounts a ON a.id = q.account_id JOIN syncline.collections c ON c.id = q.collection_id
      WHERE ($1::text IS NULL OR a.tenant = $1) AND ($2::uuid IS NULL OR q.account_id = $2)
        AND ($3::uuid IS NULL OR (q.account_id, q.collection_id, q.item_id) > ($3, $4::uuid, $5::text))
      ORDER BY q.account_id, q.collection_id, q.item_id LIMIT $6`,
    [
      tenant,
      accountId,
      after?.accountId ?? null,
      after?.collectionId ?? null,
      after?.itemId ?? null,
      limit,
    ],
  );
  return rows;
}
