import { ENDLESS_WORDS, type GoogleErrorKind } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import type { CollectionKind, CollectionReasonCode, Lease } from '@syncline/store';
import { causeOf, parkedFor, type Parked } from './parking.js';
import { probeDelayMs } from './probe-schedule.js';
import { answerOf, codeOf, ERROR_OUTCOMES } from './error-outcomes.js';

/**
 * The outcome of a run and what happens with the collection next. It is the job's result, its log
 * line and the label of the metric. A bug of ours is `failed`; it is thrown, so that the job fails
 * with it.
 */
export type Outcome =
  /**
   * The mirror is caught up with Google as of this run, which changed this many rows; the policy
   * decides when the next sync is due.
   */
  | { kind: 'caught-up'; changes: number }
  /**
   * The time slice is spent, or a notification came during the run: the collection continues at the
   * back of the lane.
   */
  | { kind: 'more'; full: boolean }
  /**
   * Caught up except for a sweep that waits for evidence: incremental syncs continue, and the
   * collection does not count as caught up until the sweep ends.
   */
  | { kind: 'held'; until: Date; reason: string }
  /** Transient errors or quota: retry later; not a failure. */
  | { kind: 'snoozed'; until: Date; reason: string }
  /** Another worker has the lease. */
  | { kind: 'busy'; until: Date }
  /** Google refuses the grant, or it is not known to be the account's own: a person must act. */
  | { kind: 'reauth-required'; reason: string }
  /**
   * The collection is parked for a cause that a person must end; the account's other collections
   * continue.
   */
  | { kind: 'parked'; until: Date; reason: string }
  /** Nothing to sync: the collection or its account is no longer active. */
  | { kind: 'gone' };

export type OutcomeKind = Outcome['kind'] | 'failed';

/** For people who read a job's log. */
export const OUTCOME_WORDS: Readonly<Record<OutcomeKind, string>> = {
  'caught-up': 'caught up',
  more: 'not done yet',
  held: 'caught up except for a sweep that waits for evidence',
  snoozed: 'postponed',
  busy: 'not run',
  parked: 'parked',
  'reauth-required': 'needs a new grant',
  gone: 'nothing to sync',
  failed: 'failed',
};

/**
 * What an error of Google means for the run. `failed` is a bug of ours, and is thrown after the run
 * was finished.
 */
export type ErrorOutcome =
  | ({ kind: 'snoozed' } & Snooze)
  | ({ kind: 'reauth-required' } & Reauthorization)
  | ({ kind: 'parked'; code: string } & Parked)
  | { kind: 'full-sync-again' }
  | { kind: 'list-again' }
  | { kind: 'gone' }
  | { kind: 'failed' };

/** Why and how long a collection is postponed. */
export interface Snooze {
  delayMs: number;
  /** For a person. */
  reason: string;
  /** The same for programs. */
  code: CollectionReasonCode;
  /** Whether it lengthens the backoff. */
  counts: boolean;
}

export interface Reauthorization {
  /** For a person. */
  reason: string;
  code: 'grant-refused' | 'credential-unreadable';
  /** When Google is asked again whether the cause has passed; null: never. */
  probeInMs: number | null;
}

/**
 * Where the error occurred: the same error of Google has different meanings in different places.
 */
export interface Place {
  kind: CollectionKind;
  phase: Lease['phase'];
  /** Whether the request carried a page token. */
  paged: boolean;
}

const BACKOFF_BASE_MS = 1_000;
const BACKOFF_CAP_MS = 64_000;
/** The delay after which another worker that has the key may take the collection. */
const KEY_MISSING_RETRY_MS = 10_000;

/**
 * Returns the table's outcome with its times and texts.
 *
 * @param failures how often in a row this collection met transient errors, for the backoff
 * @param jitter a number in [0, 1)
 */
export function errorOutcomeOf(
  error: GoogleErrorKind,
  place: Place,
  failures: number,
  jitter: number,
): ErrorOutcome {
  const answer = answerOf(error, place.paged);
  const name = ERROR_OUTCOMES[place.kind][place.phase][answer];
  switch (name) {
    case 'snoozed':
    case 'back-off':
      return later(error, failures, jitter);
    case 'reauth-required':
      return { kind: 'reauth-required', ...grantRefused(error, jitter) };
    case 'parked':
      return {
        kind: 'parked',
        code: error.kind === 'forbidden' ? codeOf(error) : error.kind,
        ...parkedFor(
          causeOf(answer),
          place.kind,
          failures,
          jitter,
          error.kind === 'endless-listing' ? ENDLESS_WORDS[error.reason] : '',
        ),
      };
    case 'full-sync-again':
    case 'list-again':
    case 'gone':
    case 'failed':
      return { kind: name };
    default:
      return unreachable(name);
  }
}

/**
 * Returns a snooze: for quota until the time that the governor or Google gives, for transient
 * errors with a growing delay up to Google's own advice of 64 s.
 */
export function later(
  error: GoogleErrorKind,
  failures: number,
  jitter: number,
): Extract<ErrorOutcome, { kind: 'snoozed' }> {
  if (error.kind === 'rate-limited')
    return {
      kind: 'snoozed',
      delayMs: Math.max(250, error.retryAfterMs) + jitter * 250,
      reason: waitingFor(error),
      code: `quota-${error.scope}`,
      counts: false,
    };
  if (error.kind === 'key-missing')
    return {
      kind: 'snoozed',
      delayMs: KEY_MISSING_RETRY_MS * (1 + jitter / 4),
      reason:
        error.newerFormat === undefined
          ? `a worker lacks the master key with the id ${error.keyId}, which sealed this account's refresh token; see /readyz of the workers`
          : `a worker is too old: a later version sealed this account's refresh token in format ${error.newerFormat}; start the workers of that version`,
      code: 'key-missing',
      counts: false,
    };
  const backoffMs =
    Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(failures, 10)) + jitter * 1_000;
  const namedMs = error.kind === 'unavailable' ? (error.retryAfterMs ?? 0) : 0;
  return {
    kind: 'snoozed',
    delayMs: Math.max(backoffMs, namedMs),
    reason: 'Google did not answer properly; trying again',
    code: 'transient-errors',
    counts: true,
  };
}

/**
 * Returns a refused grant with Google's own code first, for the support desk, then its meaning.
 * Google reports a suspended account, which may be restored, with the same code as a withdrawn
 * grant.
 */
export function grantRefused(error: GoogleErrorKind, jitter: number): Reauthorization {
  const code = error.kind === 'unauthorized' ? error.reason : error.kind;
  const probeInMs = probeDelayMs({ probes: 0, refusedForMs: 0 }, jitter);
  if (error.kind === 'unauthorized' && error.advice !== undefined)
    return { code: 'grant-refused', reason: `${code}: ${error.advice}`, probeInMs };
  if (code === 'credential_unreadable')
    return {
      code: 'credential-unreadable',
      reason:
        'the stored refresh token does not open: it was sealed with another master key, or for another account; import a new refresh token',
      probeInMs,
    };
  if (code.includes('invalid_rapt'))
    return {
      code: 'grant-refused',
      reason: `${code}: the account's organisation wants the person to sign in again; import a new refresh token`,
      probeInMs: null,
    };
  return {
    code: 'grant-refused',
    reason: `${code}: the grant was revoked, has expired (after seven days while the OAuth app is in testing), or the account was suspended or changed its password; import a new refresh token`,
    probeInMs,
  };
}

type RateLimited = Extract<GoogleErrorKind, { kind: 'rate-limited' }>;

const LIMIT_WORDS: Record<Exclude<RateLimited['scope'], 'closed'>, string> = {
  user: "this account's quota",
  project: "the project's quota",
  day: "the day's quota",
  concurrency: 'a free slot at Google',
};

function waitingFor(error: RateLimited): string {
  if (error.scope === 'closed')
    return 'Google has recently refused a call of this account; its calls wait';
  const limit = LIMIT_WORDS[error.scope];
  if (error.scope === 'day' && error.source === 'governor')
    return "waiting for the project's budget of the day, which ends at midnight in California; incremental syncs continue";
  return error.source === 'google' ? `Google asked to wait for ${limit}` : `waiting for ${limit}`;
}
