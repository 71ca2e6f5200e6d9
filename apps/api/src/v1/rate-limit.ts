/** Limits the requests of each key, and the failed authentications of each address. */
import type { RedisConnection } from '@syncline/runtime';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

const WINDOW_S = 60;
/** In a window: requests of weight 1 of a key, and failed authentications of an address. */
const LIMITS = { requests: 6_000, failures: 20 };

interface RateState {
  isAllowed: boolean;
  headers: Record<string, string>;
}

export interface RateLimits {
  /** Charges a request to its key. */
  charge(keyId: string, weight: number): Promise<RateState>;
  /** Counts a failed authentication. */
  failed(address: string): Promise<RateState>;
}

/**
 * Counts in Redis, which all API processes share. Without Redis each process counts by itself.
 * @param redis null: without Redis
 */
export function openRateLimits(
  redis: { connection: RedisConnection; prefix: string } | null,
  limits = LIMITS,
): RateLimits {
  const own = new RateLimiterMemory({ points: limits.requests, duration: WINDOW_S });
  const requests =
    redis === null
      ? own
      : new RateLimiterRedis({
          storeClient: redis.connection,
          keyPrefix: `${redis.prefix}:api-rate`,
          points: limits.requests,
          duration: WINDOW_S,
          insuranceLimiter: own,
          rejectIfRedisNotReady: true,
        });
  const failures = new RateLimiterMemory({ points: limits.failures, duration: WINDOW_S });
  return {
    charge: (keyId, weight) => consume(requests, keyId, weight, limits.requests),
    failed: (address) => consume(failures, address, 1, limits.failures),
  };
}

async function consume(
  limiter: RateLimiterMemory | RateLimiterRedis,
  key: string,
  weight: number,
  limit: number,
): Promise<RateState> {
  try {
    return stateOf(await limiter.consume(key, weight), true, limit);
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return stateOf(refused, false, limit);
    throw refused;
  }
}

/** The headers of draft-ietf-httpapi-ratelimit-headers-11. */
function stateOf(
  { remainingPoints, msBeforeNext }: RateLimiterRes,
  isAllowed: boolean,
  limit: number,
): RateState {
  const resetS = Math.max(0, Math.ceil(msBeforeNext / 1_000));
  return {
    isAllowed,
    headers: {
      'RateLimit-Policy': `"default";q=${limit};w=${WINDOW_S}`,
      RateLimit: `"default";r=${Math.max(0, remainingPoints)};t=${resetS}`,
      ...(isAllowed ? {} : { 'Retry-After': String(Math.max(1, resetS)) }),
    },
  };
}
