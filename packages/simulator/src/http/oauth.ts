/**
 * The token, revocation and token information endpoints (oauth2.googleapis.com), whose errors have
 * their own format. They accept refresh tokens and assertions: a service account's own (Pub/Sub),
 * or for a user (domain-wide delegation).
 */
import type { ClientRefusal } from '../clients.js';
import { REFUSALS, type Grant } from '../grants.js';
import { fullScope } from '../scopes.js';
import type { Sim } from '../sim.js';
import { textOf } from './posted.js';
import { jsonReply, PLAIN, type Reply } from './reply.js';

/** A token request in flight; refreshes of the same account that begin meanwhile overlap. */
export interface Refresh {
  answer(whole: boolean, rotate: boolean): Reply;
  release(): void;
}

/**
 * Admits a token request when it arrives; `answer` must be called after the latency, `release` when
 * it has been sent. After a damaged or missing answer the client has learned nothing, so its
 * repetition is not counted as a mistake.
 */
export function beginRefresh(sim: Sim, form: URLSearchParams): Refresh {
  if (form.get('grant_type') === JWT_BEARER)
    return { answer: () => assert(sim, form.get('assertion') ?? ''), release: () => undefined };
  const refusal = refusalOf(sim, form);
  if (refusal !== null) return { answer: () => refusal, release: () => undefined };
  const grant = sim.grants.ofRefreshToken(form.get('refresh_token') ?? '');
  if (grant === null)
    return {
      answer: () => oauthError(400, 'invalid_grant', REFUSALS['bad-request']),
      release: () => undefined,
    };
  note(sim, grant);
  // Checked on arrival, because a call that was in flight at the time of the first refusal is not
  // one after it.
  const knownRefused = sim.grants.isKnownRefused(grant);
  grant.refreshesInFlight += 1;
  return {
    answer: (whole, rotate) => {
      if (whole && knownRefused) sim.ledger.afterInvalidGrant(grant.email);
      return refresh(sim, grant, form.get('client_id') ?? '', { whole, rotate });
    },
    release: () => {
      grant.refreshesInFlight -= 1;
    },
  };
}

/**
 * Serves `POST /revoke` with an access or a refresh token: ends the whole grant, with every token
 * of the person that the same client has.
 */
export function revoke(sim: Sim, token: string | null): Reply {
  const grant =
    token === null
      ? null
      : (sim.grants.ofRefreshToken(token) ?? sim.grants.ofAccessToken(token)?.grant ?? null);
  if (grant === null || grant.state !== 'live')
    return oauthError(400, 'invalid_token', { error_description: 'Token expired or revoked' });
  sim.grants.end(grant, 'revoked-by-client');
  return jsonReply({}, PLAIN);
}

/**
 * Serves `/tokeninfo` with the token as a bearer (google-auth-library's `getTokenInfo`), or as
 * `?access_token=…`.
 */
export function tokenInfo(sim: Sim, token: string | null): Reply {
  const known = token === null ? null : sim.grants.ofAccessToken(token);
  if (known === null || !sim.grants.isLive(known.grant) || known.expiresAtMs <= sim.clock.nowMs())
    return oauthError(400, 'invalid_token', { error_description: 'Invalid Value' });
  const { grant, client, expiresAtMs } = known;
  return jsonReply(
    {
      azp: client,
      aud: client,
      ...identityOf(sim, grant, String),
      scope: grant.scopes.join(' '),
      exp: String(Math.floor(expiresAtMs / 1_000)),
      expires_in: String(Math.floor((expiresAtMs - sim.clock.nowMs()) / 1_000)),
      access_type: 'offline',
    },
    PLAIN,
  );
}

/**
 * Returns the owner of the grant, as far as its scopes reveal it: `sub` and the address only for
 * scopes of identity or address (google-auth-library's TokenInfo). This endpoint returns booleans
 * as strings.
 */
function identityOf<T>(
  sim: Sim,
  grant: Grant,
  flag: (value: boolean) => T,
): { sub?: string; email?: string; email_verified?: T } {
  const account = sim.world.byKey(grant.email);
  if (account === null || !IDENTITY_SCOPES.some((scope) => grant.scopes.includes(scope))) return {};
  const tellsAddress = ADDRESS_SCOPES.some((scope) => grant.scopes.includes(scope));
  return {
    sub: account.sub,
    ...(tellsAddress ? { email: account.email, email_verified: flag(true) } : {}),
  };
}

/**
 * OpenID Connect Core 3.1.3.3 and 12.2: with the scope `openid` a refresh returns an identity
 * token.
 */
function idToken(sim: Sim, grant: Grant, client: string): { id_token?: string } {
  if (!grant.scopes.includes('openid') || sim.world.byKey(grant.email) === null) return {};
  // The machine's clock, because the receiver uses its own too.
  const iat = Math.floor(Date.now() / 1_000);
  return {
    id_token: sim.signingKey.jwt({
      iss: 'https://accounts.google.com',
      azp: client,
      aud: client,
      ...identityOf(sim, grant, Boolean),
      iat,
      exp: iat + ID_TOKEN_TTL_SECONDS,
    }),
  };
}

const ADDRESS_SCOPES = ['email', fullScope('userinfo.email')];
const IDENTITY_SCOPES = [...ADDRESS_SCOPES, 'openid', 'profile', fullScope('userinfo.profile')];
const ID_TOKEN_TTL_SECONDS = 3_600;

/** An error of these endpoints: a code and its fields. */
export function oauthError(
  status: number,
  error: string,
  more: Readonly<Record<string, string>>,
): Reply {
  return jsonReply({ error, ...more }, PLAIN, status);
}

const CLIENT_REFUSALS: Record<ClientRefusal, string> = {
  invalid_client: 'Unauthorized',
  deleted_client: 'The OAuth client was deleted.',
  disabled_client: 'The OAuth client was disabled.',
};
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Google's clients use this audience in their assertions for any host. */
const AUDIENCE = 'https://oauth2.googleapis.com/token';
const ASSERTION_TTL_SECONDS = 3_600;

function note(sim: Sim, grant: Grant): void {
  sim.ledger.refreshed(grant.email, grant.refreshesInFlight > 0);
  if (grant.state === 'revoked-by-client') sim.ledger.afterRevoke(grant.email);
}

function refresh(
  sim: Sim,
  grant: Grant,
  client: string,
  { whole, rotate }: { whole: boolean; rotate: boolean },
): Reply {
  if (!sim.grants.isLive(grant)) {
    if (whole) grant.refusedAtMs = sim.clock.nowMs();
    return oauthError(400, 'invalid_grant', REFUSALS[grant.refusal]);
  }
  const { refreshTokenTtlMs } = sim.grants.rules;
  const leftMs = grant.consentedAtMs + refreshTokenTtlMs - sim.clock.nowMs();
  grant.client ??= client;
  const current = rotate ? sim.grants.rotate(grant) : grant;
  return minted(sim, current, client, {
    scope: grant.scopes.join(' '),
    ...idToken(sim, grant, client),
    ...(rotate ? { refresh_token: current.refreshToken } : {}),
    ...(refreshTokenTtlMs > 0 ? { refresh_token_expires_in: Math.floor(leftMs / 1_000) } : {}),
  });
}

/**
 * The JWT bearer grant. A `sub` requests a user's mailbox, which the domain's administrator must
 * have allowed with these scopes.
 */
function assert(sim: Sim, assertion: string): Reply {
  const claims = sim.serviceAccount.key.claimsOf(assertion);
  if (claims === null || claims['iss'] !== sim.serviceAccount.email)
    return oauthError(400, 'invalid_grant', { error_description: 'Invalid JWT Signature.' });
  const [from, to] = [Number(claims['iat']), Number(claims['exp'])];
  if (claims['aud'] !== AUDIENCE || !(to > from && to - from <= ASSERTION_TTL_SECONDS)) {
    return oauthError(400, 'invalid_grant', {
      error_description:
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
    });
  }
  const scopes = textOf(claims['scope'])
    .split(' ')
    .filter((scope) => scope !== '')
    .map(fullScope);
  const { sub } = claims;
  if (sub === undefined || sub === sim.serviceAccount.email)
    return minted(
      sim,
      sim.grants.assertion(sim.serviceAccount.email, scopes),
      sim.serviceAccount.email,
      {},
    );
  const account = sim.world.get(textOf(sub));
  if (account === null)
    return oauthError(400, 'invalid_grant', { error_description: 'Invalid email or User ID' });
  if (scopes.length === 0 || scopes.some((scope) => !sim.grants.rules.scopes.includes(scope))) {
    return oauthError(401, 'unauthorized_client', { error_description: UNAUTHORIZED });
  }
  return minted(sim, sim.grants.assertion(account.key, scopes), sim.serviceAccount.email, {});
}

export const UNAUTHORIZED =
  'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.';

function minted(sim: Sim, grant: Grant, client: string, more: Record<string, unknown>): Reply {
  return jsonReply(
    {
      access_token: sim.grants.mint(grant, client),
      expires_in: Math.floor(sim.grants.rules.accessTokenTtlMs / 1_000),
      ...more,
      token_type: 'Bearer',
    },
    PLAIN,
  );
}

function refusalOf(sim: Sim, form: URLSearchParams): Reply | null {
  const refusedClient = sim.clients.refusalOf(
    form.get('client_id') ?? '',
    form.get('client_secret') ?? '',
  );
  if (refusedClient !== null) sim.ledger.clientRefusals += 1;
  if (refusedClient !== null)
    return oauthError(401, refusedClient, { error_description: CLIENT_REFUSALS[refusedClient] });
  if ((form.get('client_id') ?? '') === '' || (form.get('client_secret') ?? '') === '')
    return oauthError(401, 'invalid_client', {
      error_description: 'The OAuth client was not found.',
    });
  const grantType = form.get('grant_type');
  if (grantType !== 'refresh_token')
    return oauthError(400, 'unsupported_grant_type', {
      error_description: `Invalid grant_type: ${grantType ?? ''}`,
    });
  return form.has('refresh_token')
    ? null
    : oauthError(400, 'invalid_request', {
        error_description: 'Missing required parameter: refresh_token',
      });
}
