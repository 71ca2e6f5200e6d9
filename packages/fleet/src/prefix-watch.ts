import {
  type RedisConnection,
  type RedisSettings,
  type Runtime,
  keepPrefix,
  runLoop,
} from '@syncline/runtime';

/** One small read of each process; after FLUSHALL this is how long Redis does not know whose it is. */
const CHECK_EVERY_MS = 2_000;
const BACKOFF = { firstMs: 1_000, capMs: 5_000 };

/**
 * Looks whether the prefix is still ours, and writes our name again to a Redis that has forgotten it. `displaced` resolves when another deployment has
 * the prefix: two fleets with one set of keys must not go on.
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
      text: 'Redis does not tell whose prefix it is; asking again',
    },
    // While Redis is away nobody can take the prefix, and the connection's own handler has complained.
    isLoggedElsewhere: () => true,
  });
  return { displaced, stop: () => over.abort(new Error('closed')) };
}
