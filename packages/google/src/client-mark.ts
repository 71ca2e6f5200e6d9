/**
 * The shared record of a refused OAuth client. `invalid_client` and similar errors concern the
 * client, not the grant, so after one refusal no process uses this client's secret again except for
 * probes (`Tokens.tryAgain`), which renew or delete the mark. The mark is bound to this secret: a
 * process with another secret is not affected.
 */
import { createHash } from 'node:crypto';
import type { RedisConnection, Runtime } from '@syncline/runtime';
import { CLIENT_REFUSALS } from './classify.js';
import { GoogleError, type GoogleErrorKind } from './errors.js';
import { isTransientRedisError, refuseUnlessReady } from './redis.js';

export interface ClientMark {
  /**
   * @throws GoogleError `forbidden` with Google's reason while the client is known to be refused
   */
  throwIfRefused(): Promise<void>;
  /**
   * Must be called when Google refused a refresh. Sets the mark when the error concerns the client,
   * and deletes it when it concerns the grant.
   * @param tried whether this was a probe of a refused client
   */
  noteRefusal(detail: GoogleErrorKind, tried: boolean): Promise<void>;
  /**
   * Must be called when Google accepted the client.
   * @param tried whether this was a probe of a refused client
   */
  noteAcceptance(tried: boolean): Promise<void>;
}

/**
 * Longer than the longest pause between two probes, so the mark expires only in a deployment
 * without workers.
 */
const REFUSED_FOR_MS = 90_000;
/**
 * Shorter, because without Redis a process does not learn that another process's probe succeeded.
 */
const WITHOUT_REDIS_FOR_MS = 10_000;

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
      if (!isTransientRedisError(error)) throw error;
      return null;
    }
  };
  const forget = async (): Promise<void> => {
    here = null;
    await ask(() => redis.del(key));
  };
  return {
    throwIfRefused: async () => {
      const shared = await ask(() => redis.get(key));
      const kept = here !== null && here.untilMs > rt.clock.nowMs() ? here.reason : null;
      const reason = shared ? shared.reply : kept;
      if (reason !== null) throw new GoogleError('oauth2.token', { kind: 'forbidden', reason });
    },
    noteRefusal: async (detail, tried) => {
      if (detail.kind === 'unauthorized' && (tried || here !== null)) await forget();
      if (detail.kind !== 'forbidden' || !isClientRefusal(detail.reason)) return;
      const { reason } = detail;
      here = { reason, untilMs: rt.clock.nowMs() + WITHOUT_REDIS_FOR_MS };
      await ask(() => redis.set(key, reason, 'PX', REFUSED_FOR_MS));
    },
    noteAcceptance: async (tried) => {
      if (tried || here !== null) await forget();
    },
  };
}

function isClientRefusal(reason: string): boolean {
  return CLIENT_REFUSALS.has(reason.split(':')[0] ?? '');
}

/** Short enough to reveal nothing about the secret. */
function digestOf(clientId: string, clientSecret: string): string {
  return createHash('sha256')
    .update(`${clientId}\0${clientSecret}`)
    .digest('base64url')
    .slice(0, 12);
}
