/**
 * The owner of a grant. A refresh of a grant with the scope `openid` returns an identity token. For
 * other grants Google's token information endpoint returns what their scopes allow (`sub` and
 * address with `userinfo.email` or `email`, nothing for a grant of the APIs alone). Neither costs
 * quota.
 *
 * The identity token's signature is not checked. The token came from the token endpoint over TLS,
 * in the answer to our own request, and for that case OpenID Connect Core 3.1.3.7 (6) accepts TLS
 * server validation in place of the signature. Its claims are checked as the same section requires.
 */
import { classifyToken } from './classify.js';
import { GoogleError, MalformedAnswer, unavailable } from './errors.js';
import { addressOrNull, parseObject } from './shape.js';
import type { Answer, Transport } from './transport.js';

/** The Google account of a grant, as far as the grant reveals it. */
export interface GrantOwner {
  /** Google's id of the account, which is never reused; null when the scopes do not cover it. */
  sub: string | null;
  /** The primary address, when Google has verified it; null when the scopes do not cover it. */
  address: string | null;
}

const TOKEN_INFO = 'oauth2.tokeninfo';
const ISSUERS = new Set<unknown>(['https://accounts.google.com', 'accounts.google.com']);
/** OpenID Connect Core 2: a subject has at most 255 ASCII characters. */
const SUB_FORM = /^[\x21-\x7e]{1,255}$/;
/** Tolerance for clock skew; the token was issued during this request. */
const SKEW_MS = 10 * 60_000;

/**
 * Returns the owner named by a refresh's identity token, or null when its claims are not valid.
 * Pure.
 */
export function ownerOfIdToken(
  idToken: unknown,
  clientId: string,
  nowMs: number,
): GrantOwner | null {
  const claims = typeof idToken === 'string' ? claimsOf(idToken) : null;
  if (claims === null || !ISSUERS.has(claims['iss'])) return null;
  const audience = [claims['aud']].flat();
  if (!audience.includes(clientId)) return null;
  if (audience.length > 1 && claims['azp'] !== clientId) return null;
  if (!(Number(claims['exp']) * 1_000 > nowMs - SKEW_MS)) return null;
  return ownerIn(claims);
}

/**
 * Asks Google for the owner of an access token. A field that Google does not return is null; all
 * are null when Google no longer knows the token.
 * @throws GoogleError `unavailable` when there was no usable answer
 */
export async function askTokenInfo(
  transport: Transport,
  origin: string,
  accessToken: string,
): Promise<GrantOwner> {
  const answer = await transport.exchange({
    method: TOKEN_INFO,
    origin,
    // POST, like google-auth-library: a token in the URL would be written to the logs of
    // intermediaries.
    verb: 'POST',
    path: '/tokeninfo',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
    },
    body: '',
  });
  const unknown: GrantOwner = { sub: null, address: null };
  if (answer.status === 200) return ownerIn(bodyOf(answer)) ?? unknown;
  const detail = classifyToken(answer.status, answer.body.toString('utf8'));
  if (detail.kind === 'unavailable' && answer.status !== 404)
    throw new GoogleError(TOKEN_INFO, detail);
  return unknown;
}

function bodyOf({ body }: Answer): Record<string, unknown> {
  try {
    return parseObject(body);
  } catch (error) {
    if (error instanceof MalformedAnswer) throw unavailable(TOKEN_INFO, error);
    throw error;
  }
}

function ownerIn(claims: Record<string, unknown>): GrantOwner | null {
  const { sub, email, email_verified: verified } = claims;
  // The token information endpoint returns booleans as strings.
  const isVerified = verified === true || verified === 'true';
  const owner = {
    sub: typeof sub === 'string' && SUB_FORM.test(sub) ? sub : null,
    address: isVerified ? addressOrNull(email) : null,
  };
  return owner.sub === null && owner.address === null ? null : owner;
}

function claimsOf(token: string): Record<string, unknown> | null {
  const [, body = '', signature, ...rest] = token.split('.');
  if (signature === undefined || rest.length > 0) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims)
      ? (claims as Record<string, unknown>)
      : null;
  } catch {
    return null; // A malformed token is an expected case: it names no owner.
  }
}
