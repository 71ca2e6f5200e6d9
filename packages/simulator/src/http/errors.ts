/**
 * Google's error responses, with the original text where a recording exists. Gmail's have `status`
 * (and sometimes `details`), Calendar's do not, and People's have no list of `errors`. A quota
 * refusal comes from a layer that Gmail and Calendar share and always has both.
 */
import type { ApiMethod, PeopleMethod } from '../methods.js';
import { jsonReply, PLAIN, type Reply } from './reply.js';

export interface ErrorItem {
  message: string;
  domain: string;
  reason: string;
  location?: string;
  locationType?: string;
}

const STATUS_NAMES: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
};

/** Gmail's envelope. */
export function platformError(
  code: number,
  message: string,
  reason: string,
  more: { domain?: string; status?: string; details?: unknown[]; item?: Partial<ErrorItem> } = {},
): Reply {
  const item: ErrorItem = { message, domain: more.domain ?? 'global', reason, ...more.item };
  const error = {
    code,
    message,
    errors: [item],
    status: more.status ?? STATUS_NAMES[code],
    ...(more.details === undefined ? {} : { details: more.details }),
  };
  return jsonReply({ error }, PLAIN, code);
}

/** Calendar's older envelope. */
export function calendarError(
  code: number,
  message: string,
  reason: string,
  item: Partial<ErrorItem> = {},
): Reply {
  return jsonReply(
    { error: { errors: [{ domain: 'global', reason, message, ...item }], code, message } },
    PLAIN,
    code,
  );
}

/** People's envelope. */
export function peopleError(
  code: number,
  message: string,
  more: { status?: string; details?: unknown[] } = {},
): Reply {
  return jsonReply({ error: { code, message, status: STATUS_NAMES[code], ...more } }, PLAIN, code);
}

export function notFound(api: ApiMethod['api']): Reply {
  if (api === 'people') return peopleError(404, 'Requested entity was not found.');
  return api === 'gmail'
    ? platformError(404, 'Requested entity was not found.', 'notFound')
    : calendarError(404, 'Not Found', 'notFound');
}

export function badRequest(api: ApiMethod['api'], message: string, parameter?: string): Reply {
  if (api === 'gmail') return platformError(400, message, 'invalidArgument');
  if (api === 'people') return peopleError(400, 'Request contains an invalid argument.');
  return calendarError(
    400,
    message,
    'invalid',
    parameter === undefined ? {} : { locationType: 'parameter', location: parameter },
  );
}

export function badFields(selector: string): Reply {
  const item = { location: 'fields', locationType: 'parameter' };
  return platformError(400, `Invalid field selection ${selector}`, 'invalidParameter', { item });
}

/** The access token is missing, unknown, expired or revoked. */
export function unauthenticated(): Reply {
  const message =
    'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.';
  return platformError(401, message, 'authError', {
    item: { message: 'Invalid Credentials', location: 'Authorization', locationType: 'header' },
  });
}

/** The token belongs to another user. */
export function delegationDenied(email: string): Reply {
  return platformError(403, `Delegation denied for ${email}`, 'forbidden');
}

/** 403 of the shared quota layer, for the limit per minute of a user or the project. */
export function quotaExceeded(
  api: ApiMethod['api'],
  scope: 'user' | 'project',
  limitValue: number,
): Reply {
  if (api === 'people') return peopleQuotaExceeded(scope);
  const service = serviceOf(api);
  const limit = `Queries per minute${scope === 'user' ? ' per user' : ''}`;
  const message = `Quota exceeded for quota metric 'Queries' and limit '${limit}' of service '${service}' for consumer 'project_number:123456789012'.`;
  const metadata = {
    service,
    consumer: 'projects/123456789012',
    quota_metric: `${service}/default`,
    quota_limit: `defaultPerMinutePer${scope === 'user' ? 'User' : 'Project'}`,
    quota_limit_value: String(limitValue),
  };
  const details = [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'RATE_LIMIT_EXCEEDED',
      domain: 'googleapis.com',
      metadata,
    },
  ];
  return platformError(403, message, 'rateLimitExceeded', { domain: 'usageLimits', details });
}

/**
 * 429 for the limit per minute, as recorded (mrmattwilkins/google-contacts-sync #1). Which of
 * People's metrics a list counts for is not documented; all count for this one.
 */
function peopleQuotaExceeded(scope: 'user' | 'project'): Reply {
  const metric = 'Critical read requests (Contact and Profile Reads)';
  const limit = `${metric} per minute${scope === 'user' ? ' per user' : ''}`;
  const service = serviceOf('people');
  const message = `Quota exceeded for quota metric '${metric}' and limit '${limit}' of service '${service}' for consumer 'project_number:123456789012'.`;
  const metadata = {
    service,
    consumer: 'projects/123456789012',
    quota_metric: `${service}/critical_read_requests`,
    quota_limit: `CriticalReadsPerMinutePerProject${scope === 'user' ? 'PerUser' : ''}`,
  };
  return peopleError(429, message, { details: [errorInfo('RATE_LIMIT_EXCEEDED', metadata)] });
}

/** The time is in the text, after two spaces; Google sends no Retry-After header. */
export function retryAfter(untilMs: number, code: 403 | 429 = 429): Reply {
  return platformError(
    code,
    `User-rate limit exceeded.  Retry after ${new Date(untilMs).toISOString()}`,
    'rateLimitExceeded',
    code === 403 ? { domain: 'usageLimits' } : {},
  );
}

export function tooManyConcurrent(): Reply {
  return platformError(429, 'Too many concurrent requests for user', 'rateLimitExceeded');
}

export function backendError(): Reply {
  return platformError(500, 'Internal error encountered.', 'backendError');
}

/** The answer of a proxy in front of Google, which is not JSON. */
export function htmlUnavailable(): Reply {
  const page =
    '<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 503 (Service Unavailable)!!1</title>\n' +
    '  <p><b>503.</b> <ins>That’s an error.</ins>\n  <p>The service you requested is not available at this time. <ins>That’s all we know.</ins>\n';
  return { status: 503, contentType: 'text/html; charset=UTF-8', body: Buffer.from(page) };
}

/** A page of a proxy or a captive portal in place of JSON. */
export function htmlPage(status: 200 | 502): Reply {
  const title = status === 200 ? 'Sign in to the network' : 'Error 502 (Server Error)!!1';
  return {
    status,
    contentType: 'text/html; charset=UTF-8',
    body: Buffer.from(
      `<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>${title}</title>\n  <p>The server encountered a temporary error.\n`,
    ),
  };
}

/** The token lacks a scope that the method needs. */
export function insufficientScope(method: ApiMethod): Reply {
  const service = serviceOf(method.api);
  const message = 'Request had insufficient authentication scopes.';
  const name = method.api === 'people' ? PEOPLE_CALLS[method.name] : method.name;
  const details = [errorInfo('ACCESS_TOKEN_SCOPE_INSUFFICIENT', { service, method: name })];
  return method.api === 'people'
    ? peopleError(403, message, { details })
    : platformError(403, message, 'insufficientPermissions', {
        item: { message: 'Insufficient Permission' },
        details,
      });
}

/** People's methods in its errors (recorded for ListContactGroups and UpdateContact). */
const PEOPLE_CALLS: Readonly<Record<PeopleMethod, string>> = {
  'people.connections.list': 'google.people.v1.PeopleService.ListConnections',
  'people.get': 'google.people.v1.PeopleService.GetPerson',
  'people.getBatchGet': 'google.people.v1.PeopleService.GetPeople',
  'otherContacts.list': 'google.people.v1.PeopleService.ListOtherContacts',
  'contactGroups.list': 'google.people.v1.PeopleService.ListContactGroups',
  'contactGroups.get': 'google.people.v1.PeopleService.GetContactGroup',
  'contactGroups.batchGet': 'google.people.v1.PeopleService.BatchGetContactGroups',
};

/** The same for Pub/Sub, whose methods are not in `methods.ts`. */
export function insufficientPubSubScope(): Reply {
  return platformError(
    403,
    'Request had insufficient authentication scopes.',
    'insufficientPermissions',
    {
      details: [errorInfo('ACCESS_TOKEN_SCOPE_INSUFFICIENT', { service: 'pubsub.googleapis.com' })],
    },
  );
}

/** A request for more than gmail.metadata allows. */
export function metadataScope(message: string): Reply {
  return platformError(403, message, 'forbidden');
}

/**
 * Gmail's permanent answer for one message of a batch whose other messages succeeded (got-your-back
 * #116).
 */
export function permissionDenied(): Reply {
  return platformError(403, 'The caller does not have permission', 'forbidden');
}

/** The administrator of the user's domain has blocked the app. */
export function domainPolicy(): Reply {
  return platformError(403, 'The domain administrators have disabled Gmail apps.', 'domainPolicy');
}

/** The API is not enabled in the client's Cloud project. */
export function accessNotConfigured(api: ApiMethod['api']): Reply {
  const service = serviceOf(api);
  const message = `${TITLES[api]} API has not been used in project 123456789012 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/${service}/overview?project=123456789012 then retry.`;
  const details = [errorInfo('SERVICE_DISABLED', { service, consumer: 'projects/123456789012' })];
  return api === 'people'
    ? peopleError(403, message, { details })
    : platformError(403, message, 'accessNotConfigured', { domain: 'usageLimits', details });
}

export function dailyLimitExceeded(): Reply {
  return platformError(403, 'Daily Limit Exceeded', 'dailyLimitExceeded', {
    domain: 'usageLimits',
  });
}

/** Calendar's anti-abuse limit. */
export function calendarUsageLimit(): Reply {
  return calendarError(403, 'Calendar usage limits exceeded.', 'quotaExceeded', {
    domain: 'usageLimits',
  });
}

/** The account has no mailbox. */
export function mailNotEnabled(): Reply {
  return platformError(400, 'Mail service not enabled', 'failedPrecondition', {
    status: 'FAILED_PRECONDITION',
  });
}

/** 429 of the shared layer, without a time to wait. */
export function exhausted(): Reply {
  return platformError(429, 'Resource has been exhausted (e.g. check quota).', 'rateLimitExceeded');
}

export function unavailable(): Reply {
  return platformError(503, 'The service is currently unavailable.', 'backendError');
}

const TITLES = { gmail: 'Gmail', calendar: 'Google Calendar', people: 'People' } as const;
const SERVICES = { gmail: 'gmail', calendar: 'calendar-json', people: 'people' } as const;

function serviceOf(api: ApiMethod['api']): string {
  return `${SERVICES[api]}.googleapis.com`;
}

function errorInfo(reason: string, metadata: Record<string, string>): unknown {
  return {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason,
    domain: 'googleapis.com',
    metadata,
  };
}
