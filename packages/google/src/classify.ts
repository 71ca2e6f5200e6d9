/**
 * Reads Google's refusals.
 *
 * The status alone lies: a rate limit may come as 403 with `status: PERMISSION_DENIED`, an expired
 * sync position as 404, 410 or 400, and a proxy in between answers HTML under any status. So the
 * order is status, then reason (`error.errors[0].reason`, or the ErrorInfo in `details`), and the
 * message text only for three things that stand nowhere else: "Retry after <time>" (Google sends no
 * Retry-After header), the concurrency marker, and whose quota was hit.
 *
 * Sources: Gmail "Resolve errors", Calendar "Handle API errors", OAuth 2.0 for web servers, and
 * bodies seen in the wild.
 */
import { API_NAMES, APIS } from './apis/facts.js';
import type { GoogleErrorKind } from './errors.js';

/** A named wait is stretched by a quarter: asking exactly at the boundary is refused again and prolongs the penalty. */
const NAMED_WAIT_STRETCH = 1.25;
const LEAST_NAMED_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 3_600_000;

type Scope = 'user' | 'project' | 'day' | 'concurrency';

/** How long to stay away when Google names no time. Google's own advice starts at 1 s and ends at 64 s. */
const UNNAMED_WAIT_MS: Record<Scope, number> = {
  concurrency: 1_000,
  user: 15_000,
  project: 15_000,
  day: LONGEST_WAIT_MS,
};
/** "Calendar usage limits exceeded": an anti-abuse limit that lasts, and short waits feed it. */
const ABUSE_WAIT_MS = 900_000;

/** Reasons under 403 that mean "later", with whose limit it was; `read` looks for it in the rest of the answer. */
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

/** Reasons under 403 that a person has to mend, under the one name that we report for them. */
const FORBIDDEN: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    insufficientPermissions: 'insufficientPermissions',
    ACCESS_TOKEN_SCOPE_INSUFFICIENT: 'insufficientPermissions',
    domainPolicy: 'domainPolicy',
    accessNotConfigured: 'accessNotConfigured',
    SERVICE_DISABLED: 'accessNotConfigured',
  }),
);

/**
 * Whether the refusal's reason is one that holds for a whole API of the account, not for one item
 * of it.
 */
export function isAccountsRefusal(detail: GoogleErrorKind): boolean {
  return detail.kind === 'forbidden' && [...FORBIDDEN.values()].includes(detail.reason);
}

/** Methods that carry a sync position which 404 or 410 declares dead. */
const SYNC_POSITION_METHODS: ReadonlyMap<string, number> = new Map(
  API_NAMES.flatMap((api) => Object.entries(APIS[api].syncPositionStatus)),
);

/** Reasons of a 400 by which Calendar disowns a sync token that it cannot read. */
const BAD_TOKEN_REASONS = new Set(['invalid', 'invalidArgument', 'badRequest', 'unknown']);

/**
 * What a non-2xx answer of the Gmail or Calendar API means. Pure.
 *
 * @param method Google's name of the method, `gmail.users.history.list`
 * @param syncToken whether the request carried one: only then may a 400 mean that the token is dead
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
  // Google's APIs answer JSON. What does not was written by something in between, and a proxy's 404 must not
  // delete a calendar, nor its 403 suspend an account.
  if (!refusal) return { kind: 'unavailable', retryAfterMs: null };
  if (status === 400) return classify400(refusal, syncToken);
  if (status === 403) return classify403(refusal, nowMs);
  return classifyOther(method, status, refusal);
}

function classifyOther(method: string, status: number, { reason }: Refusal): GoogleErrorKind {
  if (SYNC_POSITION_METHODS.get(method) === status) return { kind: 'sync-position-expired' };
  return status === 404 ? { kind: 'not-found' } : { kind: 'rejected', status, reason };
}

/** The server is busy or broken, or something in between answered: nothing was refused. */
function isNoAnswer(status: number): boolean {
  return status >= 500 || status === 408 || status < 400;
}

/** The token endpoint speaks another dialect: `{"error":"invalid_grant","error_description":…}`. Pure. */
export function classifyToken(status: number, bodyText: string): GoogleErrorKind {
  const body = parseObject(bodyText);
  // Busy or broken is never the account's fault: treating it as a dead grant would disconnect every customer at once.
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
 * What the token endpoint says of the OAuth client, whatever grant is shown: no other grant of it
 * fares better.
 */
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
  /** The parameter that Google blames, where it says so. */
  location: string | null;
  /** ErrorInfo's `quota_limit`, like `defaultPerMinutePerUser`. */
  quotaLimit: string;
}

function classify400(refusal: Refusal, syncToken: boolean): GoogleErrorKind {
  if (/mail service not enabled/i.test(refusal.message))
    return { kind: 'forbidden', reason: 'mailServiceNotEnabled' };
  // Said of another topic's watch on this mailbox, and of two watch calls at once.
  if (/only one user push notification client/i.test(refusal.message))
    return { kind: 'rejected', status: 400, reason: 'pushClientInUse' };
  // A stale page token of a token run is not a dead sync token: the run starts over with the same one.
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
 * @param ambiguous whose limit it is when nothing says so: Gmail documents 403 `rateLimitExceeded` as the project's, while a
 *   bare 429 ("Resource has been exhausted") is seen per mailbox, and closing the whole project for it would stop everyone
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

/** The error envelope in its three known forms: with `errors[]`, with `details[]`, or with `status` alone. */
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

/** "forbidden" says nothing that 403 did not: ErrorInfo is the better witness then. */
function reasonOf(plain: unknown, ofInfo: unknown, status: unknown): string {
  const reason = word(plain);
  if (reason && reason !== 'forbidden') return reason;
  return word(ofInfo) ?? reason ?? word(status) ?? 'unknown';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The value when it looks like a code of Google's: at most 64 letters, `_` and `-`, which `push.` may precede. Any other text might be an address, an id or a token, and stays out of errors. */
function word(value: unknown): string | null {
  return typeof value === 'string' && /^(?:push\.)?[A-Za-z_-]{1,64}$/.test(value) ? value : null;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    // Not JSON is an answer here, not a failure: the caller reads null as "not Google's words".
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
