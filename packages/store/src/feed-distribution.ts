import type pg from 'pg';
import { arrayLiteral } from './pool.js';
import { inTransaction, type Transaction } from './transaction.js';

/**
 * Puts the feeds of all accounts into one order, the log. A commit leaves a move, which names its
 * account; a round turns moves into ranges of events with positions. Rounds work one at a time,
 * under the lock of the row with the end of the log: positions only grow, in the order of commits
 * of the rounds, and the ranges of an account follow each other, also after a failover.
 *
 * Rejected: NOTIFY, which serialises commits; the order of transaction ids, in which a later number
 * of an account can have the smaller id; a global sequence in the commit, which is one lock for the
 * fleet.
 */
export interface Distribution {
  /**
   * Distributes up to `limit` moves.
   * @returns how many; null while another process works
   */
  round(limit: number): Promise<{ moves: number; ranges: number } | null>;
  /**
   * Leaves moves for up to `limit` accounts whose feed is further than the log. A commit leaves its
   * move in its own transaction, so there are none unless an earlier version has written.
   * @returns how many
   */
  sweep(limit: number): Promise<number>;
  /** The age of the oldest move in milliseconds; 0 without any. */
  undistributedMs(): Promise<number>;
}

export function distributionIn(pool: pg.Pool): Distribution {
  return {
    round: (limit) => inTransaction(pool, (session) => round(session, limit)),
    sweep: (limit) => sweep(pool, limit),
    undistributedMs: () => undistributedMs(pool),
  };
}

async function round(
  session: Transaction,
  limit: number,
): Promise<{ moves: number; ranges: number } | null> {
  const locked = await session.query({
    name: 'feed-log-lock',
    text: 'SELECT FROM syncline.feed_position FOR UPDATE SKIP LOCKED',
  });
  if (locked.rowCount !== 1) return null;
  const taken = await session.query<{ account: string }>({
    name: 'feed-moves-take',
    text: `DELETE FROM syncline.feed_moves WHERE id IN (SELECT id FROM syncline.feed_moves ORDER BY id LIMIT $1) RETURNING account`,
    values: [limit],
  });
  const { rows } = taken;
  if (rows.length === 0) return { moves: 0, ranges: 0 };
  const accounts = [...new Set(rows.map(({ account }) => account))].sort();
  const placed = await session.query<{ ranges: number }>({
    name: 'feed-log-append',
    text: APPEND,
    values: [arrayLiteral(accounts, (account) => account)],
  });
  return { moves: rows.length, ranges: placed.rows[0]?.ranges ?? 0 };
}

/**
 * A range begins after the last one of its account, and within the account's epoch. The last event
 * of a removed account is a range of its own, once.
 */
const APPEND = `
  WITH moved AS (SELECT unnest($1::uuid[]) AS account),
       grown AS (
         SELECT a.id AS account, a.tenant, false AS is_ending, a.feed_seq AS to_seq,
                greatest(coalesce(h.distributed_seq, 0), a.feed_oldest_seq - 1, a.feed_epoch_start) + 1 AS from_seq
           FROM moved JOIN syncline.accounts a ON a.id = moved.account LEFT JOIN syncline.feed_heads h ON h.account_id = a.id
         UNION ALL
         SELECT e.account, e.tenant, true, e.last_seq, e.last_seq
           FROM moved JOIN syncline.account_endings e ON e.account = moved.account WHERE e.position IS NULL),
       placed AS (
         SELECT grown.*, p.position + sum(to_seq - from_seq + 1) OVER (ORDER BY account) AS position
           FROM grown CROSS JOIN syncline.feed_position p WHERE to_seq >= from_seq),
       logged AS (
         INSERT INTO syncline.feed_log (position, tenant, account, from_seq, to_seq)
         SELECT position, tenant, account, from_seq, to_seq FROM placed),
       heads AS (
         INSERT INTO syncline.feed_heads (account_id, distributed_seq) SELECT account, to_seq FROM placed WHERE NOT is_ending
         ON CONFLICT (account_id) DO UPDATE SET distributed_seq = excluded.distributed_seq),
       endings AS (
         UPDATE syncline.account_endings e SET position = placed.position FROM placed WHERE placed.is_ending AND e.account = placed.account),
       advanced AS (
         UPDATE syncline.feed_position SET position = (SELECT max(position) FROM placed) WHERE EXISTS (SELECT FROM placed))
  SELECT count(*)::int AS ranges FROM placed`;

async function sweep(pool: pg.Pool, limit: number): Promise<number> {
  const { rowCount } = await pool.query({
    name: 'feed-moves-sweep',
    text: `INSERT INTO syncline.feed_moves (account)
           SELECT account FROM (
             SELECT a.id AS account FROM syncline.accounts a LEFT JOIN syncline.feed_heads h ON h.account_id = a.id
              WHERE a.feed_seq > greatest(coalesce(h.distributed_seq, 0), a.feed_oldest_seq - 1, a.feed_epoch_start)
             UNION ALL
             SELECT account FROM syncline.account_endings WHERE position IS NULL) AS behind LIMIT $1`,
    values: [limit],
  });
  return rowCount ?? 0;
}

async function undistributedMs(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ ms: number }>({
    name: 'feed-undistributed',
    text: `SELECT (extract(epoch FROM now() - at) * 1000)::float8 AS ms FROM syncline.feed_moves ORDER BY id LIMIT 1`,
  });
  return Math.max(0, rows[0]?.ms ?? 0);
}
