/**
 * The sealed access tokens that a fleet shares through Redis: their keys in Redis, and their
 * re-encryption when the master key is rotated.
 */
import path from 'node:path';
import {
  describeError,
  loadScript,
  OperatorError,
  type RedisConnection,
  type RedisSettings,
  type Runtime,
} from '@syncline/runtime';
import { checkRedis, connectRedis, isTransientRedisError, runScript } from './redis.js';

/**
 * The keys of one account share a hash tag, so that one command can delete them together on Redis
 * Cluster too.
 */
export function tokenKeysOf(
  { prefix, project }: { prefix: string; project: string },
  accountId: string,
): string {
  return `${prefix}:{account:${accountId}}:${project}`;
}

/** The key of the account's sealed access token. */
export function accessTokenKeyOf(
  place: { prefix: string; project: string },
  accountId: string,
): string {
  return `${tokenKeysOf(place, accountId)}:access-token`;
}

export interface SharedTokens {
  /**
   * Replaces the shared access token of each account by the result of `reseal`, and deletes the
   * token when that is null. A token that another process has renewed meanwhile is not changed.
   * @returns how many were replaced or deleted
   * @throws OperatorError when Redis does not answer
   */
  reseal(accounts: readonly TokenPlace[]): Promise<number>;
  close(): void;
}

interface TokenPlace {
  accountId: string;
  /** The Google project of the account. */
  project: string;
}

/** @returns null when the token cannot be decrypted; the same text when nothing has to be done */
export type Reseal = (accountId: string, sealed: string) => string | null;

/** Replaces the token only while it is unchanged, and keeps its expiry. */
const REPLACE = loadScript(path.join(__dirname, '..', 'lua'), ['tokens/replace']);

/** @throws OperatorError when Redis does not answer within seconds, or refuses the connection */
export async function openSharedTokens(
  rt: Runtime,
  settings: RedisSettings,
  reseal: Reseal,
): Promise<SharedTokens> {
  const redis = await connectRedis(rt, settings);
  const prefix = settings.redisPrefix;
  try {
    await withOperatorErrors(() => checkRedis(redis));
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  return {
    reseal: (accounts) =>
      withOperatorErrors(async () => {
        const replaced = await Promise.all(
          accounts.map(({ accountId, project }) =>
            resealOne(redis, accessTokenKeyOf({ prefix, project }, accountId), (sealed) =>
              reseal(accountId, sealed),
            ),
          ),
        );
        return replaced.filter(Boolean).length;
      }),
    close: () => redis.disconnect(),
  };
}

async function resealOne(
  redis: RedisConnection,
  key: string,
  reseal: (sealed: string) => string | null,
): Promise<boolean> {
  const sealed = await redis.get(key);
  if (sealed === null) return false;
  const resealed = reseal(sealed);
  if (resealed === sealed) return false;
  return (await runScript(redis, REPLACE, [key], [sealed, resealed ?? ''])) === 1;
}

async function withOperatorErrors<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isTransientRedisError(error)) throw error;
    throw new OperatorError(
      `Redis does not answer: ${describeError(error)}. It holds access tokens under the old key. Start Redis, or set REDIS_URL to a server that runs, and run the command again.`,
    );
  }
}
