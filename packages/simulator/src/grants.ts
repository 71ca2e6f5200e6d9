/** Who may call: refresh tokens that are the same for a seed and an address, and the access tokens made from them. */
import type { SimClock } from './clock.js';
import type { Prng } from './prng.js';

/** What a mirror asks its users for. */
export const DEFAULT_SCOPES: readonly string[] = [
  'openid',
  'userinfo.email',
  'gmail.readonly',
  'calendar.readonly',
];

/** The words in which the token endpoint refuses a dead grant; to the client all of them mean that a new consent is needed. */
export const REFUSALS = {
  'expired-or-revoked': { error_description: 'Token has been expired or revoked.' },
  'bad-request': { error_description: 'Bad Request' },
  'account-deleted': { error_description: 'Account has been deleted' },
  'invalid-rapt': {
    error_description: 'reauth related error (invalid_rapt)',
    error_uri: 'https://support.google.com/a/answer/9368756',
    error_subtype: 'invalid_rapt',
  },
} as const;
export type Refusal = keyof typeof REFUSALS;

/** One user's consent. A new consent after a revocation is a new grant with a new refresh token. */
export interface Grant {
  /** The key of the person in the world (a first address). */
  readonly email: string;
  readonly refreshToken: string;
  /** Full names. Users untick scopes, so they may change while the grant lives. */
  scopes: readonly string[];
  readonly consentedAtMs: number;
  /** `revoked-by-client` came through /revoke; `revoked-by-user` from outside, which the client learns by invalid_grant. */
  state: 'live' | 'revoked-by-user' | 'revoked-by-client';
  refusal: Refusal;
  /**
   * When a refresh was last answered with invalid_grant: calls soon after it are a client's
   * mistake.
   */
  refusedAtMs: number | null;
  refreshesInFlight: number;
  /** The OAuth client that has refreshed it first; null before. */
  client: string | null;
}

/** `client` is the OAuth client that it was made for: its calls count against that client's project. */
export interface AccessToken {
  readonly grant: Grant;
  readonly client: string;
  readonly expiresAtMs: number;
}

export interface GrantRules {
  accessTokenTtlMs: number;
  /** What tokens begin with; null is Google's `1//` and `ya29.`. */
  tokenStart: string | null;
  /** Life of refresh tokens; 0 is for ever. An external app in testing has 7 days. */
  refreshTokenTtlMs: number;
  scopes: readonly string[];
  /** False is Google: all grants of one person to one client are one, and end together. */
  separateGrants: boolean;
}

/** A client may ask an hour after a refusal: a suspended account comes back with the same grant. */
const REFUSED_FOR_MS = 55 * 60_000;
/** Old access tokens are forgotten beyond this, and answered like unknown ones. */
const ACCESS_TOKENS_KEPT = 200_000;
/** Google lets a client have that many live refresh tokens of an account; the next consent kills the oldest without a word. */
const LIVE_GRANTS_PER_ACCOUNT = 100;

export class Grants {
  private readonly byRefreshToken = new Map<string, Grant>();
  private readonly byAccount = new Map<string, Grant[]>();
  private readonly accessTokens = new Map<string, AccessToken>();
  private readonly suspended = new Set<string>();

  constructor(
    private readonly seed: number,
    private readonly clock: SimClock,
    private readonly prng: Prng,
    readonly rules: GrantRules,
  ) {}

  /** A new consent of that account; the older refresh token, if any, keeps its state. */
  consent(email: string, scopes: readonly string[] = this.rules.scopes): Grant {
    const earlier = this.byAccount.get(email) ?? [];
    const suffix = earlier.length === 0 ? '' : `-${earlier.length + 1}`;
    const grant = this.fresh(
      email,
      `${this.rules.tokenStart ?? '1//'}sim-${Buffer.from(`${this.seed}:${email}`).toString('hex')}${suffix}`,
      scopes,
    );
    this.byRefreshToken.set(grant.refreshToken, grant);
    this.byAccount.set(email, [...earlier, grant]);
    const live = [...earlier, grant].filter((one) => one.state === 'live');
    if (live.length > LIVE_GRANTS_PER_ACCOUNT) (live[0] as Grant).state = 'revoked-by-user';
    return grant;
  }

  /** Ends every grant of the person, in these words. */
  endAll(email: string, refusal: Refusal): void {
    for (const grant of this.byAccount.get(email) ?? [])
      Object.assign(grant, { state: 'revoked-by-user', refusal });
  }

  /**
   * An administrator suspends the account or restores it: meanwhile its grants are refused, in the
   * words of a withdrawn consent, and they live again afterwards.
   */
  suspend(email: string, suspended: boolean): void {
    if (suspended) this.suspended.add(email);
    else this.suspended.delete(email);
    for (const grant of this.byAccount.get(email) ?? []) grant.refusedAtMs = null;
  }

  isLive(grant: Grant): boolean {
    return grant.state === 'live' && !this.suspended.has(grant.email);
  }

  /**
   * Ends what is one grant at Google: every live grant of the person to the same client, or with
   * `separateGrants` this one alone.
   */
  end(grant: Grant, state: 'revoked-by-user' | 'revoked-by-client', refusal?: Refusal): void {
    const together = this.rules.separateGrants ? [] : (this.byAccount.get(grant.email) ?? []);
    const same = together.filter(
      ({ client }) => client === null || grant.client === null || client === grant.client,
    );
    for (const one of new Set([grant, ...same]))
      if (one.state === 'live') Object.assign(one, { state, ...(refusal ? { refusal } : {}) });
  }

  /** Replaces a live grant's refresh token; the old one is refused from now on. */
  rotate(grant: Grant): Grant {
    const next = this.consent(grant.email, grant.scopes);
    next.client = grant.client;
    grant.state = 'revoked-by-user';
    return next;
  }

  /** Whether a call of this grant disregards a refusal that its client has read. */
  isKnownRefused(grant: Grant): boolean {
    return grant.refusedAtMs !== null && this.clock.nowMs() < grant.refusedAtMs + REFUSED_FOR_MS;
  }

  /** What a service account gets for its assertion: an access token's grant without any refresh token. */
  assertion(email: string, scopes: readonly string[]): Grant {
    return this.fresh(email, '', scopes);
  }

  ofRefreshToken(token: string): Grant | null {
    const grant = this.byRefreshToken.get(token) ?? null;
    const { refreshTokenTtlMs } = this.rules;
    if (
      grant?.state === 'live' &&
      refreshTokenTtlMs > 0 &&
      this.clock.nowMs() >= grant.consentedAtMs + refreshTokenTtlMs
    )
      grant.state = 'revoked-by-user';
    return grant;
  }

  /** The newest consent of that account. */
  ofAccount(email: string): Grant | null {
    return this.byAccount.get(email)?.at(-1) ?? null;
  }
  ofAccessToken(token: string): AccessToken | null {
    return this.accessTokens.get(token) ?? null;
  }

  private fresh(email: string, refreshToken: string, scopes: readonly string[]): Grant {
    return {
      email,
      refreshToken,
      scopes,
      consentedAtMs: this.clock.nowMs(),
      state: 'live',
      refusal: 'expired-or-revoked',
      refusedAtMs: null,
      refreshesInFlight: 0,
      client: null,
    };
  }

  /** A fresh access token of a live grant. */
  mint(grant: Grant, client: string): string {
    const token = `${this.rules.tokenStart ?? 'ya29.'}sim-${this.prng.hex(48)}`;
    this.accessTokens.set(token, {
      grant,
      client,
      expiresAtMs: this.clock.nowMs() + this.rules.accessTokenTtlMs,
    });
    if (this.accessTokens.size > ACCESS_TOKENS_KEPT) {
      const oldest = this.accessTokens.keys().next();
      if (oldest.done !== true) this.accessTokens.delete(oldest.value);
    }
    return token;
  }
}
