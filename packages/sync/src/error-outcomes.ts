import type { GoogleErrorKind } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import type { CollectionKind, Lease } from '@syncline/store';
import { COLLECTION_FACTS, type CollectionFacts } from './resources/facts.js';

/*
 * What every error of Google means in every phase of every kind of collection. The types make the
 * table complete: a new kind of error, phase or collection does not compile until it has an entry.
 * The table holds data, not behaviour; outcome.ts and sync-collection.ts act on it.
 */

/** Google's refusals, as finely divided as their handling differs. */
export type AnswerKind =
  | 'quota'
  | 'transient'
  /** This process lacks the master key of the account's grant and sent no request. */
  | 'key-missing'
  | 'grant-refused'
  /** 403 insufficientPermissions: the grant does not cover this API. */
  | 'scope-missing'
  /** 403 domainPolicy and similar: an administrator forbids access. */
  | 'policy-forbids'
  /**
   * `invalid_client` and similar from the token endpoint: the project's OAuth client is refused,
   * for every account.
   */
  | 'client-refused'
  /** `unauthorized_client`: the refresh token belongs to another client. */
  | 'other-client'
  /** 403 accessNotConfigured: the project does not have the API enabled. */
  | 'api-not-enabled'
  /** The account belongs to a Google project that this deployment does not configure. */
  | 'project-unknown'
  /** 400 "Mail service not enabled". */
  | 'no-mailbox'
  | 'forbidden'
  | 'sync-position-expired'
  | 'not-found'
  /** 400 to a request that carried a page token: the token has expired. */
  | 'page-token-rejected'
  /** The pages of a listing have no end. */
  | 'listing-endless'
  | 'rejected';

type ErrorOutcomeName =
  /** Retry later; does not count as a failure. */
  | 'snoozed'
  /** Retry later, with growing delays. */
  | 'back-off'
  /** The account waits for a new grant. */
  | 'reauth-required'
  /** This collection is parked with its reason; the account's other collections continue. */
  | 'parked'
  /** A new generation; rows stay readable. Bounded by MAX_FULL_SYNCS_A_DAY. */
  | 'full-sync-again'
  /** The listing begins again from the same sync position. */
  | 'list-again'
  /** The collection no longer exists. */
  | 'gone'
  /** A bug of ours: the run is finished as failed and the error is thrown. */
  | 'failed';

const ANYWHERE = {
  quota: 'snoozed',
  transient: 'back-off',
  'key-missing': 'snoozed',
  'grant-refused': 'reauth-required',
  'scope-missing': 'parked',
  'policy-forbids': 'parked',
  'client-refused': 'parked',
  'other-client': 'parked',
  'api-not-enabled': 'parked',
  'project-unknown': 'parked',
  'no-mailbox': 'parked',
  forbidden: 'parked',
  'listing-endless': 'parked',
  rejected: 'failed',
} as const satisfies Partial<Record<AnswerKind, ErrorOutcomeName>>;

type Table = Record<Lease['phase'], Record<AnswerKind, ErrorOutcomeName>>;

export const ERROR_OUTCOMES: Readonly<Record<CollectionKind, Table>> = byKind(({ notFound }) => ({
  pending: {
    ...ANYWHERE,
    'sync-position-expired': 'failed',
    'page-token-rejected': 'failed',
    'not-found': notFound,
  },
  full: {
    ...ANYWHERE,
    'sync-position-expired': 'full-sync-again',
    'page-token-rejected': 'full-sync-again',
    'not-found': notFound,
  },
  incremental: {
    ...ANYWHERE,
    'sync-position-expired': 'full-sync-again',
    'page-token-rejected': 'list-again',
    'not-found': notFound,
  },
}));

function byKind(tableOf: (facts: CollectionFacts) => Table): Record<CollectionKind, Table> {
  const tables = Object.entries(COLLECTION_FACTS).map(([kind, facts]) => [kind, tableOf(facts)]);
  return Object.fromEntries(tables) as Record<CollectionKind, Table>;
}

const FORBIDDEN_REASONS: ReadonlyMap<string, AnswerKind> = new Map(
  Object.entries<AnswerKind>({
    insufficientPermissions: 'scope-missing',
    domainPolicy: 'policy-forbids',
    admin_policy_enforced: 'policy-forbids',
    org_internal: 'policy-forbids',
    accessNotConfigured: 'api-not-enabled',
    invalid_client: 'client-refused',
    disabled_client: 'client-refused',
    deleted_client: 'client-refused',
    unauthorized_client: 'other-client',
    unknown_project: 'project-unknown',
    mailServiceNotEnabled: 'no-mailbox',
  }),
);

/** @param paged whether the request that was refused carried a page token */
export function answerOf(error: GoogleErrorKind, paged: boolean): AnswerKind {
  switch (error.kind) {
    case 'rate-limited':
      return 'quota';
    case 'unavailable':
      return 'transient';
    case 'key-missing':
      return error.kind;
    case 'unauthorized':
      return 'grant-refused';
    case 'forbidden':
      // The token endpoint's refusals have the form "code: advice".
      return FORBIDDEN_REASONS.get(codeOf(error)) ?? 'forbidden';
    case 'sync-position-expired':
    case 'not-found':
      return error.kind;
    case 'endless-listing':
      return 'listing-endless';
    case 'rejected':
      return paged ? 'page-token-rejected' : 'rejected';
    default:
      return unreachable(error);
  }
}

/** Returns Google's own code, without the advice beside it. */
export function codeOf({ reason }: { reason: string }): string {
  return reason.split(':')[0] ?? '';
}
