/** Who may call: refresh tokens that are the same for a seed and an address, and the access tokens made from them. */
import type { SimClock } from './clock.js';
import type { Prng } from './prng.js';

export const GRANTED_SCOPES = [
  'openid', 'https://www.googleapis.com/auth/userinfo.email', 'https://www.googleapis.com/auth/gmail.readonly',
  'https://www.googleapis.com/auth/calendar.readonly',
].join(' ');

/** One user's consent. A new consent after a revocation is a new grant with a new refresh token. */
export interface Grant {
  readonly email: string;
  readonly refreshToken: string;
  /** `revoked-by-client` came through /revoke; `revoked-by-user` from outside, which the client learns by invalid_grant. */
  state: 'live' | 'revoked-by-user' | 'revoked-by-client';
  /** True once a refresh was answered with invalid_grant: calls after it are a client's mistake. */
  refusedOnce: boolean;
  refreshesInFlight: number;
}

export interface AccessToken { readonly grant: Grant; readonly expiresAtMs: number }

/** Old access tokens are forgotten beyond this, and answered like unknown ones. */
const ACCESS_TOKENS_KEPT = 200_000;

export class Grants {
  private readonly byRefreshToken = new Map<string, Grant>();
  private readonly newest = new Map<string, Grant>();
  private readonly accessTokens = new Map<string, AccessToken>();
  private readonly generations = new Map<string, number>();

  constructor(private readonly seed: number, private readonly clock: SimClock, private readonly prng: Prng, public accessTokenTtlMs: number) {}

  /** A new consent of that account; the older refresh token, if any, keeps its state. */
  consent(email: string): Grant {
    const generation = (this.generations.get(email) ?? 0) + 1;
    this.generations.set(email, generation);
    const suffix = generation === 1 ? '' : `-${generation}`;
    const refreshToken = `1//sim-${Buffer.from(`${this.seed}:${email}`).toString('hex')}${suffix}`;
    const grant: Grant = { email, refreshToken, state: 'live', refusedOnce: false, refreshesInFlight: 0 };
    this.byRefreshToken.set(refreshToken, grant);
    this.newest.set(email, grant);
    return grant;
  }

  ofRefreshToken(token: string): Grant | null { return this.byRefreshToken.get(token) ?? null; }
  /** The newest consent of that account. */
  ofAccount(email: string): Grant | null { return this.newest.get(email) ?? null; }
  ofAccessToken(token: string): AccessToken | null { return this.accessTokens.get(token) ?? null; }

  /** A fresh access token of a live grant. */
  mint(grant: Grant): string {
    const token = `ya29.sim-${this.prng.hex(48)}`;
    this.accessTokens.set(token, { grant, expiresAtMs: this.clock.nowMs() + this.accessTokenTtlMs });
    if (this.accessTokens.size > ACCESS_TOKENS_KEPT) {
      const oldest = this.accessTokens.keys().next();
      if (oldest.done !== true) this.accessTokens.delete(oldest.value);
    }
    return token;
  }
}
