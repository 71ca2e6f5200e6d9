import pg from 'pg';
import { connectionOf, resolveTls } from './connection.js';

/**
 * Drops the database of `databaseUrl` if it exists. `force` ends its open sessions.
 * @returns false, without a change, when it has open sessions and `force` is not given
 */
export async function dropDatabase(
  databaseUrl: string,
  options: { force?: boolean } = {},
): Promise<boolean> {
  const name = decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
  const admin = await connectBeside(databaseUrl);
  try {
    await admin.query(
      `DROP DATABASE IF EXISTS ${admin.escapeIdentifier(name)}${options.force ? ' WITH (FORCE)' : ''}`,
    );
    return true;
  } catch (error) {
    const inUse = (error as { code?: string }).code === '55006';
    if (!inUse) throw error;
    return false;
  } finally {
    await admin.end();
  }
}

/** A session cannot drop its own database. */
async function connectBeside(databaseUrl: string): Promise<pg.Client> {
  const url = new URL(await resolveTls(databaseUrl));
  url.pathname = '/postgres';
  const admin = new pg.Client(connectionOf(url.href));
  admin.on('error', () => undefined); // The next query reports the error.
  await admin.connect();
  return admin;
}
