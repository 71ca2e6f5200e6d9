import type pg from 'pg';
import { RESOURCE_NAMES, RESOURCES } from './mirrors/resources.js';
import { arrayLiteral } from './pool.js';

export interface SpentUnits {
  method: string;
  calls: number;
  units: number;
}

/**
 * The day of Google's quota, which ends at midnight Pacific time
 * (https://developers.google.com/gmail/api/reference/quota), as a date in SQL.
 */
const TODAY = "(now() AT TIME ZONE 'America/Los_Angeles')::date";

/** Adds to what an account has cost today, by Google's day. */
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
 * The arrays are hidden from the planner, which otherwise plans the statement anew for each length of them.
 */
export function addSpent(whose: string, first: number): string {
  return `INSERT INTO syncline.quota_ledger AS q (account_id, day, method, calls, units)
          SELECT a.id, ${TODAY}, u.method, u.calls, u.units
            FROM (${whose}) AS o, LATERAL (SELECT id FROM syncline.accounts WHERE id = o.account_id FOR KEY SHARE) AS a,
                 unnest((SELECT $${first}::text[]), (SELECT $${first + 1}::bigint[]), (SELECT $${first + 2}::bigint[])) AS u(method, calls, units)
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
  tenant: string;
  /** The Google identity whose windows its calls are counted in; null while it is not bound. */
  identityId: string | null;
  /** The Google project that the account belongs to now. */
  project: string;
}

/** What every account has cost today, by Google's day and by method. */
export async function spentToday(pool: pg.Pool): Promise<SpentToday[]> {
  const found = await pool.query<{
    account_id: string;
    email: string;
    tenant: string;
    identity_id: string | null;
    project: string;
    method: string;
    calls: string;
    units: string;
  }>(
    `SELECT q.account_id, a.email, a.tenant, a.identity_id, a.project, q.method, q.calls, q.units FROM syncline.quota_ledger q JOIN syncline.accounts a ON a.id = q.account_id
      WHERE q.day = ${TODAY} ORDER BY a.email, a.tenant, q.method`,
  );
  return found.rows.map((row) => ({
    accountId: row.account_id,
    email: row.email,
    tenant: row.tenant,
    identityId: row.identity_id,
    project: row.project,
    method: row.method,
    calls: Number(row.calls),
    units: Number(row.units),
  }));
}

/** Units of one of Google's days that count against a limit for the day, by project. */
export interface SpentDay {
  /** `2026-11-28` */
  day: string;
  units: Map<string, number>;
}

const WITH_DAY_LIMIT = RESOURCE_NAMES.flatMap((name) => RESOURCES[name].methodsWithDayLimit ?? []);

/**
 * What the accounts of each project have cost today. A project that has spent nothing is not in it.
 */
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
