/**
 * Grants: refresh tokens, which depend only on the seed and the address, and the access tokens made
 * from them.
 */
import type { SimClock } from './clock.js';
import { Approvals } from './consent/approvals.js';
import type { Prng } from './prng.js';

/** The scopes that a mirror requests by default. */
export const DEFAULT_SCOPES: readonly string[] = [
  'openid',
  'userinfo.email',
  'gmail.readonly',
  'calendar.readonly',
];

/**
 * The texts with which the token endpoint refuses a dead grant. For the client all of them mean
 * that a new consent is needed.
 */
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

/**
 * The consent of one user. A new consent after a revocation is a new grant with a new refresh
 * token.
 */
export interface Grant {
  /** The account's key in the world (its first address). */
  readonly email: string;
  readonly refreshToken: string;
  /** Full names. They may change while the grant is valid, because users can deselect scopes. */
  scopes: readonly string[];
  readonly consentedAtMs: number;
  /**
   * `revoked-by-client` came through /revoke. `revoked-by-user` came from elsewhere; the client
   * learns of it by invalid_grant.
   */
  state: 'live' | 'revoked-by-user' | 'revoked-by-client';
  refusal: Refusal;
  /** When a refresh last got invalid_grant. Calls soon after it count as the client's mistake. */
  refusedAtMs: number | null;
  refreshesInFlight: number;
  /** The OAuth client to which it was issued, or which refreshed it first; null before. */
  client: string | null;
  /** Whether only `client` may refresh it: it comes from a code and not from a control call. */
  readonly isBound: boolean;
  /** Lifetime of the refresh token, 0 for unlimited; null for that of the rules. */
  readonly lifetimeMs: number | null;
}

/**
 * `client` is the OAuth client that refreshed the token; its calls count against that client's
 * project.
 */
export interface AccessToken {
  readonly grant: Grant;
  readonly client: string;
  readonly expiresAtMs: number;
}

export interface GrantRules {
  accessTokenTtlMs: number;
  /** The beginning of all tokens; null for Google's `1//` and `ya29.`. */
  tokenStart: string | null;
  /** Lifetime of refresh tokens; 0 for unlimited. An external app in testing has 7 days. */
  refreshTokenTtlMs: number;
  scopes: readonly string[];
  /** False, as at Google: all grants of one person to one client are one grant and end together. */
  separateGrants: boolean;
}

/**
 * Shorter than an hour, after which a client may try again, because a suspended account becomes
 * active with the same grant.
 */
const REFUSED_FOR_MS = 55 * 60_000;
/** The number of access tokens that are stored; older ones are answered like unknown ones. */
const ACCESS_TOKENS_KEPT = 200_000;
/**
 * Google allows this many valid refresh tokens of an account per client. The next consent silently
 * invalidates the oldest.
 */
const LIVE_GRANTS_PER_ACCOUNT = 100;

export class Grants {
  private readonly byRefreshToken = new Map<string, Grant>();
  private readonly byAccount = new Map<string, Grant[]>();
  private readonly accessTokens = new Map<string, AccessToken>();
  private readonly suspended = new Set<string>();
  /** What people have approved at the authorization endpoint. */
  readonly approvals = new Approvals();

  constructor(
    private readonly seed: number,
    private readonly clock: SimClock,
    private readonly prng: Prng,
    readonly rules: GrantRules,
  ) {}

  /** Records a new consent of the account. Its earlier refresh token, if any, keeps its state. */
  consent(email: string, scopes: readonly string[] = this.rules.scopes): Grant {
    return this.record(this.fresh(email, this.nextRefreshToken(email), scopes));
  }

  /** Issues what an exchanged code stands for; only this client may refresh it. */
  issue(
    email: string,
    client: string,
    scopes: readonly string[],
    { withRefreshToken, lifetimeMs }: { withRefreshToken: boolean; lifetimeMs: number | null },
  ): Grant {
    const refreshToken = withRefreshToken ? this.nextRefreshToken(email) : '';
    const bound = { client, lifetimeMs, isBound: true };
    return this.record({ ...this.fresh(email, refreshToken, scopes), ...bound });
  }

  private nextRefreshToken(email: string): string {
    const earlier = this.byAccount.get(email)?.length ?? 0;
    const suffix = earlier === 0 ? '' : `-${earlier + 1}`;
    return `${this.rules.tokenStart ?? '1//'}sim-${Buffer.from(`${this.seed}:${email}`).toString('hex')}${suffix}`;
  }

  private record(grant: Grant): Grant {
    const all = [...(this.byAccount.get(grant.email) ?? []), grant];
    this.byAccount.set(grant.email, all);
    if (grant.refreshToken === '') return grant;
    this.byRefreshToken.set(grant.refreshToken, grant);
    const live = all.filter(
      ({ state, refreshToken, client }) =>
        state === 'live' && refreshToken !== '' && sharesClient(client, grant.client),
    );
    if (live.length > LIVE_GRANTS_PER_ACCOUNT) (live[0] as Grant).state = 'revoked-by-user';
    return grant;
  }

  /** Ends every grant of the person; refreshes get this refusal. */
  endAll(email: string, refusal: Refusal): void {
    this.approvals.end(email, null);
    for (const grant of this.byAccount.get(email) ?? [])
      Object.assign(grant, { state: 'revoked-by-user', refusal });
  }

  /**
   * Suspends or restores the account, as an administrator does. While it is suspended its grants
   * are refused with the text of a withdrawn consent; afterwards they are valid again.
   */
  suspend(email: string, suspended: boolean): void {
    if (suspended) this.suspended.add(email);
    else this.suspended.delete(email);
    for (const grant of this.byAccount.get(email) ?? []) grant.refusedAtMs = null;
  }

  isLive(grant: Grant): boolean {
    return grant.state === 'live' && !this.isSuspended(grant.email);
  }

  isSuspended(email: string): boolean {
    return this.suspended.has(email);
  }

  /**
   * Ends everything that is one grant at Google: every valid grant of the person to the same
   * client, or with `separateGrants` only this one.
   */
  end(grant: Grant, state: 'revoked-by-user' | 'revoked-by-client', refusal?: Refusal): void {
    if (!this.rules.separateGrants) this.approvals.end(grant.email, grant.client);
    const together = this.rules.separateGrants ? [] : (this.byAccount.get(grant.email) ?? []);
    const same = together.filter(({ client }) => sharesClient(client, grant.client));
    for (const one of new Set([grant, ...same]))
      if (one.state === 'live') Object.assign(one, { state, ...(refusal ? { refusal } : {}) });
  }

  /** Replaces a valid grant's refresh token; the old one is refused from now on. */
  rotate(grant: Grant): Grant {
    const { email, client, scopes, isBound, lifetimeMs } = grant;
    const renewed = { client, isBound, lifetimeMs };
    const next = this.record({
      ...this.fresh(email, this.nextRefreshToken(email), scopes),
      ...renewed,
    });
    grant.state = 'revoked-by-user';
    return next;
  }

  /** Whether a call with this grant ignores a refusal that its client has received. */
  isKnownRefused(grant: Grant): boolean {
    return grant.refusedAtMs !== null && this.clock.nowMs() < grant.refusedAtMs + REFUSED_FOR_MS;
  }

  /**
   * Returns the grant for a service account's assertion: it has access tokens and no refresh token.
   */
  assertion(email: string, scopes: readonly string[]): Grant {
    return this.fresh(email, '', scopes);
  }

  ofRefreshToken(token: string): Grant | null {
    const grant = this.byRefreshToken.get(token) ?? null;
    if (grant?.state !== 'live') return grant;
    const lifetimeMs = this.lifetimeMsOf(grant);
    if (lifetimeMs > 0 && this.clock.nowMs() >= grant.consentedAtMs + lifetimeMs)
      grant.state = 'revoked-by-user';
    return grant;
  }

  /** Returns the lifetime of the refresh token; 0 for unlimited. */
  lifetimeMsOf({ lifetimeMs }: Grant): number {
    return lifetimeMs ?? this.rules.refreshTokenTtlMs;
  }

  /** Returns the latest consent of the account that has a refresh token. */
  ofAccount(email: string): Grant | null {
    return this.byAccount.get(email)?.findLast(({ refreshToken }) => refreshToken !== '') ?? null;
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
      isBound: false,
      lifetimeMs: null,
    };
  }

  /** Creates an access token of a valid grant. */
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

/** Whether two grants may be of the same client; null is one that is not known yet. */
function sharesClient(one: string | null, other: string | null): boolean {
  return one === null || other === null || one === other;
}
