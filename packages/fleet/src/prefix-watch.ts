import {
  type RedisConnection,
  type RedisSettings,
  type Runtime,
  keepPrefix,
  runLoop,
} from '@syncline/runtime';

/**
 * One small read per process. After FLUSHALL, Redis lacks the owner of the prefix for this long.
 */
const CHECK_EVERY_MS = 2_000;
const BACKOFF = { firstMs: 1_000, capMs: 5_000 };

/**
 * Checks that the prefix is still ours, and writes our name again to a Redis that lost it.
 * `displaced` resolves when another deployment has taken the prefix, because two fleets must not
 * use the same keys.
 */
export function watchPrefix(
  rt: Runtime,
  connection: RedisConnection,
  settings: RedisSettings,
): { displaced: Promise<void>; stop(): void } {
  const over = new AbortController();
  let giveUp: () => void = () => undefined;
  const displaced = new Promise<void>((resolve) => (giveUp = resolve));
  const check = async (): Promise<number> => {
    if (await keepPrefix(connection, settings)) return CHECK_EVERY_MS;
    rt.log.fatal(
      { event: 'prefix_taken', prefix: settings.redisPrefix },
      'another deployment, with another database, uses REDIS_PREFIX on this Redis: this process ends, since each would take the jobs of the other',
    );
    over.abort(new Error('the prefix is another deployment’s'));
    giveUp();
    return CHECK_EVERY_MS;
  };
  void runLoop(rt, {
    name: 'redis-prefix',
    need: 'degraded',
    backoff: BACKOFF,
    firstAfterMs: CHECK_EVERY_MS,
    signal: over.signal,
    round: check,
    failed: {
      event: 'prefix_unseen',
      text: 'the owner of the prefix cannot be read from Redis; trying again',
    },
    // While Redis is away no other deployment can take the prefix, and the connection's own handler
    // has logged the error.
    isLoggedElsewhere: () => true,
  });
  return { displaced, stop: () => over.abort(new Error('closed')) };
}
