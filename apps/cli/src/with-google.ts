/**
 * Google access for one command. A worker waits for an unavailable Redis; a command reports it and
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
 * Runs `act` with Google opened for it. The runtime that `act` receives is aborted when Redis,
 * which holds the quota, is unavailable for ten seconds.
 * @throws OperatorError when Redis does not answer within seconds at the start, or is unavailable
 * later
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
    // The error of the interrupted step is replaced by the reason of the abort.
    if (lost.signal.aborted) throw lost.signal.reason;
    throw error;
  } finally {
    await google.close();
  }
}

/** Opens Google with the configured clients and quotas; the caller closes it. */
export async function openConfigured({ rt, config }: Cli, store: Store): Promise<Google> {
  return openGoogle(rt, {
    ...config.google,
    ...redisSettings(config, await store.feed.name()),
    quotas: config.quotas,
    tokens: store.vault,
  });
}

/** Aborts `lost` when Redis has been unavailable for the limit; ends with `over`. */
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
