import { classify, classifyToken } from './classify.js';
import { GoogleError, type GoogleErrorKind } from './errors.js';

const NOW_MS = Date.parse('2026-09-16T03:56:19.386Z');
const LIST = 'gmail.users.messages.list';
const HISTORY = 'gmail.users.history.list';
const EVENTS = 'calendar.events.list';
const CALENDARS = 'calendar.calendarList.list';

/** Builds Google's error envelope; `more` adds or replaces fields of `error`. */
function body(
  code: number,
  reason: string,
  message = 'ada@example.com did something',
  more: object = {},
): string {
  return JSON.stringify({
    error: { code, message, errors: [{ message, domain: 'global', reason }], ...more },
  });
}

function errorInfo(reason: string, quotaLimit?: string): object {
  const metadata = quotaLimit
    ? { service: 'gmail.googleapis.com', quota_limit: quotaLimit, quota_limit_value: '6000' }
    : {};
  return {
    details: [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason,
        domain: 'googleapis.com',
        metadata,
      },
    ],
  };
}

const limited = (
  scope: 'user' | 'project' | 'day' | 'concurrency',
  retryAfterMs: number,
): GoogleErrorKind => ({ kind: 'rate-limited', scope, retryAfterMs, source: 'google' });
const unavailable: GoogleErrorKind = { kind: 'unavailable', retryAfterMs: null };

const perUserText =
  "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service 'gmail.googleapis.com' for consumer 'project_number:123456789012'.";
const perProjectText = perUserText.replace(' per user', '');
const retryText = 'User-rate limit exceeded.  Retry after 2026-09-16T03:57:19.386Z';

const rows: [name: string, method: string, status: number, text: string, kind: GoogleErrorKind][] =
  [
    [
      'no mailbox',
      LIST,
      400,
      body(400, 'failedPrecondition', 'Mail service not enabled'),
      { kind: 'forbidden', reason: 'mailServiceNotEnabled' },
    ],
    [
      'another failed precondition',
      LIST,
      400,
      body(400, 'failedPrecondition', 'Precondition check failed.'),
      { kind: 'rejected', status: 400, reason: 'failedPrecondition' },
    ],
    [
      'a stale page token',
      LIST,
      400,
      body(400, 'invalid', 'Invalid pageToken'),
      { kind: 'rejected', status: 400, reason: 'invalid' },
    ],
    [
      'an invalid argument',
      LIST,
      400,
      body(400, 'invalidArgument'),
      { kind: 'rejected', status: 400, reason: 'invalidArgument' },
    ],
    [
      'a bad request',
      LIST,
      400,
      body(400, 'badRequest'),
      { kind: 'rejected', status: 400, reason: 'badRequest' },
    ],
    [
      'a status without reasons',
      LIST,
      400,
      JSON.stringify({ error: { code: 400, message: 'x', status: 'INVALID_ARGUMENT' } }),
      { kind: 'rejected', status: 400, reason: 'INVALID_ARGUMENT' },
    ],
    [
      'an expired access token',
      LIST,
      401,
      body(401, 'authError'),
      { kind: 'unauthorized', reason: 'authError' },
    ],
    [
      '403 rateLimitExceeded',
      LIST,
      403,
      body(403, 'rateLimitExceeded', 'Rate Limit Exceeded'),
      limited('project', 15_000),
    ],
    [
      '403 rateLimitExceeded per user',
      LIST,
      403,
      body(403, 'rateLimitExceeded', perUserText, {
        status: 'PERMISSION_DENIED',
        ...errorInfo('RATE_LIMIT_EXCEEDED', 'defaultPerMinutePerUser'),
      }),
      limited('user', 15_000),
    ],
    [
      '403 rateLimitExceeded per project',
      LIST,
      403,
      body(
        403,
        'rateLimitExceeded',
        perProjectText,
        errorInfo('RATE_LIMIT_EXCEEDED', 'defaultPerMinutePerProject'),
      ),
      limited('project', 15_000),
    ],
    [
      '403 with ErrorInfo alone',
      EVENTS,
      403,
      JSON.stringify({
        error: {
          code: 403,
          message: 'Quota exceeded',
          status: 'PERMISSION_DENIED',
          ...errorInfo('RATE_LIMIT_EXCEEDED', 'defaultPerMinutePerUser'),
        },
      }),
      limited('user', 15_000),
    ],
    [
      '403 userRateLimitExceeded',
      EVENTS,
      403,
      body(403, 'userRateLimitExceeded', 'User Rate Limit Exceeded'),
      limited('user', 15_000),
    ],
    [
      '403 with a named time',
      LIST,
      403,
      body(403, 'rateLimitExceeded', retryText),
      limited('user', 75_000),
    ],
    [
      '429 with a named time',
      LIST,
      429,
      body(429, 'rateLimitExceeded', retryText, { status: 'RESOURCE_EXHAUSTED' }),
      limited('user', 75_000),
    ],
    [
      'a named time long ago',
      LIST,
      429,
      body(
        429,
        'rateLimitExceeded',
        'User-rate limit exceeded.  Retry after 2026-09-16T03:50:00.000Z',
      ),
      limited('user', 1_000),
    ],
    [
      'a named time far away',
      LIST,
      429,
      body(
        429,
        'rateLimitExceeded',
        'User-rate limit exceeded.  Retry after 2026-09-17T03:50:00.000Z',
      ),
      limited('user', 3_600_000),
    ],
    [
      'too many at once',
      LIST,
      429,
      body(429, 'rateLimitExceeded', 'Too many concurrent requests for user'),
      limited('concurrency', 1_000),
    ],
    [
      '429 exhausted',
      LIST,
      429,
      body(429, 'rateLimitExceeded', 'Resource has been exhausted (e.g. check quota).'),
      limited('user', 15_000),
    ],
    [
      '429 of Calendar',
      EVENTS,
      429,
      body(429, 'rateLimitExceeded', 'Rate Limit Exceeded'),
      limited('user', 15_000),
    ],
    ['429 in HTML', EVENTS, 429, '<html>slow down</html>', limited('user', 15_000)],
    [
      '403 quotaExceeded',
      EVENTS,
      403,
      body(403, 'quotaExceeded', 'Calendar usage limits exceeded.'),
      limited('user', 900_000),
    ],
    [
      '403 dailyLimitExceeded',
      LIST,
      403,
      body(403, 'dailyLimitExceeded'),
      limited('day', 3_600_000),
    ],
    [
      '403 insufficientPermissions',
      LIST,
      403,
      body(403, 'insufficientPermissions'),
      { kind: 'forbidden', reason: 'insufficientPermissions' },
    ],
    [
      '403 scope insufficient by ErrorInfo',
      LIST,
      403,
      body(403, 'forbidden', 'x', errorInfo('ACCESS_TOKEN_SCOPE_INSUFFICIENT')),
      { kind: 'forbidden', reason: 'insufficientPermissions' },
    ],
    [
      '403 domainPolicy',
      LIST,
      403,
      body(403, 'domainPolicy'),
      { kind: 'forbidden', reason: 'domainPolicy' },
    ],
    [
      '403 accessNotConfigured',
      LIST,
      403,
      body(403, 'accessNotConfigured'),
      { kind: 'forbidden', reason: 'accessNotConfigured' },
    ],
    [
      '403 SERVICE_DISABLED',
      LIST,
      403,
      JSON.stringify({ error: { code: 403, message: 'x', ...errorInfo('SERVICE_DISABLED') } }),
      { kind: 'forbidden', reason: 'accessNotConfigured' },
    ],
    [
      '403 for one calendar',
      EVENTS,
      403,
      body(403, 'forbidden', 'Forbidden'),
      { kind: 'forbidden', reason: 'forbidden' },
    ],
    ['403 of a proxy', EVENTS, 403, '<html><h1>403</h1></html>', unavailable],
    [
      '404 for a message',
      'gmail.users.messages.get',
      404,
      body(404, 'notFound'),
      { kind: 'not-found' },
    ],
    [
      '404 for history',
      HISTORY,
      404,
      body(404, 'notFound', 'Requested entity was not found.', { status: 'NOT_FOUND' }),
      { kind: 'sync-position-expired' },
    ],
    ['404 for a calendar', EVENTS, 404, body(404, 'notFound'), { kind: 'not-found' }],
    ['404 of a proxy', HISTORY, 404, '<html>not found</html>', unavailable],
    [
      '410 for a sync token',
      EVENTS,
      410,
      body(410, 'fullSyncRequired'),
      { kind: 'sync-position-expired' },
    ],
    [
      '410 for the calendar list',
      CALENDARS,
      410,
      body(410, 'fullSyncRequired'),
      { kind: 'sync-position-expired' },
    ],
    [
      '410 updatedMinTooLongAgo',
      EVENTS,
      410,
      body(410, 'updatedMinTooLongAgo'),
      { kind: 'sync-position-expired' },
    ],
    [
      '409 duplicate',
      EVENTS,
      409,
      body(409, 'duplicate'),
      { kind: 'rejected', status: 409, reason: 'duplicate' },
    ],
    [
      '412 conditionNotMet',
      EVENTS,
      412,
      body(412, 'conditionNotMet'),
      { kind: 'rejected', status: 412, reason: 'conditionNotMet' },
    ],
    ['408', LIST, 408, '', unavailable],
    ['500 backendError', LIST, 500, body(500, 'backendError'), unavailable],
    ['502 in HTML', LIST, 502, '<html>Bad Gateway</html>', unavailable],
    ['503', LIST, 503, body(503, 'backendError'), unavailable],
    [
      '503 with a named time',
      LIST,
      503,
      body(503, 'backendError', 'Retry after 2026-09-16T03:56:59.386Z'),
      { kind: 'unavailable', retryAfterMs: 50_000 },
    ],
    ['504', EVENTS, 504, '', unavailable],
    ['a redirect of a captive proxy', LIST, 302, '', unavailable],
    ['a cut error body', LIST, 403, '{"error":{"code":403,"mess', unavailable],
  ];

test.each(rows)('%s', (_name, method, status, text, kind) => {
  expect(classify(method, status, text, NOW_MS)).toEqual(kind);
});

test('a 400 about a sync token means an expired sync position only where one was sent', () => {
  const bad = body(400, 'invalid', 'Invalid sync token value.');
  expect(classify(EVENTS, 400, bad, NOW_MS, true)).toEqual({ kind: 'sync-position-expired' });
  expect(classify(EVENTS, 400, bad, NOW_MS, false)).toEqual({
    kind: 'rejected',
    status: 400,
    reason: 'invalid',
  });
  expect(
    classify(
      CALENDARS,
      400,
      body(400, 'timeRangeEmpty', 'Sync token cannot be used'),
      NOW_MS,
      true,
    ),
  ).toEqual({ kind: 'sync-position-expired' });
});

test('a rejected page token does not expire the sync token', () => {
  const text = JSON.stringify({
    error: {
      code: 400,
      message: 'Invalid value',
      errors: [{ reason: 'invalid', location: 'pageToken', locationType: 'parameter' }],
    },
  });
  expect(classify(EVENTS, 400, text, NOW_MS, true)).toEqual({
    kind: 'rejected',
    status: 400,
    reason: 'invalid',
  });
});

const tokenRows: [name: string, status: number, text: string, kind: GoogleErrorKind][] = [
  [
    'invalid_grant',
    400,
    JSON.stringify({
      error: 'invalid_grant',
      error_description: 'Token has been expired or revoked.',
    }),
    { kind: 'unauthorized', reason: 'invalid_grant' },
  ],
  [
    'a deleted account',
    400,
    JSON.stringify({ error: 'invalid_grant', error_description: 'Account has been deleted' }),
    { kind: 'unauthorized', reason: 'invalid_grant' },
  ],
  [
    'session control',
    400,
    JSON.stringify({ error: 'invalid_grant', error_subtype: 'invalid_rapt' }),
    { kind: 'unauthorized', reason: 'invalid_grant invalid_rapt' },
  ],
  ['429', 429, JSON.stringify({ error: 'rate_limited' }), unavailable],
  ['500', 500, '', unavailable],
  ['503 in HTML', 503, '<html></html>', unavailable],
  ['400 in HTML', 400, '<html></html>', unavailable],
  [
    'an unknown code',
    400,
    JSON.stringify({ error: 'invalid_scope' }),
    { kind: 'rejected', status: 400, reason: 'invalid_scope' },
  ],
];

test.each(tokenRows)('the token endpoint: %s', (_name, status, text, kind) => {
  expect(classifyToken(status, text)).toEqual(kind);
});

test.each([
  'invalid_client',
  'unauthorized_client',
  'disabled_client',
  'deleted_client',
  'admin_policy_enforced',
  'org_internal',
])('the token endpoint: %s tells the operator what to check', (code) => {
  const kind = classifyToken(
    401,
    JSON.stringify({ error: code, error_description: 'ada@example.com' }),
  );
  expect(kind).toMatchObject({
    kind: 'forbidden',
    reason: expect.stringMatching(new RegExp(`^${code}: .{20,}`)),
  });
});

test("no error message contains an address, a body or Google's text", () => {
  const texts = [
    body(403, 'ada@example.com is not allowed'),
    body(400, 'x'.repeat(500)),
    body(403, 'forbidden', 'ada@example.com'),
  ];
  for (const text of texts) {
    const { message } = new GoogleError(
      LIST,
      classify(LIST, JSON.parse(text).error.code, text, NOW_MS),
    );
    expect(message).not.toMatch(/@|xxx/);
  }
});

test.each(['ya29.a0AfB_byC', '1a2b3c4d5e', 'ann.lovelace', 'x'.repeat(65)])(
  'a reason that is not a code is not repeated: %s',
  (reason) => {
    const text = JSON.stringify({ error: { code: 403, errors: [{ reason }], status: reason } });
    expect(classify('gmail.users.messages.get', 403, text, 0)).toEqual({
      kind: 'forbidden',
      reason: 'unknown',
    });
    expect(classifyToken(400, JSON.stringify({ error: reason }))).toMatchObject({
      reason: 'unknown',
    });
  },
);

test('every kind of error has a text', () => {
  const kinds: GoogleErrorKind[] = [
    limited('user', 1_500),
    { ...limited('day', 1), source: 'governor' } as GoogleErrorKind,
    unavailable,
    { kind: 'unauthorized', reason: 'r' },
    { kind: 'forbidden', reason: 'r' },
    { kind: 'sync-position-expired' },
    { kind: 'not-found' },
    { kind: 'rejected', status: 400, reason: 'r' },
  ];
  const messages = kinds.map((kind) => new GoogleError(LIST, kind).message);
  expect(new Set(messages).size).toBe(kinds.length);
  expect(messages[0]).toBe(`${LIST}: refused by Google (user), next try in 2 s`);
});

test.each(['__proto__', 'constructor', 'toString', 'valueOf'])(
  "the reason %s, the name of an object's property, is handled like any other",
  (word) => {
    expect(classify(LIST, 403, body(403, word), NOW_MS)).toEqual({
      kind: 'forbidden',
      reason: word,
    });
    expect(classify(LIST, 429, body(429, word), NOW_MS)).toEqual(limited('user', 15_000));
    expect(classify(LIST, 400, body(400, word), NOW_MS)).toMatchObject({
      kind: 'rejected',
      reason: word,
    });
    expect(classifyToken(401, JSON.stringify({ error: word }))).toEqual({
      kind: 'rejected',
      status: 401,
      reason: word,
    });
  },
);
