import type { GoogleErrorKind } from '@syncline/google';
import { unreachable } from '@syncline/runtime';

/** A run's whole vocabulary: what is to happen with the collection next. */
export type Outcome =
  /** The mirror is level with Google as of this run; the next look is a matter of policy. */
  | { kind: 'caught-up' }
  /** The time slice is spent, or somebody rang during the run: go on, at the back of the lane. */
  | { kind: 'more'; full: boolean }
  /** Weather or quota: later, and not a failure. */
  | { kind: 'snooze'; until: Date; why: string }
  /** Another worker has the lease. */
  | { kind: 'busy'; until: Date }
  /** Google refuses the grant: a human must act. */
  | { kind: 'reauthorize'; reason: string }
  /** Nothing to sync: the collection or its account is no longer active. */
  | { kind: 'gone' };

/** What an error of Google's means for the run; `failed` is a bug of ours, and is thrown on after it was settled. */
export type Verdict =
  | { kind: 'snooze'; delayMs: number; why: string; counts: boolean }
  | { kind: 'reauthorize'; reason: string }
  | { kind: 'resync' }
  | { kind: 'gone' }
  | { kind: 'failed' };

const FORBIDDEN_RETRY_MS = 15 * 60_000;
const WEATHER_BASE_MS = 1_000;
const WEATHER_CAP_MS = 64_000;

/**
 * @param failures how often in a row this collection met bad weather, for the backoff
 * @param jitter a number in [0, 1)
 */
export function verdictOf(error: GoogleErrorKind, failures: number, jitter: number): Verdict {
  switch (error.kind) {
    case 'rate-limited':
      return { kind: 'snooze', delayMs: Math.max(250, error.retryAfterMs) + jitter * 250, why: waitingFor(error), counts: false };
    case 'unavailable': {
      const backoffMs = Math.min(WEATHER_CAP_MS, WEATHER_BASE_MS * 2 ** Math.min(failures, 10)) + jitter * 1_000;
      return { kind: 'snooze', delayMs: Math.max(backoffMs, error.retryAfterMs ?? 0), why: 'Google did not answer properly; trying again', counts: true };
    }
    case 'unauthorized':
      return { kind: 'reauthorize', reason: error.reason };
    case 'forbidden':
      return { kind: 'snooze', delayMs: FORBIDDEN_RETRY_MS * (0.9 + 0.2 * jitter), why: `Google forbids it: ${error.reason}`, counts: true };
    case 'bookmark-expired':
      return { kind: 'resync' };
    case 'not-found':
      return { kind: 'gone' };
    case 'rejected':
      return { kind: 'failed' };
    default:
      return unreachable(error);
  }
}

function waitingFor(error: Extract<GoogleErrorKind, { kind: 'rate-limited' }>): string {
  const whose = error.scope === 'user' ? "this account's quota" : error.scope === 'project' ? "the project's quota" : error.scope === 'day' ? "the day's quota" : 'a free slot at Google';
  return error.source === 'google' ? `Google asked to wait for ${whose}` : `waiting for ${whose}`;
}
