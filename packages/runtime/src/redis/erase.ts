import type { Runtime } from '../runtime.js';
import { type RedisSettings, endConnection, mastersOf, reconnectDelayMs } from './connect.js';
import { findRedis } from './find.js';

const SCAN_COUNT = 1_000;
const RECONNECT_CAP_MS = 1_000;

/**
 * Deletes every key of the prefix. For a prefix that nobody uses any more: what its processes write meanwhile may stay.
 * @throws OperatorError when Redis cannot be reached or is not fit for a queue
 */
export async function erasePrefix(rt: Runtime, settings: RedisSettings): Promise<void> {
  const found = await findRedis(rt, settings, { isForQueues: true });
  const connection = found.connect({
    retryStrategy: (attempt) => reconnectDelayMs(rt, attempt, RECONNECT_CAP_MS),
  });
  try {
    // A cluster knows its masters once it has answered.
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
        // One by one, since keys of different slots cannot be deleted by one command.
        await Promise.all(keys.map((key) => master.unlink(key)));
        cursor = next;
      } while (cursor !== '0');
    }
  } finally {
    endConnection(connection);
  }
}
