/**
 * The two kinds of connection to Redis that a queue needs.
 *
 * A producer fails fast: what it wanted to enqueue is still due in Postgres, so waiting for Redis gains nothing. A worker
 * waits for ever: BullMQ's blocking fetch needs `maxRetriesPerRequest: null`, and the job it holds is worth finishing.
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

/** A worker that is not back after this, and a quarter, is missed (apps/scheduler/src/missing.ts). */
const RECONNECT_CAP_MS = 1_000;
/**
 * A connection that has not answered for this long is made anew. A lost firewall state or a machine that is gone sends no reset: the socket looks
 * alive, and Linux would try for a quarter of an hour. Longer than BullMQ's blocking fetch, which Redis answers after ten seconds at most.
 */
const SILENCE_LIMIT_MS = 15_000;
const COMMAND_TIMEOUT_MS = 2_000;

/** A Redis that was met, and whose keys there are ours. */
export interface RedisHome {
  found: FoundRedis;
  settings: RedisSettings;
  holder: string | undefined;
}

/** For commands that may fail: `enqueue`, counts. Connects by itself, rejects at once while Redis is away. */
export function producerConnection(
  rt: Runtime,
  { found, settings, holder }: RedisHome,
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

/** For BullMQ's workers: every command waits until Redis is back. BullMQ makes its blocking connections as copies of it. */
export function workerConnection(
  rt: Runtime,
  { found, settings, holder }: RedisHome,
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
