import pg from 'pg';
import { connectionOf, resolveTls } from './connection.js';

/**
 * Drops the database that `databaseUrl` names, if it exists. `force` ends the sessions that are still in it.
 * @returns false, and does nothing, when sessions are in it and `force` is not given
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

/** A database cannot be dropped from within. */
async function connectBeside(databaseUrl: string): Promise<pg.Client> {
  const url = new URL(await resolveTls(databaseUrl));
  url.pathname = '/postgres';
  const admin = new pg.Client(connectionOf(url.href));
  admin.on('error', () => undefined); // The next query tells it.
  await admin.connect();
  return admin;
}
