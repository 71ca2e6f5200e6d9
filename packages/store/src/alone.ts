import type pg from 'pg';

/**
 * Does `work` unless somebody, in any process, is at work under the same name. The session holds the lock, so that a killed process
 * lets go of it with its connection.
 * @returns null when somebody is
 */
export async function alone<T>(
  pool: pg.Pool,
  name: string,
  work: () => Promise<T>,
): Promise<{ result: T } | null> {
  const session = await pool.connect();
  let broken: Error | undefined;
  try {
    const locked = await session.query<{ ours: boolean }>(
      'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS ours',
      [name],
    );
    if (locked.rows[0]?.ours !== true) return null;
    try {
      return { result: await work() };
    } finally {
      await session
        .query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [name])
        .catch((error: Error) => {
          // A session that may still hold the lock must not go back to the pool.
          broken = error;
        });
    }
  } finally {
    session.release(broken);
  }
}
