import type pg from 'pg';
import { RESOURCE_NAMES, RESOURCES } from './mirrors/resources.js';
import { arrayLiteral } from './pool.js';

export interface SpentUnits {
  method: string;
  calls: number;
  units: number;
}

/**
 * SQL: the date of Google's quota day, which ends at midnight Pacific time
 * (https://developers.google.com/gmail/api/reference/quota).
 */
export const TODAY = "(now() AT TIME ZONE 'America/Los_Angeles')::date";

/** Adds to the usage of an account on Google's current day. */
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
 * Returns the statement that adds usage to the account that `whose` selects as `account_id`. The
 * parameters from `first` on are the methods, calls and units. The lock on the account conflicts
 * only with the removal, after which no row may be added. It is taken after the locks of `whose`.
 * The arrays are hidden from the planner, which would otherwise plan the statement again for each
 * length.
 */
export function addSpent(whose: string, first: number): string {
  return `INSERT INTO syncline.quota_ledger AS q (account_id, day, method, calls, units)
          SELECT a.id, ${TODAY}, u.method, u.calls, u.units
            FROM (${whose}) AS o, LATERAL (SELECT id FROM syncline.accounts WHERE id = o.account_id FOR KEY SHARE) AS a,
                 unnest((SELECT $${first}::text[]), (SELECT $${first + 1}::bigint[]), (SELECT $${first + 2}::bigint[])) AS u(method, calls, units)
          ON CONFLICT (account_id, day, method) DO UPDATE SET calls = q.calls + excluded.calls, units = q.units + excluded.units`;
}

/** Returns the values sorted, so that two statements lock the rows of the day in the same order. */
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
  tenant: string;
  /**
   * The Google identity in whose windows its calls are counted; null while the account is not
   * bound.
   */
  identityId: string | null;
  /** The account's current Google project. */
  project: string;
}

/** Returns the usage of every account on Google's current day, by method. */
export async function spentToday(pool: pg.Pool): Promise<SpentToday[]> {
  const found = await pool.query<SpentToday>(
    `SELECT q.account_id AS "accountId", a.email, a.tenant, a.identity_id AS "identityId", a.project, q.method, q.calls::float8, q.units::float8 FROM syncline.quota_ledger q JOIN syncline.accounts a ON a.id = q.account_id
      WHERE q.day = ${TODAY} ORDER BY a.email, a.tenant, q.method`,
  );
  return found.rows;
}

/** Returns the usage of an account on Google's current day, by method. */
export async function spentTodayOf(pool: pg.Pool, accountId: string): Promise<SpentUnits[]> {
  const found = await pool.query<SpentUnits>(
    `SELECT method, calls::float8, units::float8 FROM syncline.quota_ledger WHERE account_id = $1 AND day = ${TODAY} ORDER BY method`,
    [accountId],
  );
  return found.rows;
}

/** Units of one of Google's days that count against a daily limit, by project. */
export interface SpentDay {
  /** `2026-11-28` */
  day: string;
  units: Map<string, number>;
}

const WITH_DAY_LIMIT = RESOURCE_NAMES.flatMap((name) => RESOURCES[name].methodsWithDayLimit ?? []);

/** Returns the usage of each project's accounts today. Projects without usage are absent. */
export async function spentDay(pool: pg.Pool): Promise<SpentDay> {
  const found = await pool.query<{ day: string; project: string | null; units: string | null }>(
    `SELECT to_char(t.day, 'YYYY-MM-DD') AS day, s.project, s.units FROM (SELECT ${TODAY} AS day) AS t
       LEFT JOIN LATERAL (SELECT a.project, sum(q.units) AS units FROM syncline.quota_ledger q JOIN syncline.accounts a ON a.id = q.account_id
                           WHERE q.day = t.day AND q.method LIKE ANY($1::text[]) GROUP BY a.project) AS s ON true`,
    [arrayLiteral(WITH_DAY_LIMIT, (pattern) => pattern)],
  );
  const units = new Map<string, number>();
  for (const row of found.rows) if (row.project !== null) units.set(row.project, Number(row.units));
  return { day: found.rows[0]?.day ?? '', units };
}
