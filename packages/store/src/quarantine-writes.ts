import type { Lease } from './lease.js';
import { arrayLiteral } from './pool.js';
import { retryDelaysMs, type QuarantineCause } from './quarantine-schedule.js';
import type { Transaction } from './transaction.js';

/*
 * The statements of a page's commit for items that cannot be stored: failing, quarantined, or no
 * longer either.
 */

/** An item that cannot be stored. Its cause determines the time of the retry. */
export interface SetAside {
  id: string;
  reason: string;
  cause: QuarantineCause;
}

/** An item that could not be read and is retried soon. */
export interface FailingItem {
  id: string;
  reason: string;
  /** Number of attempts that count, including this one. */
  tries: number;
  /**
   * How often in a row, up to this attempt, Google answered that the item does not exist; absent: 0.
   */
  missingTries?: number;
  retryInMs: number;
}

/** Quarantining resets the crash counter, so that a retry gets the full number of attempts. */
export function quarantine(session: Transaction, lease: Lease, items: readonly SetAside[]): void {
  session.send({
    name: 'quarantine-put',
    text: `WITH reset_crashes AS (UPDATE syncline.collection_crashes SET in_flight_item = NULL, in_flight_crashes = 0 WHERE collection_id = $2 AND in_flight_item = ANY($3::text[])),
                failed AS (DELETE FROM syncline.failing_items WHERE account_id = $1 AND collection_id = $2 AND item_id = ANY($3::text[]))
           INSERT INTO syncline.quarantined_items AS q (account_id, collection_id, item_id, reason, cause, retry_at)
           SELECT $1, $2, u.id, u.reason, u.cause, now() + (u.delays::bigint[])[1] * interval '1 ms' FROM unnest($3::text[], $4::text[], $6::text[], $5::text[]) AS u(id, reason, cause, delays)
           ON CONFLICT (account_id, collection_id, item_id) DO UPDATE SET reason = excluded.reason, cause = excluded.cause, attempts = q.attempts + 1, last_at = now(),
              retry_at = (SELECT now() + (u.delays::bigint[])[least(q.attempts + 1, cardinality(u.delays::bigint[]))] * interval '1 ms'
                            FROM unnest($3::text[], $5::text[]) AS u(id, delays) WHERE u.id = excluded.item_id)`,
    values: [
      lease.accountId,
      lease.collectionId,
      arrayLiteral(items, (i) => i.id),
      arrayLiteral(items, (i) => i.reason),
      arrayLiteral(items, (i) => delaysLiteral(i.cause)),
      arrayLiteral(items, (i) => i.cause),
    ],
  });
}

/** Returns the delays as a Postgres array of bigint. */
function delaysLiteral(cause: QuarantineCause): string {
  return `{${retryDelaysMs(cause)
    .map((delayMs) => delayMs ?? 'NULL')
    .join(',')}}`;
}

export function noteFailing(
  session: Transaction,
  lease: Lease,
  items: readonly FailingItem[],
): void {
  session.send({
    name: 'failing-put',
    text: `INSERT INTO syncline.failing_items AS f (account_id, collection_id, item_id, reason, tries, missing_tries, retry_at)
           SELECT $1, $2, u.id, u.reason, u.tries, u.missing, now() + u.delay * interval '1 ms' FROM unnest($3::text[], $4::text[], $5::int[], $6::int[], $7::int[]) AS u(id, reason, tries, missing, delay)
           ON CONFLICT (account_id, collection_id, item_id) DO UPDATE SET reason = excluded.reason, tries = excluded.tries, missing_tries = excluded.missing_tries, last_at = now(), retry_at = excluded.retry_at`,
    values: [
      lease.accountId,
      lease.collectionId,
      arrayLiteral(items, (i) => i.id),
      arrayLiteral(items, (i) => i.reason),
      arrayLiteral(items, (i) => i.tries),
      arrayLiteral(items, (i) => i.missingTries ?? 0),
      arrayLiteral(items, (i) => Math.round(i.retryInMs)),
    ],
  });
}

export function endQuarantine(session: Transaction, lease: Lease, ids: string[]): void {
  session.send({
    name: 'quarantine-end',
    text: `WITH failed AS (DELETE FROM syncline.failing_items WHERE account_id = $1 AND collection_id = $2 AND item_id = ANY($3::text[]))
           DELETE FROM syncline.quarantined_items WHERE account_id = $1 AND collection_id = $2 AND item_id = ANY($3::text[])`,
    values: [lease.accountId, lease.collectionId, arrayLiteral(ids, (id) => id)],
  });
}

export function endReread(session: Transaction, lease: Lease): void {
  session.send({
    name: 'quarantine-reread',
    text: `WITH answered AS (DELETE FROM syncline.refetch_items WHERE account_id = $1 AND collection_id = $2)
           DELETE FROM syncline.quarantined_items q USING syncline.collections c
            WHERE q.account_id = $1 AND q.collection_id = $2 AND c.id = $2 AND q.last_at < c.full_sync_started_at`,
    values: [lease.accountId, lease.collectionId],
  });
}
