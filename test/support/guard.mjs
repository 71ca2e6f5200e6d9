/**
 * Owns the Postgres and Redis of one jest run, in a directory of their own. Prints their addresses
 * as one JSON line, and stops and removes everything when its standard input closes: at the end of
 * the run, also when it was killed.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import runtime from '@syncline/runtime';
import pg from 'pg';

process.stdout.on('error', () => {}); // The reader was killed: standard input closes as well.

const dataDir = mkdtempSync(path.join(tmpdir(), 'syncline-test-'));
chmodSync(dataDir, 0o711); // Root's servers run as another user, who has to get in.
try {
  const embedded = await runtime.startEmbedded({ dataDir });
  // Tests create databases and roles.
  const databaseUrl = embedded.administratorUrl;
  try {
    await disableSync(databaseUrl);
    process.stdout.write(`${JSON.stringify({ databaseUrl, redisUrl: embedded.redisUrl })}\n`);
    await once(process.stdin.resume(), 'close');
  } finally {
    await embedded.release();
  }
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}

/** Turns off syncing to disk. Tests kill servers, but never lose a machine's power. */
async function disableSync(databaseUrl) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit'])
    await client.query(`ALTER SYSTEM SET ${setting} = off`);
  // No object is found by an unqualified name: a statement that does not name its schema fails in
  // every test.
  await client.query("ALTER SYSTEM SET search_path = 'nowhere'");
  await client.query('SELECT pg_reload_conf()');
  await client.end();
}
