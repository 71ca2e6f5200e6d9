/**
 * The two kinds of connection to Redis, and what Redis must be before anything is started on it.
 *
 * A producer fails fast: what it wanted to enqueue is still due in Postgres, so waiting for Redis gains nothing. A worker
 * waits for ever: BullMQ's blocking fetch needs `maxRetriesPerRequest: null`, and the job it holds is worth finishing.
 */
import { OperatorError, describeError, type Runtime } from '@syncline/runtime';
import { Redis, type RedisOptions } from 'ioredis';
import { connectionName } from './holders.js';

const CHECK_TIMEOUT_MS = 5_000;
/** A worker that is not back after this, and a quarter, is missed (apps/scheduler/src/missing.ts). */
const RECONNECT_CAP_MS = 1_000;
/**
 * A connection that has not answered for this long is made anew. A lost firewall state or a machine that is gone sends no reset: the socket looks
 * alive, and Linux would try for a quarter of an hour. Longer than BullMQ's blocking fetch, which Redis answers after ten seconds at most.
 */
const SILENCE_LIMIT_MS = 15_000;
const MIN_VERSION = [6, 2] as const;

/** For commands that may fail: `enqueue`, counts. Connects by itself, rejects at once while Redis is away. */
export function producerConnection(
  rt: Runtime,
  redisUrl: string,
  holder?: string,
  silenceLimitMs = SILENCE_LIMIT_MS,
): Redis {
  return new Redis(redisUrl, {
    ...common(rt, silenceLimitMs),
    connectionName: connectionName('producer', holder),
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: 2_000,
  });
}

/** For BullMQ's workers: every command waits until Redis is back. BullMQ makes its blocking connections as copies of it. */
export function workerConnection(
  rt: Runtime,
  redisUrl: string,
  holder?: string,
  silenceLimitMs = SILENCE_LIMIT_MS,
): Redis {
  return new Redis(redisUrl, {
    ...common(rt, silenceLimitMs),
    connectionName: connectionName('worker', holder),
    maxRetriesPerRequest: null,
  });
}

/**
 * Refuses a Redis that would lose jobs. @throws OperatorError when it cannot be reached within about 5 s, refuses the
 * credentials, is older than 6.2, or evicts keys. What a managed Redis doesn't let us read is a warning only.
 */
export async function checkRedis(rt: Runtime, redisUrl: string): Promise<void> {
  const info = await readInfo(rt, redisUrl);
  const problem = redisProblem(info);
  if (problem !== null) throw new OperatorError(`Redis at ${redisAddress(redisUrl)} ${problem}`);
  if (!/^maxmemory_policy:/m.test(info)) {
    rt.log.warn(
      { event: 'redis-policy-unknown' },
      'Redis does not say what it does when it is full; its maxmemory-policy must be noeviction',
    );
  }
}

/** What makes the Redis of this INFO answer unusable, as the end of a sentence, or null. */
export function redisProblem(info: string): string | null {
  const version = /^redis_version:(\d+)\.(\d+)/m.exec(info);
  if (version !== null) {
    const [major, minor] = [Number(version[1]), Number(version[2])];
    const old = major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1]);
    if (old)
      return `is version ${major}.${minor}; Syncline needs ${MIN_VERSION.join('.')} or newer (or Valkey).`;
  }
  const policy = /^maxmemory_policy:([a-z-]+)/m.exec(info)?.[1];
  if (policy === undefined || policy === 'noeviction') return null;
  // Measured with allkeys-lru at 70 %: half of the jobs ran without their data.
  return `evicts keys when it is full (maxmemory-policy ${policy}), which loses jobs. Set it: CONFIG SET maxmemory-policy noeviction, and in redis.conf or your provider's parameters.`;
}

/** Closes without a word. On a connection that has ended already, ioredis would leave a timer that keeps the process for 2 s. */
export function endConnection(connection: Redis): void {
  if (connection.status !== 'end') connection.disconnect();
}

/** `host:port`, fit for a message: a URL also holds the password. */
export function redisAddress(redisUrl: string): string {
  if (!URL.canParse(redisUrl)) return 'REDIS_URL (not a URL)';
  const { hostname, port, pathname } = new URL(redisUrl);
  return hostname === '' ? pathname : `${hostname}:${port === '' ? 6379 : port}`;
}

function common(rt: Runtime, silenceLimitMs: number): RedisOptions {
  return {
    // A demoted primary answers READONLY for ever on the old connection (measured: 5,250 errors a second): 2 = connect
    // again and resend.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    retryStrategy: (attempt) =>
      Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_CAP_MS) * (0.75 + rt.random.next() / 2),
    connectTimeout: CHECK_TIMEOUT_MS,
    socketTimeout: silenceLimitMs,
  };
}

async function readInfo(rt: Runtime, redisUrl: string): Promise<string> {
  const probe = new Redis(redisUrl, {
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    connectTimeout: CHECK_TIMEOUT_MS,
  });
  let lastError: Error | undefined;
  probe.on('error', (error: Error) => (lastError = error));
  const waited = new AbortController();
  try {
    return await Promise.race([
      probe.connect().then(() => probe.info()),
      rt.clock
        .sleep(CHECK_TIMEOUT_MS, waited.signal)
        .then(() => Promise.reject(new Error('no answer within 5 s'))),
    ]);
  } catch (error) {
    throw new OperatorError(`Redis at ${redisAddress(redisUrl)} ${refusal(lastError ?? error)}`, {
      cause: error,
    });
  } finally {
    waited.abort(new Error('answered'));
    endConnection(probe);
  }
}

function refusal(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (/^(NOAUTH|WRONGPASS|NOPERM)\b|without any password|invalid password/i.test(message)) {
    return `refuses the credentials of REDIS_URL (${message.split(' ', 1)[0]}). Check its user and password.`;
  }
  const why = message === 'no answer within 5 s' ? message : describeError(error);
  return `cannot be reached (${why}). Check REDIS_URL, and that Redis is running and lets this host in.`;
}
