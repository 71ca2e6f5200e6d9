import { OwnError, unreachable } from '@syncline/runtime';

/** How a listing was found to be endless. */
export type EndlessReason =
  /** The page's `nextPageToken` is the token with which the page was requested. */
  | 'page-names-itself'
  /** A page returned a token that an earlier page had returned. */
  | 'pages-in-a-cycle'
  /** The same page was returned repeatedly, each time with another token. */
  | 'pages-repeat'
  /** Consecutive pages contained nothing, or nothing that earlier pages had not contained. */
  | 'nothing-new'
  /** The token of the next page cannot be stored and sent back. */
  | 'token-unusable';

/** What an error of Google requires from the caller. Each kind has its own next action. */
export type GoogleErrorKind =
  /**
   * Retry later. `governor`: our quota refused and Google was not called (`closed`: because Google
   * has just refused this account). `google`: Google refused.
   */
  | {
      kind: 'rate-limited';
      scope: 'user' | 'closed' | 'project' | 'day' | 'concurrency';
      retryAfterMs: number;
      source: 'governor' | 'google';
    }
  /**
   * A transient error: 5xx, HTML, timeouts, resets, malformed or truncated bodies. Retry. `why` is
   * a text of ours for cases that an operator can act on.
   */
  | { kind: 'unavailable'; retryAfterMs: number | null; why?: string }
  /**
   * This process lacks the master key with this id, which other processes have. It cannot decrypt
   * the grant, and Google was not called. Nothing is wrong with the account. With `newerFormat` the
   * process is too old for the format of the sealed grant.
   */
  | { kind: 'key-missing'; keyId: string; newerFormat?: number }
  /**
   * The grant is dead (`invalid_grant` and similar): a person must connect the account again.
   * `advice` is a text of ours that says what is to be done instead.
   */
  | { kind: 'unauthorized'; reason: string; advice?: string }
  /**
   * The grant is valid but does not cover the call: missing scope, domain policy, API disabled, no
   * mailbox.
   */
  | { kind: 'forbidden'; reason: string }
  /** Google no longer accepts our historyId or syncToken: a full sync is due. */
  | { kind: 'sync-position-expired' }
  | { kind: 'not-found' }
  /** The pages of a listing do not end; see paging.ts. */
  | { kind: 'endless-listing'; reason: EndlessReason }
  /** Google refused the request itself: a bug of ours, or a stale page token. */
  | { kind: 'rejected'; status: number; reason: string };

/**
 * The only error that leaves this package. Its message contains the method's name, texts of ours
 * and Google's reason codes. It never contains addresses, tokens, ids or bodies, because it is
 * logged and shown on the board.
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

/** Texts for people. */
export const ENDLESS_WORDS: Record<EndlessReason, string> = {
  'page-names-itself': 'a page names itself as the next one',
  'pages-in-a-cycle': 'a page leads back to an earlier one',
  'pages-repeat': 'the same page comes again and again',
  'nothing-new': 'page after page is empty or brings nothing new',
  'token-unusable': 'the token of the next page is no text that can be kept and sent back',
};

function inWords(detail: GoogleErrorKind): string {
  switch (detail.kind) {
    case 'rate-limited':
      return `${detail.source === 'governor' ? 'held back by our own quota' : 'refused by Google'} (${detail.scope}), next try in ${Math.ceil(detail.retryAfterMs / 1000)} s`;
    case 'unavailable':
      return `Google gave no usable answer${detail.why === undefined ? '' : ` (${detail.why})`}`;
    case 'key-missing':
      return unopened(detail);
    case 'unauthorized':
      return `Google no longer accepts this account's grant (${detail.reason})`;
    case 'forbidden':
      return `Google does not allow this (${detail.reason})`;
    case 'sync-position-expired':
      return 'Google no longer knows this sync position';
    case 'not-found':
      return 'Google does not have this';
    case 'endless-listing':
      return `Google's listing has no end: ${ENDLESS_WORDS[detail.reason]}`;
    case 'rejected':
      return `Google rejected the request (${detail.status} ${detail.reason})`;
    default:
      return unreachable(detail);
  }
}

function unopened(detail: Extract<GoogleErrorKind, { kind: 'key-missing' }>): string {
  return detail.newerFormat === undefined
    ? `this process lacks the master key with the id ${detail.keyId}; Google was not asked`
    : `this process is too old for the sealed grant, which has format ${detail.newerFormat}; Google was not asked`;
}

/**
 * A 2xx response whose body is not as documented. Used inside this package only; callers get
 * `unavailable`.
 */
export class MalformedAnswer extends OwnError {
  override readonly name: string = 'MalformedAnswer';
}

/**
 * A response that exceeds our limits, or that the proxy gave in place of Google. Its message is a
 * text of ours and is shown.
 */
export class AnswerRefused extends MalformedAnswer {}

/**
 * Returns the error for a response that was damaged in transit or by Google, and that may be
 * complete the next time.
 */
export function unavailable(method: string, cause?: unknown): GoogleError {
  const why = cause instanceof AnswerRefused ? { why: cause.message } : {};
  return new GoogleError(method, { kind: 'unavailable', retryAfterMs: null, ...why }, { cause });
}
