import type { Queryable } from '../../transaction.js';

/* Data of the stored messages that identifies the owner of the mailbox. */

/** SQL: whether the account `a` has messages that can be compared. */
export const HAS_MESSAGES =
  'EXISTS (SELECT 1 FROM syncline.gmail_messages m WHERE m.account_id = a.id AND m.internal_date IS NOT NULL)';

export interface StoredMessageDate {
  id: string;
  internalDateMs: number;
}

/**
 * Returns sample messages: the next message after each of several times spread evenly between the
 * oldest and the newest message. Remaining places are filled with the newest messages.
 */
export async function sampleDates(
  pool: Queryable,
  accountId: string,
  limit: number,
): Promise<StoredMessageDate[]> {
  const { rows } = await pool.query<{ id: string; ms: string }>(
    `WITH ends AS MATERIALIZED (SELECT min(internal_date) AS oldest, max(internal_date) AS newest FROM syncline.gmail_messages WHERE account_id = $1),
          spread AS MATERIALIZED (
            SELECT m.id, m.internal_date FROM ends, generate_series(0, $2::int - 1) n,
                   LATERAL (SELECT id, internal_date FROM syncline.gmail_messages
                             WHERE account_id = $1 AND internal_date >= oldest + (newest - oldest) * (n / greatest($2::int - 1, 1)::float8)
                             ORDER BY internal_date LIMIT 1) m),
          latest AS MATERIALIZED (SELECT id, internal_date FROM syncline.gmail_messages WHERE account_id = $1 AND internal_date IS NOT NULL ORDER BY internal_date DESC LIMIT $2)
     SELECT id, extract(epoch FROM internal_date) * 1000 AS ms, min(place) AS place
       FROM (SELECT id, internal_date, 0 AS place FROM spread UNION ALL SELECT id, internal_date, 1 FROM latest) AS both_ways
      GROUP BY id, internal_date ORDER BY place, internal_date LIMIT $2`,
    [accountId, limit],
  );
  return rows.map(({ id, ms }) => ({ id, internalDateMs: Math.round(Number(ms)) }));
}
