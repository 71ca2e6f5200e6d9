import type pg from 'pg';
import { arrayLiteral } from './pool.js';

export interface SpentUnits {
  method: string;
  calls: number;
  units: number;
}

/** Adds to what an account has cost today (UTC). */
export async function recordSpent(
  pool: pg.Pool,
  accountId: string,
  spent: readonly SpentUnits[],
): Promise<void> {
  if (spent.length === 0) return;
  await pool.query({
    name: 'quota-record',
    text: addSpent('SELECT $1::uuid AS account_id', 2),
    values: [accountId, ...spentValues(spent)],
  });
}

/**
 * The statement that adds what was spent, by its method, calls and units in the parameters from `first` on, to the account that `whose` gives as
 * `account_id`. The lock on the account is shared with everyone but the removal, after which no row may come; it is taken after whatever `whose` locks.
 */
export function addSpent(whose: string, first: number): string {
  return `INSERT INTO quota_ledger AS q (account_id, day, method, calls, units)
          SELECT a.id, current_date, u.method, u.calls, u.units
            FROM (${whose}) AS o, LATERAL (SELECT id FROM accounts WHERE id = o.account_id FOR KEY SHARE) AS a,
                 unnest($${first}::text[], $${first + 1}::bigint[], $${first + 2}::bigint[]) AS u(method, calls, units)
          ON CONFLICT (account_id, day, method) DO UPDATE SET calls = q.calls + excluded.calls, units = q.units + excluded.units`;
}

/** Sorted, so that two statements lock the day's rows in one order. */
export function spentValues(spent: readonly SpentUnits[]): string[] {
  const rows = [...spent].sort((a, b) => (a.method < b.method ? -1 : 1));
  return [
    arrayLiteral(rows, (s) => s.method),
    arrayLiteral(rows, (s) => s.calls),
    arrayLiteral(rows, (s) => s.units),
  ];
}

export interface SpentToday extends SpentUnits {
  accountId: string;
  email: string;
  /** The Google project that the account belongs to now. */
  project: string;
}

/** What every account has cost today (UTC), by method. */
export async function spentToday(pool: pg.Pool): Promise<SpentToday[]> {
  const found = await pool.query<{
    account_id: string;
    email: string;
    project: string;
    method: string;
    calls: string;
    units: string;
  }>(
    `SELECT q.account_id, a.email, a.project, q.method, q.calls, q.units FROM quota_ledger q JOIN accounts a ON a.id = q.account_id
      WHERE q.day = current_date ORDER BY a.email, q.method`,
  );
  return found.rows.map((row) => ({
    accountId: row.account_id,
    email: row.email,
    project: row.project,
    method: row.method,
    calls: Number(row.calls),
    units: Number(row.units),
  }));
}
