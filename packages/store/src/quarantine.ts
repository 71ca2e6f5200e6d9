import type pg from 'pg';
import { LeaseLost, type Lease } from './lease.js';
import { knownMessage } from './mirrors/index.js';
import {
  COLLECTION_KINDS,
  hasKind,
  isReadOneByOne,
  type CollectionKind,
} from './mirrors/resources.js';
import { arrayLiteral } from './pool.js';
import { quarantinePage, type QuarantineKey, type QuarantinePage } from './quarantine-page.js';
import { STAND_IN_PATTERN } from './storable.js';
import { byIndex, inTransaction } from './transaction.js';

/*
 * Items that cannot be stored (quarantined_items), and items to read again regardless of the mirror
 * (refetch_items). Both are stored in Postgres. A run adds requested items to its list in the same
 * commit that removes the request.
 */

export interface QuarantinedItem {
  accountId: string;
  email: string;
  tenant: string;
  kind: CollectionKind;
  externalId: string;
  itemId: string;
  reason: string;
  attempts: number;
  firstAt: Date;
  lastAt: Date;
  /** Time of the automatic retry; null: only `retry` retries the item. */
  retryAt: Date | null;
}

/** Items that cannot be stored, and items to read again. */
export interface Quarantine {
  list(accountIds: readonly string[] | null): Promise<QuarantinedItem[]>;
  /** Returns items in the order of their keys. */
  page(page: QuarantinePage): Promise<(QuarantinedItem & QuarantineKey)[]>;
  /**
   * Requests a retry; null for `ids` means all items of the account.
   * @returns the number of items that will be read again
   */
  retry(accountId: string, ids: readonly string[] | null): Promise<number>;
  drop(accountId: string, ids: readonly string[]): Promise<number>;
  wantMessages(accountId: string, ids: readonly string[]): Promise<number>;
  refetchItems(lease: Lease, limit: number): Promise<string[]>;
  failed(lease: Lease, ids: readonly string[]): Promise<Map<string, FailedItem>>;
  missingItems(lease: Lease, except: readonly string[]): Promise<number>;
  quarantinedLately(lease: Lease): Promise<LatelyQuarantined>;
  nextTryInMs(lease: Lease): Promise<number | null>;
  knownMessage(accountId: string, except: readonly string[]): Promise<string | null>;
  /** @throws LeaseLost */
  markInFlight(lease: Lease, itemId: string): Promise<number>;
}

export function quarantineIn(pool: pg.Pool): Quarantine {
  return {
    list: (accountIds) => listQuarantined(pool, accountIds),
    page: (page) => quarantinePage(pool, page),
    retry: (accountId, ids) => retryQuarantined(pool, accountId, ids),
    drop: (accountId, ids) => dropQuarantined(pool, accountId, ids),
    wantMessages: (accountId, ids) => wantMessages(pool, accountId, ids),
    refetchItems: (lease, limit) => refetchItems(pool, lease, limit),
    failed: (lease, ids) => failedItems(pool, lease, ids),
    missingItems: (lease, except) => missingItems(pool, lease, except),
    quarantinedLately: (lease) => quarantinedLately(pool, lease),
    nextTryInMs: (lease) => nextTryInMs(pool, lease),
    knownMessage: (accountId, except) => knownMessage(pool, accountId, except),
    markInFlight: (lease, itemId) => markInFlight(pool, lease, itemId),
  };
}

/** Kinds of collections whose items are requested one by one. */
const READ_ONE_BY_ONE = COLLECTION_KINDS.filter((kind) => isReadOneByOne(kind));

/** More items than a person reads; `accounts list` has the count of all. */
const LIST_LIMIT = 10_000;

/**
 * Returns the newest items first.
 * @param accountIds null means every account
 */
async function listQuarantined(
  pool: pg.Pool,
  accountIds: readonly string[] | null,
): Promise<QuarantinedItem[]> {
  const found = await pool.query<QuarantinedItem>(
    `SELECT q.account_id AS "accountId", a.email, a.tenant, c.kind, c.external_id AS "externalId", q.item_id AS "itemId", q.reason, q.attempts,
            q.first_at AS "firstAt", q.last_at AS "lastAt", q.retry_at AS "retryAt"
       FROM syncline.quarantined_items q JOIN syncline.accounts a ON a.id = q.account_id JOIN syncline.collections c ON c.id = q.collection_id
      WHERE $1::uuid[] IS NULL OR q.account_id = ANY($1::uuid[]) ORDER BY q.last_at DESC, q.item_id LIMIT ${LIST_LIMIT}`,
    [accountIds && arrayLiteral(accountIds, (id) => id)],
  );
  return found.rows;
}

/**
 * Requests that the next run reads these quarantined items again. They leave the quarantine when
 * they are stored.
 * @param ids null means all items of the account
 */
async function retryQuarantined(
  pool: pg.Pool,
  accountId: string,
  ids: readonly string[] | null,
): Promise<number> {
  return want(
    pool,
    accountId,
    // In kinds that are read one by one, an item whose id cannot be stored cannot be requested.
    // Other kinds list the item again.
    `SELECT q.account_id, q.collection_id, q.item_id FROM syncline.quarantined_items q JOIN syncline.collections c ON c.id = q.collection_id
      WHERE q.account_id = $1 AND ($2::text[] IS NULL OR q.item_id = ANY($2::text[])) AND NOT (${hasKind(READ_ONE_BY_ONE)} AND q.item_id LIKE '${STAND_IN_PATTERN}')`,
    ids,
  );
}

/**
 * Requests that the next run reads these items again, one by one. Missing items are added, stale
 * items updated, and deleted items removed.
 */
async function wantMessages(
  pool: pg.Pool,
  accountId: string,
  ids: readonly string[],
): Promise<number> {
  return want(
    pool,
    accountId,
    `SELECT c.account_id, c.id, u.id FROM syncline.collections c, unnest($2::text[]) AS u(id) WHERE c.account_id = $1 AND ${hasKind(READ_ONE_BY_ONE)} AND c.state = 'active'`,
    ids,
  );
}

/**
 * Removes these items from the quarantine. They stay out of the mirror until they change at Google.
 */
async function dropQuarantined(
  pool: pg.Pool,
  accountId: string,
  ids: readonly string[],
): Promise<number> {
  const dropped = await pool.query(
    'DELETE FROM syncline.quarantined_items WHERE account_id = $1 AND item_id = ANY($2::text[])',
    [accountId, arrayLiteral(ids, (id) => id)],
  );
  return dropped.rowCount ?? 0;
}

/** Returns the items to include in a collection's next listing, at most `limit`. */
async function refetchItems(pool: pg.Pool, lease: Lease, limit: number): Promise<string[]> {
  const found = await byIndex(pool).query<{ item_id: string }>({
    name: 'refetch-items',
    text: `SELECT item_id FROM syncline.refetch_items WHERE account_id = $1 AND collection_id = $2
           UNION SELECT item_id FROM syncline.quarantined_items WHERE account_id = $1 AND collection_id = $2 AND retry_at <= now()
           UNION SELECT item_id FROM syncline.failing_items WHERE account_id = $1 AND collection_id = $2 AND retry_at <= now() ORDER BY item_id LIMIT $3`,
    values: [lease.accountId, lease.collectionId, limit],
  });
  return found.rows.map((row) => row.item_id);
}

/** Data of an item that could not be read before. */
export interface FailedItem {
  /** Number of attempts that count. */
  tries: number;
  /** How often in a row Google has answered that the item does not exist. */
  missingTries: number;
  /** A full sync has begun since the last attempt, and has not listed the item. */
  isUnlisted: boolean;
  isQuarantined: boolean;
}

/** Returns those of the items that are failing or in quarantine. */
async function failedItems(
  pool: pg.Pool,
  lease: Lease,
  ids: readonly string[],
): Promise<Map<string, FailedItem>> {
  const found = await byIndex(pool).query<
    Omit<FailedItem, 'isUnlisted'> & { itemId: string; isUnlisted: boolean | null }
  >({
    name: 'failed-items',
    text: `SELECT item_id AS "itemId", max(tries) AS tries, max(missing_tries) AS "missingTries", bool_or(is_unlisted) AS "isUnlisted", bool_or(is_quarantined) AS "isQuarantined" FROM (
             SELECT item_id, tries::int, missing_tries::int, last_at < (SELECT full_sync_started_at FROM syncline.collections WHERE id = $2) AS is_unlisted, false AS is_quarantined
               FROM syncline.failing_items WHERE account_id = $1 AND collection_id = $2 AND item_id = ANY($3::text[])
             UNION ALL SELECT item_id, attempts, 0, false, true FROM syncline.quarantined_items WHERE account_id = $1 AND collection_id = $2 AND item_id = ANY($3::text[])) AS failed
           GROUP BY item_id`,
    values: [lease.accountId, lease.collectionId, arrayLiteral(ids, (id) => id)],
  });
  return new Map(
    found.rows.map(({ itemId, ...item }) => [
      itemId,
      { ...item, isUnlisted: item.isUnlisted === true },
    ]),
  );
}

/** Returns the number of other items that Google did not find at their last attempt. */
async function missingItems(
  pool: pg.Pool,
  lease: Lease,
  except: readonly string[],
): Promise<number> {
  const found = await byIndex(pool).query<{ items: number }>({
    name: 'missing-items',
    text: `SELECT count(*)::int AS items FROM syncline.failing_items WHERE account_id = $1 AND collection_id = $2 AND missing_tries > 0 AND item_id <> ALL($3::text[])`,
    values: [lease.accountId, lease.collectionId, arrayLiteral(except, (id) => id)],
  });
  return found.rows[0]?.items ?? 0;
}

/**
 * Number of recently quarantined items of one collection, compared with the number of items
 * processed.
 */
interface LatelyQuarantined {
  /** Items that were quarantined within the last hour and still are. */
  items: number;
  /**
   * Items that the last full sync has processed, and the time since it began; null when there was
   * none.
   */
  progressDone: number;
  fullSyncAgeMs: number | null;
}

async function quarantinedLately(pool: pg.Pool, lease: Lease): Promise<LatelyQuarantined> {
  const found = await pool.query<{
    items: number;
    progress_done: string;
    age_ms: string | null;
  }>({
    name: 'quarantined-lately',
    text: `SELECT (SELECT count(*)::int FROM syncline.quarantined_items q WHERE q.account_id = c.account_id AND q.collection_id = c.id AND q.first_at > now() - interval '1 hour') AS items,
                  c.progress_done, extract(epoch FROM now() - c.full_sync_started_at) * 1000 AS age_ms
             FROM syncline.collections c WHERE c.id = $1`,
    values: [lease.collectionId],
  });
  const row = found.rows[0];
  return {
    items: row?.items ?? 0,
    progressDone: Number(row?.progress_done ?? 0),
    fullSyncAgeMs: row?.age_ms == null ? null : Number(row.age_ms),
  };
}

/** Returns the time until the next retry of a failing item; null when there is none. */
async function nextTryInMs(pool: pg.Pool, lease: Lease): Promise<number | null> {
  const found = await byIndex(pool).query<{ in_ms: string | null }>({
    name: 'failing-next',
    text: 'SELECT extract(epoch FROM min(retry_at) - now()) * 1000 AS in_ms FROM syncline.failing_items WHERE account_id = $1 AND collection_id = $2',
    values: [lease.accountId, lease.collectionId],
  });
  const inMs = found.rows[0]?.in_ms;
  return inMs == null ? null : Math.max(0, Math.ceil(Number(inMs)));
}

/**
 * Marks the item that a run in crash isolation is about to process, before it is processed. When
 * the item ends the worker, the next claim counts the crash for this item.
 * @returns the number of runs that ended while this item was in flight
 * @throws LeaseLost
 */
async function markInFlight(pool: pg.Pool, lease: Lease, itemId: string): Promise<number> {
  const marked = await pool.query<{ in_flight_crashes: number }>({
    name: 'collection-in-flight',
    text: `WITH fenced AS (SELECT id, account_id, lease_epoch FROM syncline.collections WHERE id = $1 AND lease_epoch = $2 FOR NO KEY UPDATE)
           INSERT INTO syncline.collection_crashes AS k (collection_id, account_id, in_flight_item, in_flight_epoch) SELECT id, account_id, $3, lease_epoch FROM fenced
           ON CONFLICT (collection_id) DO UPDATE SET in_flight_crashes = CASE WHEN k.in_flight_item = $3 THEN k.in_flight_crashes ELSE 0 END, in_flight_item = $3, in_flight_epoch = excluded.in_flight_epoch
           RETURNING k.in_flight_crashes`,
    values: [lease.collectionId, String(lease.epoch), itemId],
  });
  const row = marked.rows[0];
  if (!row) throw new LeaseLost(lease);
  return row.in_flight_crashes;
}

/**
 * Writes the request and makes the collections due in one transaction, so that a run that begins
 * later reads both.
 */
async function want(
  pool: pg.Pool,
  accountId: string,
  select: string,
  ids: readonly string[] | null,
): Promise<number> {
  return inTransaction(pool, async (session) => {
    const requested = await session.query<{ collection_id: string }>(
      `INSERT INTO syncline.refetch_items (account_id, collection_id, item_id) ${select} ON CONFLICT (account_id, collection_id, item_id) DO UPDATE SET item_id = excluded.item_id RETURNING collection_id`,
      [accountId, ids && arrayLiteral(ids, (id) => id)],
    );
    await session.query(
      'UPDATE syncline.collections SET requested_at = clock_timestamp(), next_sync_at = least(next_sync_at, now()) WHERE id = ANY($1::uuid[])',
      [
        arrayLiteral(
          [...new Set(requested.rows.map((row) => row.collection_id))].sort(),
          (id) => id,
        ),
      ],
    );
    return requested.rowCount ?? 0;
  });
}
