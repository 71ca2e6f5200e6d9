/** Authorization codes: each is valid once and for ten minutes. */
import type { SimClock } from '../clock.js';
import type { Prng } from '../prng.js';
import type { Challenge } from './request.js';

/** What a code stands for. */
export interface Consented {
  /** The account's key. */
  readonly person: string;
  readonly client: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly nonce: string | null;
  readonly challenge: Challenge | null;
  readonly withRefreshToken: boolean;
  /** Lifetime of the refresh token; null for the simulator's default. */
  readonly lifetimeMs: number | null;
  readonly tokenFaults: TokenFaults;
}

/** How the answer to the exchange of this code deviates, for tests of clients. */
export interface TokenFaults {
  /** `idToken: false` leaves the identity token out. */
  readonly idToken?: boolean;
  /** `refreshToken: false` leaves the refresh token out. */
  readonly refreshToken?: boolean;
  /** Replaces claims of the identity token; null removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Names a key that the certificates do not have. */
  readonly kid?: string;
}

const CODE_TTL_MS = 600_000;
const CODES_KEPT = 10_000;

export class Codes {
  private readonly issued = new Map<string, { consented: Consented; expiresAtMs: number }>();

  constructor(
    private readonly clock: SimClock,
    private readonly prng: Prng,
  ) {}

  issue(consented: Consented): string {
    const code = `4/0A${this.prng.hex(64)}`;
    this.issued.set(code, { consented, expiresAtMs: this.clock.nowMs() + CODE_TTL_MS });
    if (this.issued.size > CODES_KEPT) {
      const oldest = this.issued.keys().next();
      if (oldest.done !== true) this.issued.delete(oldest.value);
    }
    return code;
  }

  /** Returns the account's key of a code that is still to be redeemed, or null. */
  personOf(code: string): string | null {
    return this.issued.get(code)?.consented.person ?? null;
  }

  /** Uses the code up. Returns null for one that is unknown, used or expired. */
  redeem(code: string): Consented | null {
    const known = this.issued.get(code);
    this.issued.delete(code);
    return known !== undefined && this.clock.nowMs() < known.expiresAtMs ? known.consented : null;
  }
}
