import type { Runtime } from '../runtime.js';
import { type RedisSettings, endConnection, mastersOf, reconnectDelayMs } from './connect.js';
import { findRedis } from './find.js';

const SCAN_COUNT = 1_000;
const RECONNECT_CAP_MS = 1_000;

/**
 * Deletes every key of the prefix. For a prefix that is no longer in use: keys that its processes
 * write meanwhile may remain.
 * @throws OperatorError when Redis is unreachable or not suitable for a queue
 */
export async function erasePrefix(rt: Runtime, settings: RedisSettings): Promise<void> {
  const found = await findRedis(rt, settings, { isForQueues: true });
  const connection = found.connect({
    retryStrategy: (attempt) => reconnectDelayMs(rt, attempt, RECONNECT_CAP_MS),
  });
  try {
    // A cluster client knows its masters only after a first reply.
    await connection.exists(`${settings.redisPrefix}:deployment`);
    for (const master of mastersOf(connection)) {
      let cursor = '0';
      do {
        const [next, keys] = await master.scan(
          cursor,
          'MATCH',
          `${settings.redisPrefix}:*`,
          'COUNT',
          SCAN_COUNT,
        );
        // The keys are deleted individually because one command cannot delete keys of different
        // slots.
        await Promise.all(keys.map((key) => master.unlink(key)));
        cursor = next;
      } while (cursor !== '0');
    }
  } finally {
    endConnection(connection);
  }
}
