import { readFileSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';

const SCALE = path.resolve(__dirname, '..', '..', 'docs', 'how-to', 'scaling.md');

/** Creates the mirror tables of an empty database hash-partitioned, by the SQL of docs/how-to/scaling.md as it is written there. */
export async function partitionMirror(pool: pg.Pool): Promise<void> {
  const sql = /```sql\n(DO [^]*?)```/.exec(readFileSync(SCALE, 'utf8'))?.[1];
  if (sql === undefined)
    throw new Error('docs/how-to/scaling.md has no SQL that partitions the tables');
  await pool.query(sql);
}

/** The tables that are partitioned, by name. */
export async function partitionedTables(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relkind = 'p' AND relnamespace = 'syncline'::regnamespace ORDER BY relname",
  );
  return rows.map(({ name }) => name);
}
