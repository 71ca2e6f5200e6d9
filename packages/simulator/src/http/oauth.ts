/**
 * The token, revocation and token information endpoints (oauth2.googleapis.com), whose errors have
 * their own format. They accept codes, refresh tokens and assertions: a service account's own
 * (Pub/Sub), or for a user (domain-wide delegation).
 */
import type { ClientRefusal } from '../clients.js';
import { REFUSALS, type Grant } from '../grants.js';
import { canonicalScope } from '../consent/scopes.js';
import type { Sim } from '../sim.js';
import { textOf } from './posted.js';
import { exchangeCode } from './exchange.js';
import { idToken, identityOf } from './id-token.js';
import { oauthError } from './oauth-errors.js';
import { jsonReply, PLAIN, type Reply } from './reply.js';

/** A token request in flight; refreshes of the same account that begin meanwhile overlap. */
export interface Refresh {
  answer(whole: boolean, rotate: boolean): Reply | Promise<Reply>;
  release(): void;
}

/**
 * Admits a token request when it arrives; `answer` must be called after the latency, `release` when
 * it has been sent. After a damaged or missing answer the client has learned nothing, so its
 * repetition is not counted as a mistake.
 */
export function beginRefresh(
  sim: Sim,
  form: URLSearchParams,
  { id, secret }: ClientCredentials,
): Refresh {
  if (form.get('grant_type') === JWT_BEARER)
    return { answer: () => assert(sim, form.get('assertion') ?? ''), release: () => undefined };
  const refusal = clientRefusalOf(sim, id, secret) ?? refusalOf(form);
  if (refusal !== null) return { answer: () => refusal, release: () => undefined };
  if (form.get('grant_type') === AUTHORIZATION_CODE)
    return { answer: () => exchangeCode(sim, form, id), release: () => undefined };
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
      return refresh(sim, grant, id, { whole, rotate });
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
      ...identityAsTexts(sim, grant),
      scope: grant.scopes.join(' '),
      exp: String(Math.floor(expiresAtMs / 1_000)),
      expires_in: String(Math.floor((expiresAtMs - sim.clock.nowMs()) / 1_000)),
      access_type: 'offline',
    },
    PLAIN,
  );
}

/** This endpoint returns booleans as texts. */
function identityAsTexts(sim: Sim, grant: Grant): Record<string, string> {
  const { sub, email, email_verified } = identityOf(sim, grant);
  return Object.fromEntries(
    Object.entries({ sub, email, email_verified })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)]),
  );
}

/** A client names itself in the form (client_secret_post) or by HTTP Basic (client_secret_basic). */
export interface ClientCredentials {
  id: string;
  secret: string;
}

/** RFC 6749 2.3.1: both parts of the Basic credentials are form-encoded. */
export function clientCredentials(
  form: URLSearchParams,
  authorization: string | undefined,
): ClientCredentials {
  const basic = /^Basic (.+)$/i.exec(authorization ?? '')?.[1];
  if (basic === undefined)
    return { id: form.get('client_id') ?? '', secret: form.get('client_secret') ?? '' };
  const [id = '', secret = ''] = Buffer.from(basic, 'base64').toString().split(':');
  return { id: formDecoded(id), secret: formDecoded(secret) };
}

function formDecoded(text: string): string {
  return new URLSearchParams(`value=${text}`).get('value') ?? '';
}

const CLIENT_REFUSALS: Record<ClientRefusal, string> = {
  invalid_client: 'Unauthorized',
  deleted_client: 'The OAuth client was deleted.',
  disabled_client: 'The OAuth client was disabled.',
};
const AUTHORIZATION_CODE = 'authorization_code';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Google's clients use this audience in their assertions for any host. */
const AUDIENCE = 'https://oauth2.googleapis.com/token';
const ASSERTION_TTL_SECONDS = 3_600;

function note(sim: Sim, grant: Grant): void {
  sim.ledger.refreshed(grant.email, grant.refreshesInFlight > 0);
  if (grant.state === 'revoked-by-client') sim.ledger.afterRevoke(grant.email);
}

async function refresh(
  sim: Sim,
  grant: Grant,
  client: string,
  { whole, rotate }: { whole: boolean; rotate: boolean },
): Promise<Reply> {
  if (grant.isBound && grant.client !== client)
    return oauthError(401, 'unauthorized_client', { error_description: 'Unauthorized' });
  if (!sim.grants.isLive(grant)) {
    if (whole) grant.refusedAtMs = sim.clock.nowMs();
    return oauthError(400, 'invalid_grant', REFUSALS[grant.refusal]);
  }
  const lifetimeMs = sim.grants.lifetimeMsOf(grant);
  const leftMs = grant.consentedAtMs + lifetimeMs - sim.clock.nowMs();
  grant.client ??= client;
  const current = rotate ? sim.grants.rotate(grant) : grant;
  const accessToken = sim.grants.mint(current, client);
  return tokenReply(sim, accessToken, {
    scope: grant.scopes.join(' '),
    ...(await idToken(sim, { grant, client, accessToken, nonce: null, faults: {} })),
    ...(rotate ? { refresh_token: current.refreshToken } : {}),
    ...(lifetimeMs > 0 ? { refresh_token_expires_in: Math.floor(leftMs / 1_000) } : {}),
  });
}

/**
 * The JWT bearer grant. A `sub` requests a user's mailbox, which the domain's administrator must
 * have allowed with these scopes. A suspended user is refused like an unknown one.
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
    .map(canonicalScope);
  const { sub } = claims;
  if (sub === undefined || sub === sim.serviceAccount.email)
    return minted(sim, sim.grants.assertion(sim.serviceAccount.email, scopes));
  const account = sim.world.get(textOf(sub));
  if (account === null || sim.grants.isSuspended(account.key))
    return oauthError(400, 'invalid_grant', { error_description: 'Invalid email or User ID' });
  if (!sim.serviceAccount.allows(scopes))
    return oauthError(401, 'unauthorized_client', { error_description: UNAUTHORIZED });
  return minted(sim, sim.grants.assertion(account.key, scopes));
}

export const UNAUTHORIZED =
  'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.';

function minted(sim: Sim, grant: Grant): Reply {
  return tokenReply(sim, sim.grants.mint(grant, sim.serviceAccount.email), {});
}

function tokenReply(sim: Sim, accessToken: string, more: Record<string, unknown>): Reply {
  return jsonReply(
    {
      access_token: accessToken,
      expires_in: Math.floor(sim.grants.rules.accessTokenTtlMs / 1_000),
      ...more,
      token_type: 'Bearer',
    },
    PLAIN,
  );
}

function clientRefusalOf(sim: Sim, id: string, secret: string): Reply | null {
  const refusal = sim.clients.refusalOf(id, secret);
  if (refusal !== null) {
    sim.ledger.clientRefusals += 1;
    return oauthError(401, refusal, { error_description: CLIENT_REFUSALS[refusal] });
  }
  return id === '' || secret === ''
    ? oauthError(401, 'invalid_client', { error_description: 'The OAuth client was not found.' })
    : null;
}

function refusalOf(form: URLSearchParams): Reply | null {
  const grantType = form.get('grant_type');
  if (grantType === AUTHORIZATION_CODE) return null;
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
