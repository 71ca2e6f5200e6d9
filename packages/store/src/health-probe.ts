/** Whether Postgres takes writes. A server that answers SELECT may be a standby, read-only, or out of space. */
import { openPool } from './pool.js';
import type { Queryable } from './transaction.js';

/** Bounds the table, and keeps hundreds of processes from waiting for one row (a CHECK of the table has the same number). */
const SLOTS = 64;
/** A session that has not answered by then is ended, and the next probe opens another. */
const ANSWER_LIMIT_MS = 3_000;

export interface WriteProbe {
  /** Writes one row of a table of its own. Rejects when Postgres is away, read-only or refuses the statement. */
  check(): Promise<void>;
  close(): Promise<void>;
  /** Other small statements that must not wait for pages. */
  query: Queryable['query'];
}

/**
 * A session of its own, opened at the first probe: it waits for no page of a full sync, and holds up none when it hangs.
 * @param chance gives a number in [0, 1)
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
      // A session that hangs ends by itself at its limit; a drain does not wait for it.
      if (pool.idleCount === pool.totalCount) await isClosed;
    },
  };
}
