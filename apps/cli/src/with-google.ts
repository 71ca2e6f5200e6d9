/**
 * Google as one command needs it. A worker waits for a Redis that is away; a command says so and
 * ends.
 */
import { type Google, openGoogle } from '@syncline/google';
import { OperatorError, type Runtime, describeError, redisSettings } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import type { Cli } from './command.js';

/** Redis may be restarted, or fail over, while a command runs. */
const REDIS_AWAY_LIMIT_MS = 10_000;
const CHECK_EVERY_MS = 2_000;

/**
 * Runs `act` with Google opened for it; the runtime that `act` gets is aborted when Redis, which
 * holds the quota, stays away for ten seconds.
 * @throws OperatorError when Redis does not answer within seconds at the start, or stays away later
 */
export async function withGoogle<T>(
  cli: Cli,
  store: Store,
  act: (google: Google, rt: Runtime) => Promise<T>,
): Promise<T> {
  const google = await openConfigured(cli, store);
  const { rt } = cli;
  const over = new AbortController();
  const lost = new AbortController();
  try {
    await google.checkRedis().catch((error: unknown) => {
      throw redisAway(error);
    });
    const watching = watchRedis(rt, google, over.signal, lost);
    const signal = AbortSignal.any([rt.signal, lost.signal]);
    try {
      return await act(google, { ...rt, signal });
    } finally {
      over.abort(new Error('the command is over'));
      await watching;
    }
  } catch (error) {
    // What the abort made of the interrupted step is no news.
    if (lost.signal.aborted) throw lost.signal.reason;
    throw error;
  } finally {
    await google.close();
  }
}

/** Google with the configured clients and quotas; to be closed. */
export async function openConfigured({ rt, config }: Cli, store: Store): Promise<Google> {
  return openGoogle(rt, {
    ...config.google,
    ...redisSettings(config, await store.feed.name()),
    quotas: config.quotas,
    tokens: store.vault,
  });
}

/** Aborts `lost` when Redis has been away for the limit; ends with `over`. */
async function watchRedis(
  rt: Runtime,
  google: Google,
  over: AbortSignal,
  lost: AbortController,
): Promise<void> {
  let answeredMs = rt.clock.nowMs();
  while (!over.aborted && !lost.signal.aborted) {
    await rt.clock.sleep(CHECK_EVERY_MS, over).catch(() => undefined);
    try {
      await google.checkRedis();
      answeredMs = rt.clock.nowMs();
    } catch (error) {
      if (rt.clock.nowMs() - answeredMs >= REDIS_AWAY_LIMIT_MS) lost.abort(redisAway(error));
    }
  }
}

function redisAway(error: unknown): OperatorError {
  return new OperatorError(
    `Redis does not answer: ${describeError(error)}. Calls to Google need it to count quota. Start Redis, or set REDIS_URL to a server that runs.`,
  );
}
