/** One access token for a grant, by its refresh token or by an assertion. Nothing is cached here. */
import { exchangeAssertion } from './assertion.js';
import { classifyToken } from './classify.js';
import {
  anotherPerson,
  classifyDelegated,
  delegatedScopes,
  type DelegatedGrant,
} from './delegation.js';
import { type GoogleErrorKind, unavailable } from './errors.js';
import { askTokenInfo } from './owner.js';
import {
  exchangeRefreshToken,
  readRefreshed,
  REFRESH,
  type Refreshed,
  type TokenEndpoint,
} from './refresh-token.js';
import type { Transport } from './transport.js';

/** A grant with which Google can be asked for an access token. */
export type UsableGrant = { kind: 'stored'; refreshToken: string } | DelegatedGrant;

export type Exchanged =
  { kind: 'refreshed'; refreshed: Refreshed } | { kind: 'refused'; detail: GoogleErrorKind };

/** @throws GoogleError `unavailable` when no complete answer arrived */
export function exchangeGrant(
  transport: Transport,
  endpoint: TokenEndpoint,
  grant: UsableGrant,
  nowMs: number,
): Promise<Exchanged> {
  return grant.kind === 'stored'
    ? byRefreshToken(transport, endpoint, grant.refreshToken, nowMs)
    : byAssertion(transport, endpoint, grant, nowMs);
}

async function byRefreshToken(
  transport: Transport,
  endpoint: TokenEndpoint,
  refreshToken: string,
  nowMs: number,
): Promise<Exchanged> {
  const answer = await exchangeRefreshToken(transport, endpoint, refreshToken);
  return answer.status === 200
    ? { kind: 'refreshed', refreshed: readRefreshed(answer, endpoint.clientId, nowMs) }
    : { kind: 'refused', detail: classifyToken(answer.status, answer.body.toString('utf8')) };
}

/**
 * An assertion names an address, which may be given to another person at any time. So each token
 * is used only after Google has said that it belongs to the person of the account's rows.
 */
async function byAssertion(
  transport: Transport,
  { origin, clientId }: TokenEndpoint,
  grant: DelegatedGrant,
  nowMs: number,
): Promise<Exchanged> {
  const { key, subject } = grant;
  const scopes = delegatedScopes(grant.scopes);
  const answer = await exchangeAssertion(transport, { origin, key, scopes, subject, nowMs });
  if (answer.status !== 200) {
    const detail = classifyDelegated(answer.status, answer.body.toString('utf8'), grant);
    return { kind: 'refused', detail };
  }
  const refreshed = readRefreshed(answer, clientId, nowMs);
  const owner = await askTokenInfo(transport, origin, refreshed.token);
  if (owner.sub === null) throw unavailable(REFRESH);
  return grant.sub !== null && owner.sub !== grant.sub
    ? { kind: 'refused', detail: anotherPerson() }
    : { kind: 'refreshed', refreshed: { ...refreshed, owner } };
}
