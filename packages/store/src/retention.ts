import type pg from 'pg';
import { ACCOUNT_TABLES, LISTING_TABLES } from './account-tables.js';
import { erasePageOfCollectionText } from './erase-page.js';
import { ANSWER_KEPT } from './idempotency.js';
import { RESOURCE_NAMES, RESOURCES } from './mirrors/resources.js';
import { arrayLiteral } from './pool.js';
import { TODAY } from './quota-ledger.js';
import { inTransaction, type Transaction } from './transaction.js';

/*
 * Deletes what is kept for a time only, in bounded statements. The periods of everything but the
 * change feed are constants: those rows serve the engine and reports, and no reader follows them.
 */

/** Tables whose rows of an account are kept for a time. */
const ACCOUNT_RETENTION = ['quota_ledger', 'account_events', 'channels', 'collections'] as const;
/** Tables of the fleet whose rows are kept for a time. */
const FLEET_RETENTION = [
  'named_leases',
  'project_failures',
  'idempotent_requests',
  'api_keys',
  'operations',
  'connect_sessions',
  'audit_log',
  'fleet_events',
] as const;

/** The log of all feeds, and the last events of removed accounts. */
const LOG_RETENTION = ['feed_log', 'account_endings'] as const;

type LogRetention = (typeof LOG_RETENTION)[number];
type AccountRetention = (typeof ACCOUNT_RETENTION)[number];
type FleetRetention = (typeof FLEET_RETENTION)[number];

export interface Retention {
  /** The tables of accounts and of the fleet whose rows are kept for a time. */
  readonly tables: {
    accounts: readonly AccountRetention[];
    fleet: readonly FleetRetention[];
    log: readonly LogRetention[];
  };
  /**
   * A page of accounts in the order of their ids; those that are being removed are left out.
   * `hasOldChanges`: the oldest event of the feed is older than `changesKeptMs`; null keeps all.
   */
  accounts(o: {
    after: string | null;
    limit: number;
    changesKeptMs: number | null;
  }): Promise<{ id: string; hasOldChanges: boolean }[]>;
  /**
   * Deletes the oldest events of an account that are older than `keptMs`, and moves its oldest seq.
   * @returns how many; fewer than `limit` when no older ones are left
   */
  pruneChanges(accountId: string, o: { keptMs: number; limit: number }): Promise<number>;
  /** @returns how many rows; fewer than `limit` when no older ones are left */
  pruneAccounts(
    table: AccountRetention,
    accountIds: readonly string[],
    limit: number,
  ): Promise<number>;
  /** @returns how many rows; fewer than `limit` when no older ones are left */
  pruneFleet(table: FleetRetention, limit: number): Promise<number>;
  /**
   * Gives the disk of the lists of full syncs back to the operating system while no sync has a
   * list. Waits for no lock.
   * @returns how many bytes
   */
  truncateEmptyLists(): Promise<number>;
  /**
   * Deletes ranges of the log of all feeds, and what is left of removed accounts, that are older
   * than 30 days, or than `changesKeptMs` if that is less: a range is of no use without its events.
   * @returns how many rows; fewer than `limit` when no older ones are left
   */
  pruneLog(
    table: LogRetention,
    o: { changesKeptMs: number | null; limit: number },
  ): Promise<number>;
}

export function retentionIn(pool: pg.Pool): Retention {
  return {
    tables: { accounts: ACCOUNT_RETENTION, fleet: FLEET_RETENTION, log: LOG_RETENTION },
    accounts: (o) => accountsPage(pool, o),
    pruneChanges: (accountId, o) => pruneChanges(pool, accountId, o),
    pruneAccounts: async (table, accountIds, limit) => {
      const ids = arrayLiteral(accountIds, (id) => id);
      if (table === 'collections') return pruneGoneCollections(pool, ids, limit);
      return (await pool.query(OF_ACCOUNTS[table], [ids, limit])).rowCount ?? 0;
    },
    pruneFleet: async (table, limit) => (await pool.query(OF_FLEET[table], [limit])).rowCount ?? 0,
    truncateEmptyLists: async () => {
      let bytes = 0;
      for (const { name } of Object.values(LISTING_TABLES))
        bytes += await truncateEmpty(pool, name);
      return bytes;
    },
    pruneLog: async (table, { changesKeptMs, limit }) => {
      const keptMs = Math.min(LOG_KEPT_MS, changesKeptMs ?? LOG_KEPT_MS);
      return (await pool.query(OF_LOG[table], [limit, keptMs])).rowCount ?? 0;
    },
  };
}

/** Google's limit is for a day; the rest of the quarter is for reports. */
const LEDGER_KEPT_DAYS = 90;
/** A channel that has expired delivers nothing. Google's clock may differ from ours by far less. */
const CHANNEL_KEPT = "interval '7 days'";
/** A calendar that returns within this time continues its number of full syncs. */
const COLLECTION_KEPT = "interval '90 days'";
const LEASE_KEPT = "interval '1 day'";
/** Failures that accounts wait for are kept, however old they are. */
const FAILURE_KEPT = "interval '30 days'";
const LOG_KEPT_MS = 30 * 24 * 60 * 60_000;
const OPERATION_KEPT = "interval '30 days'";
/** A connect session that has expired can be read for so long. */
const CONNECT_KEPT = "interval '30 days'";
const AUDIT_LOG_KEPT = "interval '400 days'";
/** Events of accounts and of the fleet; an account keeps 500 at most. */
const EVENTS_KEPT = "interval '90 days'";
/** A key that has ended is listed for so long. */
const KEY_KEPT = "interval '90 days'";

const OF_ACCOUNTS: Record<Exclude<AccountRetention, 'collections'>, string> = {
  quota_ledger: `DELETE FROM syncline.quota_ledger q
    USING (SELECT account_id, day, method FROM syncline.quota_ledger
            WHERE account_id = ANY($1::uuid[]) AND day < ${TODAY} - ${LEDGER_KEPT_DAYS} LIMIT $2) AS page
    WHERE q.account_id = ANY($1::uuid[]) AND q.account_id = page.account_id AND q.day = page.day AND q.method = page.method`,
  account_events: `DELETE FROM syncline.account_events e
    USING (SELECT account_id, id FROM syncline.account_events
            WHERE account_id = ANY($1::uuid[]) AND at < now() - ${EVENTS_KEPT} LIMIT $2) AS page
    WHERE e.account_id = ANY($1::uuid[]) AND e.account_id = page.account_id AND e.id = page.id`,
  channels: `DELETE FROM syncline.channels WHERE id IN (
    SELECT id FROM syncline.channels WHERE account_id = ANY($1::uuid[]) AND expires_at < now() - ${CHANNEL_KEPT} LIMIT $2)`,
};

const OF_FLEET: Record<FleetRetention, string> = {
  named_leases: `DELETE FROM syncline.named_leases WHERE name IN (
    SELECT name FROM syncline.named_leases WHERE expires_at < now() - ${LEASE_KEPT} LIMIT $1)`,
  project_failures: `DELETE FROM syncline.project_failures WHERE (project, scope) IN (
    SELECT f.project, f.scope FROM syncline.project_failures f
     WHERE f.refused_at < now() - ${FAILURE_KEPT}
       AND NOT EXISTS (SELECT 1 FROM syncline.accounts a WHERE a.project = f.project) LIMIT $1)`,
  idempotent_requests: `DELETE FROM syncline.idempotent_requests WHERE (key_id, key) IN (
    SELECT key_id, key FROM syncline.idempotent_requests WHERE created_at < now() - ${ANSWER_KEPT} LIMIT $1)`,
  api_keys: `DELETE FROM syncline.api_keys WHERE id IN (
    SELECT id FROM syncline.api_keys WHERE least(revoked_at, expires_at) < now() - ${KEY_KEPT} LIMIT $1)`,
  operations: `DELETE FROM syncline.operations WHERE id IN (
    SELECT id FROM syncline.operations WHERE created_at < now() - ${OPERATION_KEPT} LIMIT $1)`,
  connect_sessions: `DELETE FROM syncline.connect_sessions WHERE id IN (
    SELECT id FROM syncline.connect_sessions WHERE expires_at < now() - ${CONNECT_KEPT} LIMIT $1)`,
  fleet_events: `DELETE FROM syncline.fleet_events WHERE id IN (
    SELECT id FROM syncline.fleet_events WHERE at < now() - ${EVENTS_KEPT} LIMIT $1)`,
  audit_log: `DELETE FROM syncline.audit_log WHERE id IN (
    SELECT id FROM syncline.audit_log WHERE at < now() - ${AUDIT_LOG_KEPT} LIMIT $1)`,
};

/** A smaller list is not worth the lock. */
const LIST_KEPT_BYTES = 8_388_608;

/**
 * Vacuum keeps the pages of an index, and a list that was as long as the mirror leaves a tenth of
 * the mirror's size behind. The lock is taken only if it is free at once: a sync that lists has it,
 * and its rows are needed.
 */
async function truncateEmpty(pool: pg.Pool, table: string): Promise<number> {
  try {
    return await inTransaction(pool, async (session) => {
      const bytes = await session.query<{ bytes: number }>(
        `SELECT coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('syncline.${table}') WHERE isleaf),
                         pg_total_relation_size('syncline.${table}'))::float8 AS bytes`,
      );
      const size = bytes.rows[0]?.bytes ?? 0;
      if (size < LIST_KEPT_BYTES) return 0;
      await session.query(`LOCK TABLE syncline.${table} IN ACCESS EXCLUSIVE MODE NOWAIT`);
      const listed = await session.query(`SELECT FROM syncline.${table} LIMIT 1`);
      if (listed.rows.length > 0) return 0;
      await session.query(`TRUNCATE syncline.${table}`);
      return size;
    });
  } catch (error) {
    if ((error as { code?: unknown }).code === LOCK_NOT_AVAILABLE) return 0;
    throw error;
  }
}

const LOCK_NOT_AVAILABLE = '55P03';

/** The log is deleted from its beginning: the first row that is young enough ends the page. */
const OF_LOG: Record<LogRetention, string> = {
  feed_log: `WITH head AS MATERIALIZED (SELECT position, at FROM syncline.feed_log ORDER BY position LIMIT $1)
    DELETE FROM syncline.feed_log WHERE position <= (SELECT max(position) FROM head WHERE at < now() - $2 * interval '1 ms')`,
  account_endings: `DELETE FROM syncline.account_endings WHERE account IN (
    SELECT account FROM syncline.account_endings WHERE position IS NOT NULL AND at < now() - $2 * interval '1 ms' LIMIT $1)`,
};

async function accountsPage(
  pool: pg.Pool,
  o: { after: string | null; limit: number; changesKeptMs: number | null },
): Promise<{ id: string; hasOldChanges: boolean }[]> {
  const { rows } = await pool.query<{ id: string; hasOldChanges: boolean }>({
    name: 'retention-accounts',
    text: `SELECT a.id, coalesce((SELECT c.at <= now() - $3 * interval '1 ms' FROM syncline.changes c
                                   WHERE c.account_id = a.id AND c.seq >= a.feed_oldest_seq ORDER BY c.seq LIMIT 1), false) AS "hasOldChanges"
             FROM syncline.accounts a WHERE ($1::uuid IS NULL OR a.id > $1::uuid) AND a.state <> 'removing' ORDER BY a.id LIMIT $2`,
    values: [o.after, o.limit, o.changesKeptMs],
  });
  return rows;
}

/**
 * Takes the account's row first, as a commit does when it numbers its events: what is deleted and
 * the oldest seq change at one moment for every reader. Times of events may be out of order, so
 * deletion stops before the first event that is young enough: the feed keeps a suffix.
 */
async function pruneChanges(
  pool: pg.Pool,
  accountId: string,
  { keptMs, limit }: { keptMs: number; limit: number },
): Promise<number> {
  const pruned = await inTransaction(pool, (session) =>
    session.query({
      name: 'retention-changes',
      text: `WITH account AS MATERIALIZED (
               SELECT feed_oldest_seq AS oldest FROM syncline.accounts WHERE id = $1 AND state <> 'removing' FOR NO KEY UPDATE),
             head AS MATERIALIZED (
               SELECT seq, at FROM syncline.changes WHERE account_id = $1 AND seq >= (SELECT oldest FROM account) ORDER BY seq LIMIT $3),
             kept AS (SELECT min(seq) AS seq FROM head WHERE at > now() - $2 * interval '1 ms'),
             last AS MATERIALIZED (
               SELECT max(head.seq) AS seq FROM head, kept WHERE kept.seq IS NULL OR head.seq < kept.seq),
             moved AS (
               UPDATE syncline.accounts SET feed_oldest_seq = last.seq + 1 FROM last WHERE id = $1 AND last.seq IS NOT NULL)
             DELETE FROM syncline.changes WHERE account_id = $1 AND seq >= (SELECT oldest FROM account) AND seq <= (SELECT seq FROM last)`,
      values: [accountId, keptMs, limit],
    }),
  );
  return pruned.rowCount ?? 0;
}

const GONE_FOR_GOOD = RESOURCE_NAMES.flatMap((name) => RESOURCES[name].goneForGood ?? []).join(
  ' OR ',
);

/**
 * Deletes what full syncs, audits and failures have left of a collection page by page, and its own
 * row at the end.
 */
async function pruneGoneCollections(pool: pg.Pool, ids: string, limit: number): Promise<number> {
  const { rows } = await pool.query<GoneCollection>(
    `SELECT c.id, c.account_id AS "accountId" FROM syncline.collections c
      WHERE c.account_id = ANY($1::uuid[]) AND c.state = 'gone' AND c.gone_at < now() - ${COLLECTION_KEPT} AND (${GONE_FOR_GOOD}) LIMIT 1`,
    [ids],
  );
  const [gone] = rows;
  if (!gone) return 0;
  await inTransaction(pool, (transaction) => erasePageOfGone(transaction, gone, limit));
  // There may be more, of this collection or of others: the caller asks for the next page.
  return limit;
}

interface GoneCollection {
  id: string;
  accountId: string;
}

/**
 * Holds the row's lock while it deletes: the calendar may come back at the same moment, and
 * whatever a sync writes for it from then on must stay.
 */
async function erasePageOfGone(
  transaction: Transaction,
  gone: GoneCollection,
  limit: number,
): Promise<void> {
  const locked = await transaction.query(
    "SELECT FROM syncline.collections WHERE id = $1 AND account_id = $2 AND state = 'gone' FOR UPDATE",
    [gone.id, gone.accountId],
  );
  if (!locked.rowCount) return;
  for (const table of ACCOUNT_TABLES.filter(({ owner }) => owner === 'collection')) {
    const erased = await transaction.query(erasePageOfCollectionText(table, limit), [
      gone.accountId,
      gone.id,
    ]);
    if (erased.rowCount) return;
  }
  await transaction.query('DELETE FROM syncline.collections WHERE id = $1 AND account_id = $2', [
    gone.id,
    gone.accountId,
  ]);
}
