/** The problems that the API answers with (RFC 9457). The list is closed: clients switch on `type`. */
import { z } from 'zod';

/** Each problem's status and title. A name never changes its meaning. */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'bad-cursor': { status: 400, title: 'The cursor does not belong to this list' },
  unauthenticated: { status: 401, title: 'A valid API key is needed' },
  'missing-scope': { status: 403, title: 'The key lacks a scope' },
  'exceeds-own-rights': { status: 403, title: 'A key cannot give more rights than it has' },
  'not-found': { status: 404, title: 'There is no such thing here' },
  'method-not-allowed': { status: 405, title: 'The path does not have this method' },
  'not-acceptable': { status: 406, title: 'The answer is not available in an accepted form' },
  'state-conflict': { status: 409, title: 'The state of the account forbids it' },
  'source-not-kept': { status: 409, title: 'The mirror does not keep the source of the message' },
  'key-not-live': { status: 409, title: 'The key has ended, or has a successor' },
  'connect-not-configured': { status: 409, title: 'Accounts cannot be connected by a page here' },
  'too-many-connect-sessions': {
    status: 409,
    title: 'The tenant has as many open connect sessions as it may',
  },
  'too-many-keys': { status: 409, title: 'The tenant has as many keys as it may' },
  'idempotency-in-progress': {
    status: 409,
    title: 'A request with this idempotency key is in progress',
  },
  'epoch-changed': { status: 410, title: 'The position belongs to another epoch of the feed' },
  'feed-pruned': { status: 410, title: 'Events after the position are no longer kept' },
  'too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'The body has an unsupported form' },
  'idempotency-mismatch': {
    status: 422,
    title: 'The idempotency key was used for another request',
  },
  'item-too-large': { status: 422, title: 'The item is larger than the API gives' },
  'too-much-work': { status: 422, title: 'The request needs more work than one request may do' },
  'grant-refused': { status: 422, title: 'The account cannot be connected with this grant' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'too-many-streams': { status: 429, title: 'Too many streams are open' },
  'quota-exhausted': { status: 429, title: "Google's quota does not allow it now" },
  internal: { status: 500, title: 'The request failed' },
  'google-refused': { status: 502, title: 'Google has refused it' },
  'google-unavailable': { status: 503, title: 'Google gave no answer' },
  'not-fresh-enough': { status: 503, title: 'The mirror is not as fresh as the request asks for' },
  unavailable: { status: 503, title: 'The service is not available' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemName = keyof typeof PROBLEMS;

const TYPE_PREFIX = 'urn:syncline:problem:';

/** The value of a problem's `type`. */
export function problemType(name: ProblemName): string {
  return `${TYPE_PREFIX}${name}`;
}

/** A mistake in a request. */
const mistake = z.object({
  in: z.enum(['path', 'query', 'header', 'body']),
  path: z.string().meta({ description: 'Where: a parameter, or a path like `resources.0`.' }),
  message: z.string(),
});

export type Mistake = z.infer<typeof mistake>;

/** The body of every error. */
export const problemDocument = z
  .object({
    type: z.string().meta({
      description: 'Names the problem. It is stable; switch on it.',
      examples: [problemType('not-found')],
    }),
    title: z.string(),
    status: z.int(),
    detail: z.string().nullable().meta({ description: 'For a person. It quotes no input.' }),
    instance: z.string().meta({ description: 'The id of the request, as in the logs.' }),
    errors: z
      .array(mistake)
      .optional()
      .meta({ description: 'Every mistake of the request, with `invalid-request`.' }),
    scope: z
      .string()
      .optional()
      .meta({ description: 'The scope that the key lacks, with `missing-scope`.' }),
  })
  .meta({ id: 'Problem' });
