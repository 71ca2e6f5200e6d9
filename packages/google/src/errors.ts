import { OwnError, unreachable } from '@syncline/runtime';

/** How a listing shows that it has no end. */
export type EndlessReason =
  /** Its `nextPageToken` is the token that the page was asked for with. */
  | 'page-names-itself'
  /** A page token came that an earlier page had given. */
  | 'pages-in-a-circle'
  /** The same page came again and again, each time with another token. */
  | 'pages-repeat'
  /** Page after page brought nothing. */
  | 'nothing-new'
  /** The token of the next page is no text that can be stored and sent back. */
  | 'token-unusable';

/** What Google's refusals mean for the caller. Each kind answers one question: what must happen next? */
export type GoogleErrorKind =
  /** Come back later. `governor`: our own quota said no and Google was not asked (`closed`: since Google has just refused this account); `google`: Google said no. */
  | {
      kind: 'rate-limited';
      scope: 'user' | 'closed' | 'project' | 'day' | 'concurrency';
      retryAfterMs: number;
      source: 'governor' | 'google';
    }
  /**
   * Transient errors: 5xx, HTML, timeouts, resets, malformed or truncated bodies. Ask again. `why`,
   * in words of ours, where an operator can do something about it.
   */
  | { kind: 'unavailable'; retryAfterMs: number | null; why?: string }
  /** This process lacks the master key of this id, which others have: it cannot open the grant, and Google was not asked. Nothing is wrong with the account. */
  | { kind: 'key-missing'; keyId: string }
  /** The grant is dead (`invalid_grant` and friends): a human must connect the account again. */
  | { kind: 'unauthorized'; reason: string }
  /** The grant lives but does not cover this: missing scope, domain policy, API disabled, no mailbox. */
  | { kind: 'forbidden'; reason: string }
  /** Google no longer knows our historyId or syncToken: a full sync is due. */
  | { kind: 'sync-position-expired' }
  | { kind: 'not-found' }
  /** The pages of a listing go on without an end; see paging.ts. */
  | { kind: 'endless-listing'; reason: EndlessReason }
  /** Google understood and declined: our bug, or a page token that has gone stale. */
  | { kind: 'rejected'; status: number; reason: string };

/**
 * The one error of this package. Its message is made of the method's name and words of ours and of Google's reason
 * codes; addresses, tokens, ids and bodies never get into it, since it is logged and shown on the board.
 */
export class GoogleError extends OwnError {
  override readonly name = 'GoogleError';

  constructor(
    readonly method: string,
    readonly detail: GoogleErrorKind,
    options?: ErrorOptions,
  ) {
    super(`${method}: ${inWords(detail)}`, options);
  }
}

/** For a person. */
export const ENDLESS: Record<EndlessReason, string> = {
  'page-names-itself': 'a page names itself as the next one',
  'pages-in-a-circle': 'a page leads back to an earlier one',
  'pages-repeat': 'the same page comes again and again',
  'nothing-new': 'page after page is empty',
  'token-unusable': 'the token of the next page is no text that can be kept and sent back',
};

function inWords(detail: GoogleErrorKind): string {
  switch (detail.kind) {
    case 'rate-limited':
      return `${detail.source === 'governor' ? 'held back by our own quota' : 'refused by Google'} (${detail.scope}), next try in ${Math.ceil(detail.retryAfterMs / 1000)} s`;
    case 'unavailable':
      return `Google gave no usable answer${detail.why === undefined ? '' : ` (${detail.why})`}`;
    case 'key-missing':
      return `this process lacks the master key with the id ${detail.keyId}; Google was not asked`;
    case 'unauthorized':
      return `Google no longer accepts this account's grant (${detail.reason})`;
    case 'forbidden':
      return `Google does not allow this (${detail.reason})`;
    case 'sync-position-expired':
      return 'Google no longer knows this sync position';
    case 'not-found':
      return 'Google does not have this';
    case 'endless-listing':
      return `Google's listing has no end: ${ENDLESS[detail.reason]}`;
    case 'rejected':
      return `Google rejected the request (${detail.status} ${detail.reason})`;
    default:
      return unreachable(detail);
  }
}

/** A 2xx answer whose body is not what Google documents. Inside this package only: it leaves as `unavailable`. */
export class MalformedAnswer extends OwnError {
  override readonly name: string = 'MalformedAnswer';
}

/** An answer that is beyond our bounds, or that the proxy gave in Google's place. Its message is ours and is shown. */
export class AnswerRefused extends MalformedAnswer {}

/** What was spoiled on the way or on Google's side, and may be whole the next time. */
export function unavailable(method: string, cause?: unknown): GoogleError {
  const why = cause instanceof AnswerRefused ? { why: cause.message } : {};
  return new GoogleError(method, { kind: 'unavailable', retryAfterMs: null, ...why }, { cause });
}
