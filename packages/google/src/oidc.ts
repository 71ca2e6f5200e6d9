/**
 * Verifies who posts to `/push/gmail`. Pub/Sub signs every push with an identity token of a service
 * account ("Authenticate push subscriptions"). A token is valid when Google signed it (RS256) for
 * our audience and for the service account that the operator configured, and it has not expired.
 * The checks that need no key are made first, so that a forged token costs no request and little
 * CPU.
 */
import { type GoogleProxy, type Runtime, RepeatLimit } from '@syncline/runtime';
import {
  type JWTPayload,
  type JWTVerifyGetKey,
  type ProtectedHeaderParameters,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
} from 'jose';
import { openCertificates } from './certificates.js';
import { GoogleError, unavailable } from './errors.js';
import { originsFor } from './origins.js';
import { openTransport } from './transport.js';

export interface PushVerifierOptions {
  /** One origin that replaces Google's; null for Google. */
  apiUrl: string | null;
  /** The proxy to Google; null, the default, for a direct connection. */
  proxy?: GoogleProxy | null;
  audience: string;
  serviceAccount: string;
}

/** `keys-unavailable`: Google's keys are not available now, so the push must be delivered again. */
export type PushRefusal =
  | 'no-token'
  | 'malformed-token'
  | 'wrong-algorithm'
  | 'wrong-issuer'
  | 'wrong-audience'
  | 'wrong-service-account'
  | 'expired'
  | 'unknown-key'
  | 'bad-signature'
  | 'keys-unavailable';

export interface PushVerifier {
  /** Returns null when the header's token is valid, else the reason for the refusal. */
  verify(authorization: string | undefined): Promise<PushRefusal | null>;
  close(): Promise<void>;
}

const ALGORITHM = 'RS256';
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
/** Tolerance for clock skew. */
const SKEW_S = 10;
/** Google's tokens are valid for an hour; one that claims more than a day is not Google's. */
const LONGEST_LIFE_S = 24 * 3_600;
const TOKEN_LIMIT = 8_192;
/**
 * A verified token is accepted for this long without another verification. Google sends one token
 * with many pushes ("up to one hour old"), and each verification takes 0.25 ms of CPU. The time is
 * short so that a key that Google withdraws is not trusted for longer.
 */
const ACCEPTED_FOR_MS = 60_000;
/** The largest number of verified tokens that are kept; a subscription uses one at a time. */
const ACCEPTED_LIMIT = 100;

export function openPushVerifier(rt: Runtime, options: PushVerifierOptions): PushVerifier {
  const transport = openTransport(options.proxy);
  const certificates = openCertificates(rt, transport, originsFor(options.apiUrl).certificates);
  const limit = new RepeatLimit();
  const accepted = new AcceptedTokens();
  // Rate-limited, because any sender can post a token that requires the keys.
  const warn = (err: GoogleError): void => {
    const suppressed = limit.admit('away', rt.clock.nowMs());
    if (suppressed !== null)
      rt.log.warn(
        { event: 'certificates_unavailable', suppressed, err },
        "Google's keys cannot be read: pushes are refused until then",
      );
  };
  return {
    verify: async (authorization) => {
      const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
      if (token === undefined) return 'no-token';
      const nowMs = rt.clock.nowMs();
      if (accepted.has(token, nowMs)) return null;
      const unsigned = token.length > TOKEN_LIMIT ? null : decoded(token);
      if (unsigned === null) return 'malformed-token';
      try {
        const refusal =
          refusalBeforeKeys(unsigned, options) ??
          (await verified(token, certificates.key, options, nowMs));
        if (refusal === null) accepted.add(token, unsigned.claims, nowMs);
        return refusal;
      } catch (error) {
        if (!(error instanceof GoogleError)) throw error;
        warn(error);
        return 'keys-unavailable';
      }
    },
    close: () => transport.close(),
  };
}

/** Tokens that were verified recently. */
class AcceptedTokens {
  /** Expiry of each token, in ms since the epoch. */
  readonly #untilMs = new Map<string, number>();
  #lastMs = Number.NEGATIVE_INFINITY;

  has(token: string, nowMs: number): boolean {
    // Expiry times from before the clock was set back are not usable.
    if (nowMs < this.#lastMs) this.#untilMs.clear();
    this.#lastMs = nowMs;
    return nowMs < (this.#untilMs.get(token) ?? Number.NEGATIVE_INFINITY);
  }

  add(token: string, { exp }: JWTPayload, nowMs: number): void {
    if (this.#untilMs.size >= ACCEPTED_LIMIT) this.#untilMs.clear();
    this.#untilMs.set(token, Math.min(nowMs + ACCEPTED_FOR_MS, Number(exp) * 1_000));
  }
}

interface Unsigned {
  header: ProtectedHeaderParameters;
  claims: JWTPayload;
}

/** Decodes a token without verifying it. Returns null when the text is not a token. */
function decoded(token: string): Unsigned | null {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return null;
    throw error;
  }
}

/**
 * Makes the checks that need no key. The service account is checked here because jose treats it
 * like any other claim.
 */
function refusalBeforeKeys(
  { header, claims }: Unsigned,
  { audience, serviceAccount }: PushVerifierOptions,
): PushRefusal | null {
  // A token must not choose its own algorithm: none, or HS256 with our public key as the secret.
  if (header.alg !== ALGORITHM) return 'wrong-algorithm';
  if (!ISSUERS.includes(claims.iss ?? '')) return 'wrong-issuer';
  if (claims.aud !== audience) return 'wrong-audience';
  if (claims['email'] !== serviceAccount || claims['email_verified'] !== true)
    return 'wrong-service-account';
  return typeof header['kid'] === 'string' ? null : 'unknown-key';
}

/** @throws GoogleError when Google's keys are not available */
async function verified(
  token: string,
  key: JWTVerifyGetKey,
  { audience }: PushVerifierOptions,
  nowMs: number,
): Promise<PushRefusal | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      issuer: ISSUERS,
      audience,
      requiredClaims: ['iat', 'exp'],
      clockTolerance: SKEW_S,
      maxTokenAge: LONGEST_LIFE_S,
      currentDate: new Date(nowMs),
    });
    return Number(payload.exp) < nowMs / 1_000 + LONGEST_LIFE_S ? null : 'expired';
  } catch (error) {
    if (error instanceof errors.JOSEError) return refusalOf(error);
    // jose rejects the key that Google publishes under this id: it is too short or malformed.
    throw error instanceof GoogleError ? error : unavailable('oauth2.certs', error);
  }
}

const TIME_CLAIMS = ['iat', 'exp', 'nbf'];

function refusalOf(error: errors.JOSEError): PushRefusal {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return refusalOfClaim(error.claim);
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return 'unknown-key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'bad-signature';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'wrong-algorithm';
  return 'malformed-token';
}

function refusalOfClaim(claim: string): PushRefusal {
  if (TIME_CLAIMS.includes(claim)) return 'expired';
  return claim === 'aud' ? 'wrong-audience' : 'wrong-issuer';
}
