import { OperatorError } from '@syncline/runtime';
import type pg from 'pg';

/**
 * Development versions had other tables and migrations, and cannot be upgraded: before the first
 * release all migrations were squashed into one. Their schema is left unchanged.
 * @param known the checksums of this program's migrations by name, in order
 * @throws OperatorError that names the statement and the commands that recreate the schema
 */
export async function refuseEarlierVersion(
  session: pg.Client,
  schema: string,
  known: ReadonlyMap<string, string>,
): Promise<void> {
  // Checks the tables first, because another process may be committing them together with the
  // record.
  const hasTables = await exists(session, 'syncline.collections');
  const applied = (await exists(session, 'syncline._prisma_migrations'))
    ? await appliedChecksums(session)
    : new Map<string, string>();
  if (!isEarlierVersion(hasTables, applied, known)) return;
  throw new OperatorError(
    `The schema "${schema}" was made by a development version, which cannot be upgraded; nothing was changed.\n` +
      `To recreate it, which erases its accounts and their mirrors: DROP SCHEMA ${session.escapeIdentifier(schema)} CASCADE; and then run: npm run migrate\n` +
      'With the embedded Postgres run: npm run demo -- --reset',
  );
}

/**
 * Pure. An unknown migration after all known ones belongs to a newer version and is accepted,
 * because migrations only add.
 */
export function isEarlierVersion(
  hasTables: boolean,
  applied: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, string>,
): boolean {
  const [initial = ''] = known.keys();
  if (hasTables && !applied.has(initial)) return true;
  return [...applied].some(
    ([name, checksum]) => name < initial || (known.get(name) ?? checksum) !== checksum,
  );
}

async function exists(session: pg.Client, relation: string): Promise<boolean> {
  const found = await session.query<{ exists: boolean }>(
    `SELECT to_regclass('${relation}') IS NOT NULL AS exists`,
  );
  return found.rows[0]?.exists ?? false;
}

async function appliedChecksums(session: pg.Client): Promise<Map<string, string>> {
  const { rows } = await session.query<{ name: string; checksum: string }>(
    'SELECT migration_name AS name, checksum FROM syncline._prisma_migrations WHERE rolled_back_at IS NULL AND finished_at IS NOT NULL',
  );
  return new Map(rows.map(({ name, checksum }) => [name, checksum]));
}
