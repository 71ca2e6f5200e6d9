import type { Queryable } from '../../packages/store/src/transaction.js';

/** Returns the name under which a session has prepared the statement with this label. */
export async function preparedName(
  session: Pick<Queryable, 'query'>,
  label: string,
): Promise<string> {
  const { rows } = await session.query<{ name: string }>(
    'SELECT name FROM pg_prepared_statements WHERE name LIKE $1',
    [`${label}\\_%`],
  );
  if (!rows[0]) throw new Error(`no statement ${label} is prepared on this session`);
  return rows[0].name;
}
