/** OpenID Connect: the discovery document and the user information endpoint. */
import { ISSUER } from '../consent/authorize.js';
import type { Sim } from '../sim.js';
import { unauthenticated } from './errors.js';
import { identityOf } from './id-token.js';
import { oauthError } from './oauth-errors.js';
import { jsonReply, PLAIN, type Reply } from './reply.js';

const DISCOVERY_PATH = '/.well-known/openid-configuration';
/** On openidconnect.googleapis.com and on www.googleapis.com. */
const USERINFO_PATHS: readonly string[] = ['/v1/userinfo', '/oauth2/v3/userinfo', '/userinfo'];

/** Returns null for other paths. */
export function serveOpenId(
  sim: Sim,
  path: string,
  { origin, accessToken }: { origin: string; accessToken: string | null },
): Reply | null {
  if (path === DISCOVERY_PATH) return jsonReply(discovery(origin), PLAIN);
  return USERINFO_PATHS.includes(path) ? userInfo(sim, accessToken) : null;
}

/**
 * Google's document with its endpoints at this origin. The issuer stays Google's, as in the
 * identity tokens, so a client discovers with the full address of this document. Google sends `iss`
 * with its redirects without declaring it here.
 */
function discovery(origin: string): Record<string, unknown> {
  return {
    issuer: ISSUER,
    authorization_endpoint: `${origin}/o/oauth2/v2/auth`,
    token_endpoint: `${origin}/token`,
    userinfo_endpoint: `${origin}/v1/userinfo`,
    revocation_endpoint: `${origin}/revoke`,
    jwks_uri: `${origin}/oauth2/v3/certs`,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'email', 'profile'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    claims_supported: ['aud', 'email', 'email_verified', 'exp', 'iat', 'iss', 'name', 'sub'],
    code_challenge_methods_supported: ['plain', 'S256'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
    ],
  };
}

function userInfo(sim: Sim, accessToken: string | null): Reply {
  const known = accessToken === null ? null : sim.grants.ofAccessToken(accessToken);
  if (known === null || !sim.grants.isLive(known.grant) || known.expiresAtMs <= sim.clock.nowMs())
    return unauthenticated();
  const identity = identityOf(sim, known.grant);
  return identity.sub === undefined
    ? oauthError(403, 'insufficient_scope', { error_description: 'openid is required' })
    : jsonReply(identity, PLAIN);
}
