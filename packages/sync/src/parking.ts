import type { CollectionKind } from '@syncline/store';
import type { AnswerKind } from './verdicts.js';

/*
 * Collections that rest for a cause which only a person can end: what the person is told, and how rarely Google is asked again
 * meanwhile. Importing a new token ends every rest at once.
 */

/** Why a collection is parked; kept beside it, since the account's own state depends on it. */
export type ParkCause =
  | 'scope'
  | 'policy'
  | 'project'
  | 'unknown-project'
  | 'no-mailbox'
  | 'forbidden'
  | 'not-found'
  | 'restless';

/** Walks of one collection within a day, after which an expired bookmark parks it: a walk is what costs most. */
export const MAX_WALKS_A_DAY = 6;

interface Parking {
  /** Completed by the resource's name. */
  reason: (resource: string, api: string) => string;
  firstMs: number;
  capMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * The first look comes soon: another process may hold an access token from before a new consent. After it, each rest is eight
 * times as long as the one before.
 */
const PARKING: Record<ParkCause, Parking> = {
  scope: {
    reason: (resource) =>
      `the grant does not cover ${resource}: connect the account again and tick ${resource} on Google's consent page`,
    firstMs: MINUTE_MS,
    capMs: 12 * HOUR_MS,
  },
  policy: {
    reason: (resource) =>
      `an administrator of the account's organisation does not allow this app to read ${resource}`,
    firstMs: HOUR_MS,
    capMs: 24 * HOUR_MS,
  },
  project: {
    reason: (resource, api) =>
      `the Google Cloud project does not have ${resource} set up: check the API at https://console.cloud.google.com/apis/library/${api} and the OAuth client at https://console.cloud.google.com/apis/credentials`,
    firstMs: 5 * MINUTE_MS,
    capMs: HOUR_MS,
  },
  'unknown-project': {
    reason: () =>
      'the account belongs to a Google project that is not configured here: add it to GOOGLE_PROJECTS_FILE, or import the account with a token of a project that is',
    firstMs: MINUTE_MS,
    capMs: HOUR_MS,
  },
  'no-mailbox': {
    reason: () => 'the account has no mailbox: Gmail is not switched on for it',
    firstMs: HOUR_MS,
    capMs: 24 * HOUR_MS,
  },
  forbidden: {
    reason: (resource) => `Google does not let this account read ${resource} here`,
    firstMs: 15 * MINUTE_MS,
    capMs: 12 * HOUR_MS,
  },
  'not-found': {
    reason: (resource) => `Google does not find this account's ${resource}`,
    firstMs: 15 * MINUTE_MS,
    capMs: 12 * HOUR_MS,
  },
  restless: {
    reason: (resource) =>
      `Google disowned the bookmark of ${resource} ${MAX_WALKS_A_DAY} times within a day; it is walked again later`,
    firstMs: 6 * HOUR_MS,
    capMs: 12 * HOUR_MS,
  },
};

export interface Rest {
  cause: ParkCause;
  /** For a person. */
  reason: string;
  delayMs: number;
}

/**
 * @param failures how often in a row the collection was parked or met bad weather
 * @param jitter a number in [0, 1)
 */
export function restFor(
  cause: ParkCause,
  kind: CollectionKind,
  failures: number,
  jitter: number,
): Rest {
  const { reason, firstMs, capMs } = PARKING[cause];
  const delayMs = Math.min(capMs, firstMs * 8 ** Math.min(failures, 10)) * (0.9 + 0.2 * jitter);
  return kind === 'gmail'
    ? { cause, reason: reason('Gmail', 'gmail.googleapis.com'), delayMs }
    : { cause, reason: reason('Google Calendar', 'calendar-json.googleapis.com'), delayMs };
}

/** The cause behind an answer that parks. */
export function causeOf(answer: AnswerKind): ParkCause {
  switch (answer) {
    case 'scope-missing':
      return 'scope';
    case 'policy-forbids':
      return 'policy';
    case 'project-not-set-up':
      return 'project';
    case 'project-unknown':
      return 'unknown-project';
    case 'no-mailbox':
    case 'not-found':
      return answer;
    case 'bookmark-expired':
    case 'page-token-rejected':
      return 'restless';
    default:
      return 'forbidden';
  }
}
