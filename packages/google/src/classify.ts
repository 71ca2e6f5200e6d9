/**
 * Classifies Google's error responses.
 *
 * The status alone is not reliable: a rate limit may be a 403 with `status: PERMISSION_DENIED`, an
 * expired sync position may be 404, 410 or 400, and a proxy may answer HTML with any status. So the
 * order is status, then reason (`error.errors[0].reason`, or the ErrorInfo in `details`). The
 * message text is used only for three facts that are nowhere else: "Retry after <time>" (Google
 * sends no Retry-After header), the concurrency marker, and whose quota was exceeded.
 *
 * Sources: Gmail "Resolve errors", Calendar "Handle API errors", OAuth 2.0 for web servers, and
 * observed responses.
 */
import { API_NAMES, APIS } from './apis/facts.js';
import type { GoogleErrorKind } from './errors.js';

/**
 * A wait that Google names is extended by a quarter: a request exactly at the boundary is refused
 * again and prolongs the penalty.
 */
const NAMED_WAIT_STRETCH = 1.25;
const LEAST_NAMED_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 3_600_000;

type Scope = 'user' | 'project' | 'day' | 'concurrency';

/** Waits when Google names no time. Google's advice starts at 1 s and ends at 64 s. */
const UNNAMED_WAIT_MS: Record<Scope, number> = {
  concurrency: 1_000,
  user: 15_000,
  project: 15_000,
  day: LONGEST_WAIT_MS,
};
/** "Calendar usage limits exceeded" is a lasting anti-abuse limit, which short waits prolong. */
const ABUSE_WAIT_MS = 900_000;

/**
 * Reasons with status 403 that mean "retry later", with the scope of the limit. For `read` the
 * scope is taken from the rest of the response.
 */
const LATER: ReadonlyMap<string, { scope: Scope | 'read'; waitMs?: number }> = new Map(
  Object.entries<{ scope: Scope | 'read'; waitMs?: number }>({
    rateLimitExceeded: { scope: 'read' },
    RATE_LIMIT_EXCEEDED: { scope: 'read' },
    userRateLimitExceeded: { scope: 'user' },
    userRateLimitExceededUnreg: { scope: 'user' },
    quotaExceeded: { scope: 'user', waitMs: ABUSE_WAIT_MS },
    dailyLimitExceeded: { scope: 'day' },
    dailyLimitExceededUnreg: { scope: 'day' },
  }),
);

/** Reasons with status 403 that require a person, mapped to the name that is reported for them. */
const FORBIDDEN: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    insufficientPermissions: 'insufficientPermissions',
    ACCESS_TOKEN_SCOPE_INSUFFICIENT: 'insufficientPermissions',
    domainPolicy: 'domainPolicy',
    accessNotConfigured: 'accessNotConfigured',
    SERVICE_DISABLED: 'accessNotConfigured',
  }),
);

/** Whether the reason concerns a whole API of the account and not a single item. */
export function isAccountWideRefusal(detail: GoogleErrorKind): boolean {
  return detail.kind === 'forbidden' && [...FORBIDDEN.values()].includes(detail.reason);
}

/** Methods with a sync position, and the status (404 or 410) that means that it has expired. */
const SYNC_POSITION_METHODS: ReadonlyMap<string, number> = new Map(
  API_NAMES.flatMap((api) => Object.entries(APIS[api].syncPositionStatus)),
);

/** Reasons with which Calendar answers 400 to a sync token that it cannot read. */
const BAD_TOKEN_REASONS = new Set(['invalid', 'invalidArgument', 'badRequest', 'unknown']);

/**
 * Classifies a non-2xx response of the Gmail or Calendar API. Pure.
 *
 * @param method Google's name of the method, such as `gmail.users.history.list`
 * @param syncToken whether the request had a sync token; only then can a 400 mean that the token
 * has expired
 */
export function classify(
  method: string,
  status: number,
  bodyText: string,
  nowMs: number,
  syncToken = false,
): GoogleErrorKind {
  if (isNoAnswer(status))
    return { kind: 'unavailable', retryAfterMs: namedWaitMs(bodyText, nowMs) };
  const refusal = readRefusal(bodyText);
  if (status === 401) return { kind: 'unauthorized', reason: refusal?.reason ?? 'authError' };
  if (status === 429) return tooManyRequests(refusal, bodyText, nowMs);
  // Google's APIs answer JSON; another body was written by an intermediary. A proxy's 404 must not
  // delete a calendar, and its 403 must not suspend an account.
  if (!refusal) return { kind: 'unavailable', retryAfterMs: null };
  if (status === 400) return classify400(refusal, syncToken);
  if (status === 403) return classify403(refusal, nowMs);
  return classifyOther(method, status, refusal);
}

function classifyOther(method: string, status: number, { reason }: Refusal): GoogleErrorKind {
  if (SYNC_POSITION_METHODS.get(method) === status) return { kind: 'sync-position-expired' };
  return status === 404 ? { kind: 'not-found' } : { kind: 'rejected', status, reason };
}

/**
 * The server is overloaded or broken, or an intermediary answered; Google did not refuse the
 * request.
 */
function isNoAnswer(status: number): boolean {
  return status >= 500 || status === 408 || status < 400;
}

/**
 * Classifies a response of the token endpoint, which has another format:
 * `{"error":"invalid_grant","error_description":…}`. Pure.
 */
export function classifyToken(status: number, bodyText: string): GoogleErrorKind {
  const body = parseObject(bodyText);
  // A server error never concerns the account: treating it as a dead grant would disconnect every
  // customer at once.
  if (isNoAnswer(status) || status === 429 || !body)
    return { kind: 'unavailable', retryAfterMs: null };
  const code = word(body.error) ?? 'unknown';
  const advice = TOKEN_ADVICE.get(code);
  if (code === 'invalid_grant')
    return {
      kind: 'unauthorized',
      reason: word(body.error_subtype) ? `${code} ${word(body.error_subtype)}` : code,
    };
  if (advice) return { kind: 'forbidden', reason: `${code}: ${advice}` };
  return { kind: 'rejected', status, reason: code };
}

/**
 * Returns what the token endpoint's error says. The description is Google's free text: it must not
 * get into an error. Pure.
 */
export function tokenErrorOf(bodyText: string): { code: string; description: string } {
  const body = parseObject(bodyText);
  return { code: word(body?.error) ?? 'unknown', description: textOf(body?.error_description) };
}

/** Errors of the token endpoint that concern the OAuth client and therefore all of its grants. */
export const CLIENT_REFUSALS: ReadonlySet<string> = new Set([
  'invalid_client',
  'disabled_client',
  'deleted_client',
]);

const TOKEN_ADVICE: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    invalid_client:
      'Google does not know this OAuth client; check GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET',
    unauthorized_client:
      'the refresh token was issued to another OAuth client than GOOGLE_CLIENT_ID',
    disabled_client: 'the OAuth client is disabled in the Google Cloud console',
    deleted_client: 'the OAuth client was deleted in the Google Cloud console',
    admin_policy_enforced: 'the Workspace administrator blocks this app',
    org_internal: 'the OAuth client is limited to its own organisation',
  }),
);

interface Refusal {
  reason: string;
  message: string;
  /** The parameter that Google names as the cause, if any. */
  location: string | null;
  /** ErrorInfo's `quota_limit`, such as `defaultPerMinutePerUser`. */
  quotaLimit: string;
}

function classify400(refusal: Refusal, syncToken: boolean): GoogleErrorKind {
  if (/mail service not enabled/i.test(refusal.message))
    return { kind: 'forbidden', reason: 'mailServiceNotEnabled' };
  // Google's message when the mailbox has a watch to another topic, and when two watch calls
  // overlap.
  if (/only one user push notification client/i.test(refusal.message))
    return { kind: 'rejected', status: 400, reason: 'pushClientInUse' };
  // A stale page token of an incremental sync does not mean that the sync token has expired: the
  // run starts over with the same sync token.
  const aboutToken =
    refusal.location !== 'pageToken' &&
    (/sync token/i.test(refusal.message) || BAD_TOKEN_REASONS.has(refusal.reason));
  if (syncToken && aboutToken) return { kind: 'sync-position-expired' };
  return { kind: 'rejected', status: 400, reason: refusal.reason };
}

function tooManyRequests(
  refusal: Refusal | null,
  bodyText: string,
  nowMs: number,
): GoogleErrorKind {
  return later(refusal?.reason, refusal?.message ?? bodyText, nowMs, 'user');
}

function classify403(refusal: Refusal, nowMs: number): GoogleErrorKind {
  if (LATER.has(refusal.reason))
    return later(refusal.reason, `${refusal.message} ${refusal.quotaLimit}`, nowMs, 'project');
  return { kind: 'forbidden', reason: FORBIDDEN.get(refusal.reason) ?? refusal.reason };
}

/**
 * @param ambiguous the scope when the response names none. Gmail documents 403 `rateLimitExceeded`
 * as the project's, while a bare 429 ("Resource has been exhausted") has been observed per mailbox.
 * Closing the whole project for it would stop all mailboxes.
 */
function later(
  reason: string | undefined,
  text: string,
  nowMs: number,
  ambiguous: Scope,
): GoogleErrorKind {
  const known = LATER.get(reason ?? '');
  const scope = known && known.scope !== 'read' ? known.scope : scopeInText(text, ambiguous);
  const retryAfterMs = namedWaitMs(text, nowMs) ?? known?.waitMs ?? UNNAMED_WAIT_MS[scope];
  return { kind: 'rate-limited', scope, retryAfterMs, source: 'google' };
}

function scopeInText(text: string, ambiguous: Scope): Scope {
  if (/concurrent/i.test(text)) return 'concurrency';
  if (/per user|peruser|user-rate/i.test(text)) return 'user';
  if (/per day|perday/i.test(text)) return 'day';
  if (/per minute|perminute/i.test(text)) return 'project';
  return ambiguous;
}

function namedWaitMs(text: string, nowMs: number): number | null {
  const named = /Retry after (\d{4}-\d\d-\d\dT[\d:.]+Z)/.exec(text);
  const at = named?.[1] ? Date.parse(named[1]) : Number.NaN;
  if (Number.isNaN(at)) return null;
  return Math.min(
    Math.max(Math.ceil((at - nowMs) * NAMED_WAIT_STRETCH), LEAST_NAMED_WAIT_MS),
    LONGEST_WAIT_MS,
  );
}

/**
 * Reads the error envelope in its three known forms: with `errors[]`, with `details[]`, or with
 * `status` alone.
 */
function readRefusal(bodyText: string): Refusal | null {
  const error = parseObject(bodyText)?.error;
  if (!isObject(error)) return null;
  const first = firstObject(error.errors);
  const info = firstObject(error.details, (detail) => typeof detail.reason === 'string');
  const metadata = isObject(info?.metadata) ? info.metadata : {};
  return {
    reason: reasonOf(first?.reason, info?.reason, error.status),
    message: textOf(error.message),
    location: word(first?.location),
    quotaLimit: textOf(metadata.quota_limit),
  };
}

/** "forbidden" adds nothing to the status 403, so ErrorInfo is preferred then. */
function reasonOf(plain: unknown, ofInfo: unknown, status: unknown): string {
  const reason = word(plain);
  if (reason && reason !== 'forbidden') return reason;
  return word(ofInfo) ?? reason ?? word(status) ?? 'unknown';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/**
 * Returns the value when it looks like one of Google's codes: at most 64 letters, `_` and `-`, with
 * an optional prefix `push.`. Any other text might be an address, an id or a token, and must not
 * get into an error.
 */
function word(value: unknown): string | null {
  return typeof value === 'string' && /^(?:push\.)?[A-Za-z_-]{1,64}$/.test(value) ? value : null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    // A body that is not JSON is an expected case: the caller treats null as "not an error of
    // Google's API".
    return null;
  }
}

function firstObject(
  list: unknown,
  matches: (item: Record<string, unknown>) => boolean = () => true,
): Record<string, unknown> | undefined {
  return Array.isArray(list) ? list.filter(isObject).find(matches) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
