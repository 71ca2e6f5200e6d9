import type pg from 'pg';

/** Returns the number of the account's rows by table, for every table that has any. */
export async function rowsOfAccount(
  pool: pg.Pool,
  accountId: string,
): Promise<Record<string, number>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.columns WHERE table_schema = 'syncline' AND column_name = 'account_id'",
  );
  const left: Record<string, number> = {};
  for (const { name } of [...tables, { name: 'accounts' }]) {
    const counted = await pool.query<{ n: string }>(
      `SELECT count(*) AS n FROM syncline.${name} WHERE ${name === 'accounts' ? 'id' : 'account_id'} = $1`,
      [accountId],
    );
    if (counted.rows[0]!.n !== '0') left[name] = Number(counted.rows[0]!.n);
  }
  return left;
}
