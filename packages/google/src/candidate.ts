/**
 * A refresh token that is not stored yet. It is used to find its owner and a sample of its mailbox.
 * Its access token and owner are not cached, so that they cannot be mistaken for those of a stored
 * account.
 */
import { classifyToken } from './classify.js';
import { GoogleError } from './errors.js';
import { askTokenInfo } from './owner.js';
import { exchangeRefreshToken, readRefreshed, REFRESH, type Refreshed } from './refresh-token.js';
import type { TokenEndpoint } from './refresh-token.js';
import type { Tokens } from './tokens.js';
import type { Transport } from './transport.js';

export interface CandidateTokens extends Pick<Tokens, 'access' | 'forget' | 'owner'> {
  /** The refresh token to store. Google may have replaced the original one. */
  refreshToken(): string;
}

/** Tokens of one grant. They are requested once; `access` throws Google's error. */
export function candidateTokens(
  transport: Transport,
  endpoint: TokenEndpoint,
  given: string,
  nowMs: () => number,
): CandidateTokens {
  let refreshToken = given;
  let refreshed: Promise<Refreshed> | null = null;
  const refresh = async (): Promise<Refreshed> => {
    const answer = await exchangeRefreshToken(transport, endpoint, refreshToken);
    if (answer.status !== 200)
      throw new GoogleError(REFRESH, classifyToken(answer.status, answer.body.toString('utf8')));
    const grant = readRefreshed(answer, endpoint.clientId, nowMs());
    refreshToken = grant.refreshToken ?? refreshToken;
    return grant;
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
    refreshToken: () => refreshToken,
  };
}
