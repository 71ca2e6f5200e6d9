import { readFileSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';

const SCALE = path.resolve(__dirname, '..', '..', 'docs', 'how-to', 'scaling.md');

/**
 * Hash-partitions the mirror tables of a database without rows of the mirror, by the SQL of docs/how-to/scaling.md,
 * unchanged.
 */
export async function partitionMirror(pool: pg.Pool): Promise<void> {
  const sql = /```sql\n(DO [^]*?)```/.exec(readFileSync(SCALE, 'utf8'))?.[1];
  if (sql === undefined)
    throw new Error('docs/how-to/scaling.md has no SQL that partitions the tables');
  // A world has connected its accounts, whose feeds begin with that.
  await pool.query('TRUNCATE syncline.changes, syncline.feed_moves');
  await pool.query('UPDATE syncline.accounts SET feed_seq = 0');
  await pool.query(sql);
}

/** Returns the names of the partitioned tables. */
export async function partitionedTables(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relkind = 'p' AND relnamespace = 'syncline'::regnamespace ORDER BY relname",
  );
  return rows.map(({ name }) => name);
}

/** Returns the names of a table's triggers, apart from those of constraints and partitions. */
export async function triggersOf(pool: pg.Pool, table: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    "SELECT tgname AS name FROM pg_trigger WHERE tgrelid = ('syncline.' || $1)::regclass AND NOT tgisinternal ORDER BY 1",
    [table],
  );
  return rows.map(({ name }) => name);
}
