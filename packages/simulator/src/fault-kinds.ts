/**
 * The kinds of faults: error responses in place of the real answer, and other faults of a call or
 * of the world.
 */
import type { Refusal } from './grants.js';
import { REFUSALS } from './grants.js';
import { DAMAGES, type Damage } from './http/damage.js';
import { PAGE_ENDINGS, POSITION_ENDINGS, type Ending } from './http/endings.js';
import {
  accessNotConfigured,
  backendError,
  badRequest,
  calendarUsageLimit,
  dailyLimitExceeded,
  domainPolicy,
  exhausted,
  htmlPage,
  htmlUnavailable,
  insufficientScope,
  mailNotEnabled,
  notFound,
  permissionDenied,
  quotaExceeded,
  retryAfter,
  tooManyConcurrent,
  unauthenticated,
  unavailable,
} from './http/errors.js';
import { UNAUTHORIZED } from './http/oauth.js';
import { oauthError } from './http/oauth-errors.js';
import { expiredSyncToken, fullSyncQuotaExceeded } from './people/errors.js';
import type { Reply } from './http/reply.js';
import type { ApiMethod } from './methods.js';

/** `method` is null for the batch and token endpoints; `laterMs` is the time in a "Retry after". */
type Answer = (method: ApiMethod | null, laterMs: number) => Reply;

const SOME_METHOD: ApiMethod = { api: 'gmail', name: 'messages.get' };
const api = (method: ApiMethod | null): ApiMethod['api'] => method?.api ?? 'gmail';

const ANSWERS = {
  '403-user-rate': (method) =>
    quotaExceeded(api(method), 'user', api(method) === 'calendar' ? 600 : 6_000),
  '429-retry-after': (_, laterMs) => retryAfter(laterMs),
  '429-concurrent': tooManyConcurrent,
  '429-exhausted': exhausted,
  '500': backendError,
  '503': unavailable,
  '503-html': htmlUnavailable,
  '502-html': () => htmlPage(502),
  '200-html': () => htmlPage(200),
  '429-full-sync': fullSyncQuotaExceeded,
  '400-expired-sync-token': expiredSyncToken,
  '400-page-token': (method) =>
    badRequest(
      api(method),
      api(method) === 'gmail' ? 'Invalid pageToken' : 'Invalid page token value.',
      'pageToken',
    ),
  '400-mail-not-enabled': mailNotEnabled,
  '401': unauthenticated,
  '403-insufficient-scope': (method) => insufficientScope(method ?? SOME_METHOD),
  '403-domain-policy': domainPolicy,
  '403-permission': permissionDenied,
  '403-api-disabled': (method) => accessNotConfigured(api(method)),
  '403-daily-limit': dailyLimitExceeded,
  '403-calendar-usage': calendarUsageLimit,
  '404': (method) => notFound(api(method)),
} as const satisfies Record<string, Answer>;

/** Transient refusals of the token endpoint; for a dead grant use `revoke-grant`. */
const TOKEN_ANSWERS = {
  'token-invalid-client': () =>
    oauthError(401, 'invalid_client', { error_description: 'The OAuth client was not found.' }),
  'token-unauthorized-client': () =>
    oauthError(401, 'unauthorized_client', { error_description: UNAUTHORIZED }),
  'token-admin-policy': () =>
    oauthError(400, 'admin_policy_enforced', {
      error_description:
        'Access to your account data is restricted by policies within your organization.',
    }),
  'token-429': () =>
    oauthError(429, 'rate_limit_exceeded', { error_description: 'Rate Limit Exceeded' }),
  'token-503': () => oauthError(503, 'backend_error', { error_description: 'Backend Error' }),
} as const satisfies Record<string, Answer>;

export type AnswerFault = keyof typeof ANSWERS | keyof typeof TOKEN_ANSWERS;
/** A full listing that is incomplete, with status 200. */
export type ListingFault = 'empty-listing' | 'omitting-listing';
const LISTING_FAULTS: readonly ListingFault[] = ['empty-listing', 'omitting-listing'];
export type CallFault =
  | AnswerFault
  | Damage
  | Ending
  | ListingFault
  | 'reset'
  | 'latency'
  | 'overlapping-pages'
  | 'altered-answer'
  | 'token-rotated';
export type WorldFault = 'expire-history' | 'invalid-sync-token' | 'revoke-grant';

const TOKEN_KINDS = new Set<string>([...Object.keys(TOKEN_ANSWERS), 'token-rotated']);

export const CALL_FAULTS: readonly CallFault[] = [
  ...(Object.keys(ANSWERS) as (keyof typeof ANSWERS)[]),
  'reset',
  'latency',
  ...DAMAGES,
  'overlapping-pages',
  'altered-answer',
  ...PAGE_ENDINGS,
  ...POSITION_ENDINGS,
  ...LISTING_FAULTS,
  ...(Object.keys(TOKEN_ANSWERS) as (keyof typeof TOKEN_ANSWERS)[]),
  'token-rotated',
];
export const WORLD_FAULTS: readonly WorldFault[] = [
  'expire-history',
  'invalid-sync-token',
  'revoke-grant',
];
export const REFUSAL_NAMES = Object.keys(REFUSALS) as Refusal[];

export function isWorldFault(kind: CallFault | WorldFault): kind is WorldFault {
  return (WORLD_FAULTS as readonly string[]).includes(kind);
}

export function isDamage(kind: CallFault): kind is Damage {
  return (DAMAGES as readonly string[]).includes(kind);
}

export function isListingFault(kind: CallFault): kind is ListingFault {
  return (LISTING_FAULTS as readonly string[]).includes(kind);
}

/** Whether only the token endpoint returns this fault. */
export function isTokenFault(kind: CallFault): boolean {
  return TOKEN_KINDS.has(kind);
}

export function answerOf(kind: AnswerFault, method: ApiMethod | null, laterMs: number): Reply {
  const answer: Answer = { ...ANSWERS, ...TOKEN_ANSWERS }[kind];
  return answer(method, laterMs);
}
