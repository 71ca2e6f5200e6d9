/** Identity tokens, and what the scopes of a grant tell of its owner. */
import { createHash } from 'node:crypto';
import { SignJWT } from 'jose';
import type { TokenFaults } from '../consent/codes.js';
import { hostedDomain, ISSUER } from '../consent/authorize.js';
import type { Grant } from '../grants.js';
import { fullScope } from '../scopes.js';
import type { Sim } from '../sim.js';

const ADDRESS_SCOPES = ['email', fullScope('userinfo.email')];
const PROFILE_SCOPES = ['profile', fullScope('userinfo.profile')];
const IDENTITY_SCOPES = [...ADDRESS_SCOPES, ...PROFILE_SCOPES, 'openid'];
const ID_TOKEN_TTL_SECONDS = 3_600;

/** Who the owner is; `sub` is the account's id, which never changes. */
export interface Identity {
  sub?: string;
  email?: string;
  email_verified?: boolean;
  hd?: string;
  name?: string | undefined;
}

/**
 * Returns the owner of the grant, as far as its scopes reveal it: `sub` and the address only for
 * scopes of identity or address (google-auth-library's TokenInfo).
 */
export function identityOf(sim: Sim, grant: Grant): Identity {
  const account = sim.world.byKey(grant.email);
  const has = (scopes: readonly string[]): boolean =>
    scopes.some((scope) => grant.scopes.includes(scope));
  if (account === null || !has(IDENTITY_SCOPES)) return {};
  return {
    sub: account.sub,
    ...hostedDomain(account.email),
    ...(has(ADDRESS_SCOPES) ? { email: account.email, email_verified: true } : {}),
    ...(has(PROFILE_SCOPES) ? { name: account.email.split('@')[0] } : {}),
  };
}

export interface IdTokenOrder {
  grant: Grant;
  client: string;
  accessToken: string;
  nonce: string | null;
  faults: TokenFaults;
}

/**
 * OpenID Connect Core 3.1.3.3 and 12.2: with the scope `openid` an exchange and a refresh return an
 * identity token. Signed with the key of `/oauth2/v3/certs`.
 */
export async function idToken(
  sim: Sim,
  { grant, client, accessToken, nonce, faults }: IdTokenOrder,
): Promise<{ id_token?: string }> {
  const identity = identityOf(sim, grant);
  if (!grant.scopes.includes('openid') || identity.sub === undefined || faults.idToken === false)
    return {};
  // The machine's clock, because the receiver uses its own too.
  const iat = Math.floor(Date.now() / 1_000);
  const claims: Record<string, unknown> = {
    iss: ISSUER,
    azp: client,
    aud: client,
    ...identity,
    at_hash: halfHash(accessToken),
    ...(nonce === null ? {} : { nonce }),
    iat,
    exp: iat + ID_TOKEN_TTL_SECONDS,
    ...faults.claims,
  };
  const { kid, privateKey } = sim.signingKey;
  const token = await new SignJWT(withoutNulls(claims))
    .setProtectedHeader({ alg: 'RS256', kid: faults.kid ?? kid, typ: 'JWT' })
    .sign(privateKey);
  return { id_token: token };
}

/** OpenID Connect Core 3.1.3.6: the left half of the hash. */
function halfHash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
}

function withoutNulls(claims: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
}
