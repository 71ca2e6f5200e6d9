/**
 * What the fleet knows of a refused OAuth client. `invalid_client` and its like are said of the client and not of the grant, so after one refusal
 * nobody asks with this client's secret again; whoever tries for all (`Tokens.tryAgain`) renews the mark or ends it. The mark is this secret's alone:
 * a process that was started with another one is not held back.
 */
import { createHash } from 'node:crypto';
import type { RedisConnection, Runtime } from '@syncline/runtime';
import { CLIENT_REFUSALS } from './classify.js';
import { GoogleError, type GoogleErrorKind } from './errors.js';
import { isRedisWeather, refuseUnlessReady } from './redis.js';

export interface ClientMark {
  /** @throws GoogleError `forbidden` with Google's own reason while the client is known to be refused. */
  refuseWhileRefused(): Promise<void>;
  /** Google refused a refresh: it is noted when that is said of the client, and the mark ends when it is said of the grant. `tried` as below. */
  answered(detail: GoogleErrorKind, tried: boolean): Promise<void>;
  /** Google took the client. @param tried whether it was asked although the client was refused before */
  taken(tried: boolean): Promise<void>;
}

/** Longer than the longest rest between two tries: only a deployment without workers lets it lapse. */
const REFUSED_FOR_MS = 90_000;
/** Without Redis a process cannot learn that another one's try went well. */
const ALONE_FOR_MS = 10_000;

export function openClientMark(
  rt: Runtime,
  redis: RedisConnection,
  options: { prefix: string; clientId: string; clientSecret: string },
): ClientMark {
  const key = `${options.prefix}:client-refused:${digestOf(options.clientId, options.clientSecret)}`;
  let here: { reason: string; untilMs: number } | null = null;
  const ask = async <T>(command: () => Promise<T>): Promise<{ reply: T } | null> => {
    try {
      refuseUnlessReady(redis);
      return { reply: await command() };
    } catch (error) {
      if (!isRedisWeather(error)) throw error;
      return null;
    }
  };
  const forget = async (): Promise<void> => {
    here = null;
    await ask(() => redis.del(key));
  };
  return {
    refuseWhileRefused: async () => {
      const shared = await ask(() => redis.get(key));
      const kept = here !== null && here.untilMs > rt.clock.nowMs() ? here.reason : null;
      const reason = shared ? shared.reply : kept;
      if (reason !== null) throw new GoogleError('oauth2.token', { kind: 'forbidden', reason });
    },
    answered: async (detail, tried) => {
      if (detail.kind === 'unauthorized' && (tried || here !== null)) await forget();
      if (detail.kind !== 'forbidden' || !isClientRefusal(detail.reason)) return;
      const { reason } = detail;
      here = { reason, untilMs: rt.clock.nowMs() + ALONE_FOR_MS };
      await ask(() => redis.set(key, reason, 'PX', REFUSED_FOR_MS));
    },
    taken: async (tried) => {
      if (tried || here !== null) await forget();
    },
  };
}

function isClientRefusal(reason: string): boolean {
  return CLIENT_REFUSALS.has(reason.split(':')[0] ?? '');
}

/** So short that it tells nothing of the secret. */
function digestOf(clientId: string, clientSecret: string): string {
  return createHash('sha256')
    .update(`${clientId}\0${clientSecret}`)
    .digest('base64url')
    .slice(0, 12);
}
