/** Whether Redis does what the queues need of it: a script that writes. A Redis that answers PING may be full, read-only or another's. */
import path from 'node:path';
import { loadScript, type RedisConnection } from '@syncline/runtime';

const WRITE = loadScript(path.join(__dirname, '..', 'lua'), ['probe-write']);
/** What a probe leaves is gone soon after the last process. */
const KEEP_MS = 60_000;

/** One key for every process. Rejects when Redis is away, full (OOM), read-only (READONLY), or refuses the user (NOPERM). */
export async function probeWrite(connection: RedisConnection, prefix: string): Promise<void> {
  await connection.eval(WRITE.lua, 1, `${prefix}:health-probe`, KEEP_MS);
}
