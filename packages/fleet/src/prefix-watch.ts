import {
  type RedisConnection,
  type RedisSettings,
  type Runtime,
  keepPrefix,
} from '@syncline/runtime';

/** One small read of each process; after FLUSHALL this is how long Redis does not know whose it is. */
const LOOK_EVERY_MS = 2_000;

/**
 * Looks whether the prefix is still ours, and says so again to a Redis that has forgotten. `displaced` resolves when another deployment has it: two
 * fleets with one set of keys must not go on, and that one has told nobody.
 */
export function watchPrefix(
  rt: Runtime,
  connection: RedisConnection,
  settings: RedisSettings,
): { displaced: Promise<void>; stop(): void } {
  const stopped = new AbortController();
  const displaced = look(rt, connection, settings, stopped.signal);
  return { displaced, stop: () => stopped.abort(new Error('closed')) };
}

async function look(
  rt: Runtime,
  connection: RedisConnection,
  settings: RedisSettings,
  stopped: AbortSignal,
): Promise<void> {
  for (;;) {
    const isOver = await rt.clock.sleep(LOOK_EVERY_MS, stopped).then(
      () => false,
      () => true,
    );
    // A promise that waits for ever costs nothing, and nobody is displaced who has closed.
    if (isOver) return new Promise<never>(() => undefined);
    // While Redis is away, nobody can take the prefix; the connection's own handler complains.
    const isOurs = await keepPrefix(connection, settings).catch(() => true);
    if (isOurs) continue;
    rt.log.fatal(
      { event: 'prefix_taken', prefix: settings.redisPrefix },
      'another deployment, with another database, uses REDIS_PREFIX on this Redis: this process ends, since each would take the jobs of the other',
    );
    return;
  }
}
