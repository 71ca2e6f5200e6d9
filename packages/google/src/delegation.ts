/**
 * Domain-wide delegation: what Google's refusals of a service account mean, and what the
 * administrator of the domain has to enter for it.
 */
import { classifyToken, tokenErrorOf } from './classify.js';
import type { ServiceAccountKey } from './assertion.js';
import type { GoogleErrorKind } from './errors.js';

/** A service account that acts for one user of a domain. */
export interface DelegatedGrant {
  kind: 'delegated';
  key: ServiceAccountKey;
  /** The number that the administrator enters in the Admin console. */
  clientId: string;
  /** The user's address. */
  subject: string;
  /** Google's id of the user, from an earlier token of this account; null when none has named it. */
  sub: string | null;
  /** The scopes of its access tokens, beside those of the identity. */
  scopes: readonly string[];
  version: number;
}

type Unauthorized = Extract<GoogleErrorKind, { kind: 'unauthorized' }>;

/** The identity's scopes: an access token must tell whose it is, since an address may be reassigned. */
const IDENTITY_SCOPES = ['openid', 'https://www.googleapis.com/auth/userinfo.email'];

/** Returns the scopes that the administrator has to allow for reading with `scopes`. */
export function delegatedScopes(scopes: readonly string[]): string[] {
  return [...new Set([...IDENTITY_SCOPES, ...scopes])];
}

/**
 * Classifies a refusal of an assertion. Pure. Sources: "Using OAuth 2.0 for Server to Server
 * Applications", and error texts that users of GAM report.
 */
export function classifyDelegated(
  status: number,
  bodyText: string,
  grant: DelegatedGrant,
): GoogleErrorKind {
  const detail = classifyToken(status, bodyText);
  const { code, description } = tokenErrorOf(bodyText);
  if (detail.kind === 'unavailable') return detail;
  switch (code) {
    case 'unauthorized_client':
      return notAllowed(grant);
    case 'invalid_client':
    case 'deleted_client':
    case 'disabled_client':
      return keyRefused(grant);
    case 'invalid_grant':
      return invalidGrant(description, grant);
    case 'invalid_request':
      return userRefused();
    default:
      return detail;
  }
}

/** The error for a user's address that Google has given to another person. */
export function anotherPerson(): Unauthorized {
  return {
    kind: 'unauthorized',
    reason: 'delegated_user_changed',
    advice:
      'the address belongs to another Google account by now; import the account under the address that its user has now, or remove it',
  };
}

function notAllowed({ clientId, scopes }: DelegatedGrant): Unauthorized {
  return {
    kind: 'unauthorized',
    reason: 'delegation_not_allowed',
    advice: `the administrator has to allow the client id ${clientId} in the Admin console (Security > Access and data control > API controls > Domain-wide delegation) with all of these scopes: ${delegatedScopes(scopes).join(',')}; a change takes up to 24 hours`,
  };
}

function keyRefused({ key }: DelegatedGrant): Unauthorized {
  return {
    kind: 'unauthorized',
    reason: 'delegation_key_refused',
    advice: `Google does not accept the key ${key.keyId} of the service account: it was deleted, or the service account is disabled; create a key in the Cloud console and store it: syncline delegations set NAME FILE`,
  };
}

/** "Invalid grant: account not found" is about the service account, which was deleted. */
function invalidGrant(description: string, grant: DelegatedGrant): GoogleErrorKind {
  if (/^invalid jwt/i.test(description)) return jwtRefused(description, grant);
  return /account not found/i.test(description) ? keyRefused(grant) : userRefused();
}

/** Its times depend on this machine's clock, its signature on the key. */
function jwtRefused(description: string, grant: DelegatedGrant): GoogleErrorKind {
  return /short-lived|timeframe/i.test(description)
    ? {
        kind: 'unavailable',
        retryAfterMs: null,
        why: 'Google does not accept the time of the assertion: check the clock of this machine',
      }
    : keyRefused(grant);
}

function userRefused(): Unauthorized {
  return {
    kind: 'unauthorized',
    reason: 'delegated_user_refused',
    advice:
      'Google has no active user of this address: the user was suspended, deleted or renamed; restore the user in the Admin console, or remove the account',
  };
}
