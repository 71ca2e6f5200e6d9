/** One refresh: exchanges a refresh token for an access token. Nothing is cached here. */
import { type GoogleError, type GoogleErrorKind, unavailable } from './errors.js';
import { type GrantOwner, ownerOfIdToken } from './owner.js';
import type { Answer, Transport } from './transport.js';

export const REFRESH = 'oauth2.token';

/**
 * Whether there is no access token because the token endpoint refused one or because this process
 * lacks the key of the grant. Such an error concerns every call of the account and not the
 * requested item.
 */
export function isTokenRefused({ method, detail }: GoogleError): boolean {
  return method === REFRESH && TOKEN_REFUSALS.has(detail.kind);
}

const TOKEN_REFUSALS: ReadonlySet<string> = new Set<GoogleErrorKind['kind']>([
  'forbidden',
  'rejected',
  'key-missing',
]);

/** The token endpoint and the OAuth client that uses it. */
export interface TokenEndpoint {
  origin: string;
  clientId: string;
  clientSecret: string;
}

/** The result of a refresh. */
export interface Refreshed {
  token: string;
  /** How long the access token is used. */
  livesMs: number;
  /** The refresh token with which Google replaced the original one. */
  refreshToken: string | null;
  /** Null when the answer had no identity token, or one without an owner. */
  owner: GrantOwner | null;
}

/**
 * An access token is discarded this long before it expires, or a tenth of its lifetime before,
 * whichever is less.
 */
const EXPIRY_MARGIN_S = 300;

/**
 * Returns Google's answer, whatever its status.
 * @throws GoogleError `unavailable` when no complete answer arrived
 */
export function exchangeRefreshToken(
  transport: Transport,
  { origin, clientId, clientSecret }: TokenEndpoint,
  refreshToken: string,
): Promise<Answer> {
  const body = new URLSearchParams({
    refresh_token: refreshToken,
    client_id: clientId,
    client_secret: clientSecret,
    grant_type: 'refresh_token',
  }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' };
  return transport.exchange({
    method: REFRESH,
    origin,
    verb: 'POST',
    path: '/token',
    headers,
    body,
  });
}

/**
 * Reads an answer with status 200.
 * @throws GoogleError `unavailable` when it is not a grant
 */
export function readRefreshed(answer: Answer, clientId: string, nowMs: number): Refreshed {
  let grant: Record<string, unknown>;
  try {
    grant = Object(JSON.parse(answer.body.toString('utf8'))) as Record<string, unknown>;
  } catch (error) {
    throw unavailable(REFRESH, error);
  }
  const { access_token: token, expires_in: expiresIn, refresh_token: rotated } = grant;
  if (typeof token !== 'string' || token === '' || typeof expiresIn !== 'number')
    throw unavailable(REFRESH);
  const livesMs = (expiresIn - Math.min(EXPIRY_MARGIN_S, expiresIn / 10)) * 1_000;
  return {
    token,
    livesMs: Math.max(0, Math.floor(livesMs)),
    refreshToken: typeof rotated === 'string' ? rotated : null,
    owner: ownerOfIdToken(grant['id_token'], clientId, nowMs),
  };
}
