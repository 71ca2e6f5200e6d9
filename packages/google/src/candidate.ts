/**
 * A grant that is not stored yet. It is used to find its owner and a sample of its mailbox. Its
 * access token and owner are not cached, so that they cannot be mistaken for those of a stored
 * account.
 */
import { GoogleError } from './errors.js';
import { exchangeGrant, type UsableGrant } from './grant-exchange.js';
import { askTokenInfo } from './owner.js';
import { REFRESH, type Refreshed } from './refresh-token.js';
import type { TokenEndpoint } from './refresh-token.js';
import type { Tokens } from './tokens.js';
import type { Transport } from './transport.js';

export interface CandidateTokens extends Pick<Tokens, 'access' | 'forget' | 'owner'> {
  /**
   * The refresh token to store, null for a delegated grant. Google may have replaced the original
   * one.
   */
  refreshToken(): string | null;
}

/** Tokens of one grant. They are requested once; `access` throws Google's error. */
export function candidateTokens(
  transport: Transport,
  endpoint: TokenEndpoint,
  given: UsableGrant,
  nowMs: () => number,
): CandidateTokens {
  let grant = given;
  let refreshed: Promise<Refreshed> | null = null;
  const refresh = async (): Promise<Refreshed> => {
    const exchanged = await exchangeGrant(transport, endpoint, grant, nowMs());
    if (exchanged.kind === 'refused') throw new GoogleError(REFRESH, exchanged.detail);
    const { refreshToken } = exchanged.refreshed;
    if (grant.kind === 'stored' && refreshToken !== null) grant = { ...grant, refreshToken };
    return exchanged.refreshed;
  };
  const once = (): Promise<Refreshed> => (refreshed ??= refresh());
  return {
    access: async () => (await once()).token,
    owner: async () => {
      const { owner, token } = await once();
      return owner ?? askTokenInfo(transport, endpoint.origin, token);
    },
    // After a 401 the call is repeated once with a fresh token.
    forget: () => {
      refreshed = null;
      return Promise.resolve();
    },
    refreshToken: () => (grant.kind === 'stored' ? grant.refreshToken : null),
  };
}
