/**
 * Whether Postgres accepts writes. A server that answers SELECT may be a standby, read-only, or out
 * of disk space.
 */
import { openPool } from './pool.js';
import type { Queryable } from './transaction.js';

/**
 * Bounds the number of rows, and keeps hundreds of processes from waiting for one row. A CHECK of
 * the table has the same number.
 */
const SLOTS = 64;
/** A session that has not answered in this time is closed, and the next probe opens another one. */
const ANSWER_LIMIT_MS = 3_000;

export interface WriteProbe {
  /**
   * Writes one row of a separate table. Rejects when Postgres is unavailable, read-only or refuses
   * the statement.
   */
  check(): Promise<void>;
  close(): Promise<void>;
  /** Runs other small statements that must not wait for pages. */
  query: Queryable['query'];
}

/**
 * Opens a separate session at the first probe. It does not wait for pages of full syncs, and does
 * not delay them when it hangs.
 * @param chance returns a number in [0, 1)
 */
export function openWriteProbe(databaseUrl: string, chance: () => number): WriteProbe {
  const pool = openPool(databaseUrl, 1, { answerLimitMs: ANSWER_LIMIT_MS });
  return {
    query: (statement, values) => pool.query(statement as string, values),
    check: async () => {
      await pool.query(
        'INSERT INTO syncline.health_probe (slot, at) VALUES ($1, now()) ON CONFLICT (slot) DO UPDATE SET at = excluded.at',
        [Math.floor(chance() * SLOTS)],
      );
    },
    close: async () => {
      const isClosed = pool.end();
      // A hanging session ends by itself at its time limit. A drain does not wait for it.
      if (pool.idleCount === pool.totalCount) await isClosed;
    },
  };
}
