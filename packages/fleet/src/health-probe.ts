/**
 * Checks that Redis can run a script that writes, as the queues need. A Redis that answers PING may
 * be full, read-only or another deployment's.
 */
import path from 'node:path';
import { loadScript, type RedisConnection } from '@syncline/runtime';

const WRITE = loadScript(path.join(__dirname, '..', 'lua'), ['probe-write']);
/** The probe's key expires soon after the last process has ended. */
const KEEP_MS = 60_000;

/**
 * Uses one key for all processes. Rejects when Redis is away, full (OOM), read-only (READONLY), or
 * refuses the user (NOPERM).
 */
export async function probeWrite(connection: RedisConnection, prefix: string): Promise<void> {
  await connection.eval(WRITE.lua, 1, `${prefix}:health-probe`, KEEP_MS);
}
