/**
 * Owns the Postgres and Redis of one jest run, in a directory of their own. Prints their addresses as one JSON line, and
 * stops and removes everything when its standard input ends: which happens when the run is over, and also when it was
 * killed.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import runtime from '@syncline/runtime';

process.stdout.on('error', () => {}); // Whoever should read the addresses was killed meanwhile: standard input says so too.

const dataDir = mkdtempSync(path.join(tmpdir(), 'syncline-test-'));
chmodSync(dataDir, 0o711); // Root's servers run as another user, who has to get in.
try {
  const embedded = await runtime.startEmbedded({ dataDir });
  try {
    process.stdout.write(`${JSON.stringify({ databaseUrl: embedded.databaseUrl, redisUrl: embedded.redisUrl })}\n`);
    await once(process.stdin.resume(), 'close');
  } finally {
    await embedded.release();
  }
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
