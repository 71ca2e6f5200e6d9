/** The exchange of an authorization code at the token endpoint (RFC 6749 4.1.3, RFC 7636 4.6). */
import { createHash } from 'node:crypto';
import type { Challenge } from '../consent/request.js';
import type { Consented } from '../consent/codes.js';
import type { Sim } from '../sim.js';
import { idToken } from './id-token.js';
import { oauthError } from './oauth-errors.js';
import { jsonReply, PLAIN, type Reply } from './reply.js';

/**
 * Exchanges a code. The code is used up by any attempt of a known client, also by a refused one and
 * by one whose answer is lost.
 */
export async function exchangeCode(
  sim: Sim,
  form: URLSearchParams,
  client: string,
): Promise<Reply> {
  const code = form.get('code') ?? '';
  if (code === '')
    return oauthError(400, 'invalid_request', {
      error_description: 'Missing required parameter: code',
    });
  if (!code.startsWith('4/'))
    return oauthError(400, 'invalid_grant', { error_description: 'Malformed auth code.' });
  const consented = sim.codes.redeem(code);
  if (consented === null || consented.client !== client || !isStillApproved(sim, consented))
    return oauthError(400, 'invalid_grant', { error_description: 'Bad Request' });
  return mistakeOf(consented, form) ?? (await tokens(sim, consented));
}

/** A revocation between the consent and the exchange ends the code too. */
function isStillApproved(sim: Sim, { person, client, scopes }: Consented): boolean {
  const approval = sim.grants.approvals.of(person, client);
  return !sim.grants.isSuspended(person) && scopes.every((scope) => approval.scopes.has(scope));
}

function mistakeOf({ redirectUri, challenge }: Consented, form: URLSearchParams): Reply | null {
  if (form.get('redirect_uri') !== redirectUri)
    return oauthError(400, 'redirect_uri_mismatch', { error_description: 'Bad Request' });
  const verifier = form.get('code_verifier');
  if (challenge === null) return null;
  if (verifier === null)
    return oauthError(400, 'invalid_grant', { error_description: 'Missing code verifier.' });
  return isVerified(challenge, verifier)
    ? null
    : oauthError(400, 'invalid_grant', { error_description: 'Invalid code verifier.' });
}

function isVerified({ method, value }: Challenge, verifier: string): boolean {
  return method === 'plain'
    ? verifier === value
    : createHash('sha256').update(verifier).digest('base64url') === value;
}

async function tokens(sim: Sim, consented: Consented): Promise<Reply> {
  const { person, client, scopes, nonce, lifetimeMs, tokenFaults: faults } = consented;
  const withRefreshToken = consented.withRefreshToken && faults.refreshToken !== false;
  const grant = sim.grants.issue(person, client, scopes, { withRefreshToken, lifetimeMs });
  const accessToken = sim.grants.mint(grant, client);
  const refreshTtlMs = sim.grants.lifetimeMsOf(grant);
  return jsonReply(
    {
      access_token: accessToken,
      expires_in: Math.floor(sim.grants.rules.accessTokenTtlMs / 1_000),
      ...(withRefreshToken ? { refresh_token: grant.refreshToken } : {}),
      scope: scopes.join(' '),
      token_type: 'Bearer',
      ...(await idToken(sim, { grant, client, accessToken, nonce, faults })),
      ...(withRefreshToken && refreshTtlMs > 0
        ? { refresh_token_expires_in: Math.floor(refreshTtlMs / 1_000) }
        : {}),
    },
    PLAIN,
  );
}
