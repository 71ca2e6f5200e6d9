/**
 * The two kinds of Redis connection that a queue needs.
 *
 * A producer fails fast: work that could not be enqueued is still due in Postgres, so waiting for
 * Redis gains nothing. A worker waits indefinitely: BullMQ's blocking fetch needs
 * `maxRetriesPerRequest: null`, and finishing the current job is worth the wait.
 */
import {
  type ConnectionOptions,
  type FoundRedis,
  type RedisConnection,
  type RedisSettings,
  RedisUnreachable,
  type Runtime,
  connectionNameOf,
  reconnectDelayMs,
} from '@syncline/runtime';

/**
 * A worker that is not connected again after this time, plus a quarter, counts as missing
 * (apps/scheduler/src/dead-holders.ts).
 */
const RECONNECT_CAP_MS = 1_000;
/**
 * A connection without an answer for this long is replaced. After a firewall lost its state or a
 * machine failed, no reset arrives: the socket seems open, and Linux would retry for a quarter of
 * an hour. Longer than BullMQ's blocking fetch, which Redis answers after ten seconds at most.
 */
const SILENCE_LIMIT_MS = 15_000;
const COMMAND_TIMEOUT_MS = 2_000;

/** A Redis that was found, with the key prefix that is ours there. */
export interface FleetRedis {
  found: FoundRedis;
  settings: RedisSettings;
  holder: string | undefined;
}

/**
 * Returns a connection for commands that may fail, such as `enqueue` and counts. It connects by
 * itself and rejects at once while Redis is away.
 */
export function producerConnection(
  rt: Runtime,
  { found, settings, holder }: FleetRedis,
  silenceLimitMs = SILENCE_LIMIT_MS,
): RedisConnection {
  return found.connect({
    ...common(rt, silenceLimitMs),
    connectionName: connectionNameOf(settings, 'producer', holder),
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
  });
}

/**
 * Returns a connection for BullMQ's workers: every command waits until Redis is back. BullMQ copies
 * it for its blocking connections.
 */
export function workerConnection(
  rt: Runtime,
  { found, settings, holder }: FleetRedis,
  silenceLimitMs = SILENCE_LIMIT_MS,
): RedisConnection {
  return found.connect({
    ...common(rt, silenceLimitMs),
    connectionName: connectionNameOf(settings, 'worker', holder),
    maxRetriesPerRequest: null,
  });
}

/**
 * Resolves when the connection is ready.
 * @throws RedisUnreachable after `timeoutMs`
 */
export async function whenReady(
  rt: Runtime,
  connection: RedisConnection,
  { hosts, timeoutMs }: { hosts: string; timeoutMs: number },
): Promise<void> {
  if (connection.status === 'ready') return;
  const waiting = new AbortController();
  const ready = (): void => waiting.abort(new Error('ready'));
  connection.once('ready', ready);
  const inTime = await rt.clock.sleep(timeoutMs, waiting.signal).then(
    () => false,
    () => true,
  );
  connection.off('ready', ready);
  if (!inTime) throw new RedisUnreachable(hosts, `not ready within ${timeoutMs / 1_000} s`);
}

function common(
  rt: Runtime,
  silenceLimitMs: number,
): Pick<ConnectionOptions, 'retryStrategy' | 'socketTimeout'> {
  return {
    retryStrategy: (attempt) => reconnectDelayMs(rt, attempt, RECONNECT_CAP_MS),
    socketTimeout: silenceLimitMs,
  };
}
