import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

declare global {
  var synclineGuard: ChildProcess | undefined;
}

/**
 * Starts one Postgres and one Redis for the whole run; tests create databases and key prefixes of
 * their own in them. A run that another one started shares its servers.
 */
export default async function setUp(): Promise<void> {
  if (process.env['SYNCLINE_TEST_DATABASE_URL'] && process.env['SYNCLINE_TEST_REDIS_URL']) return;
  // A session of its own: Ctrl-C ends jest, and the guard still stops the servers afterwards.
  const guard = spawn(process.execPath, [path.join(__dirname, 'guard.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const lines = createInterface({ input: guard.stdout });
  const failed = once(guard, 'exit').then(([code]) => {
    throw new Error(`the servers for the tests did not start (exit code ${code})`);
  });
  const [line] = (await Promise.race([once(lines, 'line'), failed])) as [string];
  failed.catch(() => {}); // From here on its exit is the teardown's business.
  const { databaseUrl, redisUrl } = JSON.parse(line) as { databaseUrl: string; redisUrl: string };
  process.env['SYNCLINE_TEST_DATABASE_URL'] = databaseUrl;
  process.env['SYNCLINE_TEST_REDIS_URL'] = redisUrl;
  globalThis.synclineGuard = guard;
  process.env['SYNCLINE_TEST_PRELOAD'] = preload();
}

/** Writes the module that programs of this run load first (`compile-cache.cjs`). @returns its file */
function preload(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'syncline-compiled-'));
  const file = path.join(directory, 'preload.cjs');
  const cache = JSON.stringify(path.join(__dirname, 'compile-cache.cjs'));
  writeFileSync(file, `require(${cache})(__dirname);\n`);
  return file;
}
