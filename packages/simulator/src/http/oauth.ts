/** The token and revocation endpoints (oauth2.googleapis.com). Their errors have a shape of their own. */
import type { Grant } from '../grants.js';
import { GRANTED_SCOPES } from '../grants.js';
import type { Sim } from '../sim.js';
import { jsonReply, PLAIN, type Reply } from './reply.js';

/** A refresh that is under way: others of the same account that begin meanwhile overlap. */
export interface Refresh { answer(): Reply; release(): void }

/** Takes a token request as it arrives; `answer` after the latency, `release` when it is out. */
export function beginRefresh(sim: Sim, form: URLSearchParams): Refresh {
  const refusal = refusalOf(form);
  if (refusal !== null) return { answer: () => refusal, release: () => undefined };
  const grant = sim.grants.ofRefreshToken(form.get('refresh_token') ?? '');
  if (grant === null) return { answer: invalidGrant, release: () => undefined };
  note(sim, grant);
  grant.refreshesInFlight += 1;
  return { answer: () => refresh(sim, grant), release: () => { grant.refreshesInFlight -= 1; } };
}

/** `POST /revoke` with an access or a refresh token: the whole grant ends. */
export function revoke(sim: Sim, token: string | null): Reply {
  const grant = token === null ? null : sim.grants.ofRefreshToken(token) ?? sim.grants.ofAccessToken(token)?.grant ?? null;
  if (grant === null || grant.state !== 'live') return oauthError(400, 'invalid_token', 'Token expired or revoked');
  grant.state = 'revoked-by-client';
  return jsonReply({}, PLAIN);
}

function note(sim: Sim, grant: Grant): void {
  sim.ledger.refreshed(grant.email, grant.refreshesInFlight > 0);
  if (grant.refusedOnce) sim.ledger.afterInvalidGrant(grant.email);
  if (grant.state === 'revoked-by-client') sim.ledger.afterRevoke(grant.email);
}

function refresh(sim: Sim, grant: Grant): Reply {
  if (grant.state !== 'live') {
    grant.refusedOnce = true;
    return invalidGrant();
  }
  const expiresIn = Math.floor(sim.grants.accessTokenTtlMs / 1_000);
  return jsonReply({ access_token: sim.grants.mint(grant), expires_in: expiresIn, scope: GRANTED_SCOPES, token_type: 'Bearer' }, PLAIN);
}

function refusalOf(form: URLSearchParams): Reply | null {
  if ((form.get('client_id') ?? '') === '' || (form.get('client_secret') ?? '') === '') return oauthError(401, 'invalid_client', 'The OAuth client was not found.');
  const grantType = form.get('grant_type');
  if (grantType !== 'refresh_token') return oauthError(400, 'unsupported_grant_type', `Invalid grant_type: ${grantType ?? ''}`);
  return form.has('refresh_token') ? null : oauthError(400, 'invalid_request', 'Missing required parameter: refresh_token');
}

function invalidGrant(): Reply {
  return oauthError(400, 'invalid_grant', 'Token has been expired or revoked.');
}

function oauthError(status: number, error: string, description: string): Reply {
  return jsonReply({ error, error_description: description }, PLAIN, status);
}
