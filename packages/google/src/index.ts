/** Google as the rest of Syncline sees it: accounts with typed pages, one kind of error, and a quota that is never exceeded. */
import { type Config, type Runtime, OperatorError } from '@syncline/runtime';
import { openBatchSizes } from './batch-size.js';
import { type Calendar, calendarOf } from './calendar.js';
import { unitsOf } from './costs.js';
import { type Gmail, gmailOf } from './gmail.js';
import { originsFor } from './origins.js';
import { type QuotaUsage, openQuota } from './quota.js';
import { connectRedis } from './redis.js';
import { type CallOptions, type Session, type Spent, stopCallsOf } from './request.js';
import { type TokenStore, openTokens } from './tokens.js';
import { openTransport } from './transport.js';

export type { Attachment } from './attachment.js';
export type { Calendar, CalendarEvent, CalendarListEntry, CalendarPage } from './calendar.js';
export { GoogleError, type GoogleErrorKind } from './errors.js';
export type { FetchPrices, Gmail, GmailHistory, GmailLabel, ListQuery } from './gmail.js';
export type { FetchedMessages, FetchedThreads, GmailMessage } from './messages.js';
export type { Lane, QuotaUsage, Used } from './quota.js';
export type { CallOptions, Spent } from './request.js';
export type { TokenStore } from './tokens.js';

export interface GoogleOptions {
  /** One origin that replaces all of Google's hosts; null is Google. */
  apiUrl: string | null;
  clientId: string;
  clientSecret: string;
  redisUrl: string;
  quotas: Config['quotas'];
  tokens: TokenStore;
  /** In front of every Redis key. Default `syncline`. */
  redisPrefix?: string;
}

export interface GoogleAccount {
  gmail: Gmail;
  calendar: Calendar;
  /** What was charged through this object since the last call of `takeSpent`, by method. */
  takeSpent(): Spent[];
}

export interface Google {
  /** Makes no call. The lane is `live` unless said otherwise. */
  account(accountId: string, call?: CallOptions): GoogleAccount;
  /** Ends the account's grant at Google. @throws GoogleError when Google did not answer or does not let us. */
  revoke(accountId: string): Promise<'revoked' | 'already-gone'>;
  /** Drops the account's cached access tokens, here and in Redis; to be called when a grant was replaced. */
  forgetToken(accountId: string): Promise<void>;
  /** @throws Error of the Redis client when Redis is away. */
  quotaUsage(accountIds: string[]): Promise<QuotaUsage>;
  close(): Promise<void>;
}

/**
 * Connects to Redis (a Redis that is away delays this by seconds and does not fail it) and to nothing else.
 * @throws OperatorError when a quota is smaller than the dearest single call, which could never be made.
 */
export async function openGoogle(rt: Runtime, options: GoogleOptions): Promise<Google> {
  refuseUselessQuotas(options.quotas);
  const prefix = options.redisPrefix ?? 'syncline';
  const origins = originsFor(options.apiUrl);
  const redis = await connectRedis(rt, options.redisUrl);
  const transport = openTransport();
  const { clientId, clientSecret, quotas: limits } = options;
  const tokens = openTokens(rt, redis, transport, { prefix, origin: origins.oauth, clientId, clientSecret, store: options.tokens });
  const quota = openQuota(rt, redis, { prefix, limits });
  // The first beat takes part in the epoch before the first charge; without Redis the heartbeat does it later.
  await quota.beat().catch((err: unknown) => rt.log.warn({ event: 'quota-unreachable', err }, 'Redis does not answer; calls to Google wait for it'));
  const shared = { rt, quota, tokens, transport, batchSizes: openBatchSizes(), origins, tier: limits.gmailTier };
  return {
    account: (accountId, call = { lane: 'live' }) => accountOf({ ...shared, accountId, options: call, spent: new Map() }),
    revoke: async (accountId) => {
      await stopCallsOf(quota, accountId);
      return tokens.revoke(accountId);
    },
    forgetToken: (accountId) => tokens.forget(accountId),
    quotaUsage: (accountIds) => quota.usage(accountIds),
    close: async () => {
      quota.stop();
      await transport.close();
      redis.disconnect();
    },
  };
}

function accountOf(session: Session): GoogleAccount {
  return {
    gmail: gmailOf(session),
    calendar: calendarOf(session),
    takeSpent: () => {
      const spent = [...session.spent.values()];
      session.spent.clear();
      return spent;
    },
  };
}

function refuseUselessQuotas(quotas: Config['quotas']): void {
  const dearest = unitsOf('gmail.users.threads.get', quotas.gmailTier);
  const least: [variable: string, value: number, needed: number][] = [
    ['GMAIL_UNITS_PER_USER_MINUTE', quotas.gmailUnitsPerUserMinute, dearest],
    ['GMAIL_UNITS_PER_PROJECT_MINUTE', quotas.gmailUnitsPerProjectMinute, Math.ceil(dearest / 0.9)],
    ['CALENDAR_REQUESTS_PER_USER_MINUTE', quotas.calendarRequestsPerUserMinute, 1],
    ['CALENDAR_REQUESTS_PER_PROJECT_MINUTE', quotas.calendarRequestsPerProjectMinute, 2],
  ];
  const mistakes = least.filter(([, value, needed]) => !(value >= needed)).map(([variable, , needed]) => `${variable} must be at least ${needed}: a single call costs that much`);
  if (mistakes.length > 0) throw new OperatorError(mistakes.join('\n'));
}
