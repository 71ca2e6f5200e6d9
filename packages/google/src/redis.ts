/**
 * The Redis connection of this package, for quota and shared access tokens. Commands fail fast: an
 * error puts the call off by a second, while a command that hangs would occupy a worker slot.
 */
import {
  OperatorError,
  type RedisConnection,
  type RedisScript,
  type RedisSettings,
  RedisUnreachable,
  type Runtime,
  claimPrefix,
  connectionNameOf,
  endConnection,
  findRedis,
  onRedisError,
  OwnError,
  undiscoveredRedis,
} from '@syncline/runtime';

const COMMAND_TIMEOUT_MS = 2_000;
/**
 * A connection without an answer for this long is replaced. On a connection that is only half open,
 * every command would time out for a quarter of an hour.
 */
const SILENCE_LIMIT_MS = 5_000;
/**
 * Short, because every process must report its usage again within the hold that follows a restart
 * of Redis without its data.
 */
const RECONNECT_CEILING_MS = 500;
const FIRST_CONNECT_WAIT_MS = 3_000;
const LOG_EVERY_MS = 30_000;

/**
 * Connects within a bounded time. A Redis that is away delays the start by that time and does not
 * prevent it.
 * @throws OperatorError when Redis refuses the connection, or our prefix belongs to another
 * deployment
 */
export async function connectRedis(
  rt: Runtime,
  settings: RedisSettings,
  holder?: string,
): Promise<RedisConnection> {
  const found = await findRedis(rt, settings, {
    timeoutMs: FIRST_CONNECT_WAIT_MS,
    isForQueues: false,
  }).catch((error: unknown) => {
    if (error instanceof RedisUnreachable) return null;
    throw error;
  });
  const redis = (found ?? undiscoveredRedis(settings)).connect({
    connectionName: connectionNameOf(settings, 'google', holder),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SILENCE_LIMIT_MS,
    retryStrategy: (times) => Math.min(50 * times, RECONNECT_CEILING_MS),
  });
  logErrorsRateLimited(rt, redis);
  if (found === null) return redis;
  await firstReady(rt, redis);
  await claimPrefix(redis, settings, found.hosts).catch((error: unknown) => {
    if (isTransientRedisError(error)) return;
    endConnection(redis);
    throw error;
  });
  return redis;
}

/** Resolves when the server is ready or the wait is over, whichever comes first. */
function firstReady(rt: Runtime, redis: RedisConnection): Promise<void> {
  const waiting = new AbortController();
  redis.once('ready', () => waiting.abort());
  // The abort is the normal end of this sleep.
  return rt.clock.sleep(FIRST_CONNECT_WAIT_MS, waiting.signal).catch(() => undefined);
}

function logErrorsRateLimited(rt: Runtime, redis: RedisConnection): void {
  let quietUntilMs = 0;
  onRedisError(redis, (err: Error) => {
    if (rt.clock.nowMs() < quietUntilMs) return;
    quietUntilMs = rt.clock.nowMs() + LOG_EVERY_MS;
    rt.log.warn(
      { event: 'google_redis_failed', err },
      'Redis is unreachable or refuses commands; calls to Google wait for it',
    );
  });
}

/**
 * @throws Error at once while there is no connection; ioredis would refuse too, but would leave its
 * command timer running
 */
export function refuseUnlessReady(redis: RedisConnection): void {
  if (redis.status !== 'ready') throw new OwnError(`Redis is not connected (${redis.status})`);
}

/** @throws Error of the client when the server does not answer within the limit of one command */
export async function checkRedis(redis: RedisConnection): Promise<void> {
  refuseUnlessReady(redis);
  await redis.ping();
}

/**
 * Runs a script by its digest, and sends its text when the server does not have it, as after a
 * restart.
 */
export async function runScript(
  redis: RedisConnection,
  { lua, sha }: RedisScript,
  keys: string[],
  args: (string | number)[],
): Promise<unknown> {
  refuseUnlessReady(redis);
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return redis.eval(lua, keys.length, ...keys, ...args);
  }
}

/**
 * Whether an error means that Redis is away, full, loading or demoted. A reply that rejects the
 * command itself (`ERR …`) is our bug and must not be treated as an outage.
 */
export function isTransientRedisError(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof TypeError || error instanceof OperatorError)
    return false;
  return (
    error.name !== 'ReplyError' || !/^(ERR|WRONGTYPE|CROSSSLOT|NOSCRIPT)\b/.test(error.message)
  );
}
