import { resourceOf, type CollectionKind, type ParkCause, type Resource } from '@syncline/store';
import { googleNamesOf } from './resources/facts.js';
import type { AnswerKind } from './error-outcomes.js';

/*
 * Collections that are parked for a cause which only a person can end: the text for that person,
 * and how rarely Google is asked again meanwhile. Importing a new token ends every parking at once.
 */

/**
 * Full syncs of one collection within a day, after which an expired sync position parks it: full
 * syncs cost the most quota.
 */
export const MAX_FULL_SYNCS_A_DAY = 6;

/** The refused part of a Google project that a collection waits for. */
type ProjectScope = 'client' | 'other-client' | Resource;

interface Parking {
  /**
   * Builds the text from the resource's name, its API's host, and the detail of Google's response.
   */
  reason: (resource: string, api: string, detail: string) => string;
  firstMs: number;
  capMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/**
 * A collection that waits for its project is resumed by the project's own probe; this delay applies
 * if that probe is lost.
 */
const WAITS_FOR_PROJECT_MS = 6 * HOUR_MS;

/**
 * The first sync comes soon, since another process may hold an access token from before a new
 * consent. Each further delay is eight times the one before.
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
  client: {
    reason: () =>
      "Google refuses the project's OAuth client: check its id and secret (GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, GOOGLE_PROJECTS_FILE) at https://console.cloud.google.com/apis/credentials; one account retries it for all, and all continue within a minute after it works",
    firstMs: WAITS_FOR_PROJECT_MS,
    capMs: WAITS_FOR_PROJECT_MS,
  },
  'other-client': {
    reason: () =>
      "Google says that the refresh token belongs to another OAuth client than its project's: import it with its own project, or import a token of this client",
    firstMs: WAITS_FOR_PROJECT_MS,
    capMs: WAITS_FOR_PROJECT_MS,
  },
  project: {
    reason: (resource, api) =>
      `the Google Cloud project does not have ${resource} enabled: enable the API at https://console.cloud.google.com/apis/library/${api}; one account retries it for all, and all continue within a minute after it works`,
    firstMs: WAITS_FOR_PROJECT_MS,
    capMs: WAITS_FOR_PROJECT_MS,
  },
  'unknown-project': {
    reason: () =>
      'the account belongs to a Google project that is not configured here: add it to GOOGLE_PROJECTS_FILE, or import the account with a token of a project that is',
    firstMs: MINUTE_MS,
    capMs: HOUR_MS,
  },
  'no-mailbox': {
    reason: (resource) => `the account has no mailbox: ${resource} is not enabled for it`,
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
  endless: {
    reason: (resource, _, detail) =>
      `Google's list of ${resource} has no end (${detail}); stored rows stay, and the list is begun again later`,
    firstMs: 15 * MINUTE_MS,
    capMs: 12 * HOUR_MS,
  },
  items: {
    reason: (resource) =>
      `too many items of ${resource} could not be read within an hour for the items to be the cause; none is quarantined, and all are retried later; see syncline why`,
    firstMs: 15 * MINUTE_MS,
    capMs: 6 * HOUR_MS,
  },
  'position-expires': {
    reason: (resource) =>
      `the sync position of ${resource} expired ${MAX_FULL_SYNCS_A_DAY} times within a day; it is synced in full again later`,
    firstMs: 6 * HOUR_MS,
    capMs: 12 * HOUR_MS,
  },
};

export interface Parked {
  cause: ParkCause;
  /** For a person. */
  reason: string;
  delayMs: number;
  /**
   * The scope of the project that the collection waits for, where one probe serves all; null
   * otherwise.
   */
  waitsFor: ProjectScope | null;
}

/**
 * @param failures how often in a row the collection was parked or met transient errors
 * @param jitter a number in [0, 1)
 * @param detail what Google's response contained, for a person
 */
export function parkedFor(
  cause: ParkCause,
  kind: CollectionKind,
  failures: number,
  jitter: number,
  detail = '',
): Parked {
  const { reason, firstMs, capMs } = PARKING[cause];
  const delayMs = Math.min(capMs, firstMs * 8 ** Math.min(failures, 10)) * (0.9 + 0.2 * jitter);
  const waitsFor = waitsForOf(cause, kind);
  const { title, api } = googleNamesOf(kind);
  return { cause, reason: reason(title, api, detail), delayMs, waitsFor };
}

function waitsForOf(cause: ParkCause, kind: CollectionKind): ProjectScope | null {
  if (cause === 'client' || cause === 'other-client') return cause;
  if (cause !== 'project') return null;
  return resourceOf(kind);
}

/** Returns the cause for a parking error. */
export function causeOf(answer: AnswerKind): ParkCause {
  switch (answer) {
    case 'scope-missing':
      return 'scope';
    case 'policy-forbids':
      return 'policy';
    case 'client-refused':
      return 'client';
    case 'other-client':
      return answer;
    case 'api-not-enabled':
      return 'project';
    case 'project-unknown':
      return 'unknown-project';
    case 'no-mailbox':
    case 'not-found':
      return answer;
    case 'sync-position-expired':
    case 'page-token-rejected':
      return 'position-expires';
    case 'listing-endless':
      return 'endless';
    default:
      return 'forbidden';
  }
}
