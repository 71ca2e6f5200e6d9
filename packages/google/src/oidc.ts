/**
 * Who posts to `/push/gmail`? Pub/Sub signs every push with an identity token of a service account ("Authenticate push subscriptions").
 * A token is believed when Google signed it (RS256), for our audience, in the name of the service account that the operator has named, and
 * it has not expired. What can be told without a key is told first: a forgery then costs no request and hardly any CPU.
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
  /** One origin that replaces Google's; null is Google. */
  apiUrl: string | null;
  /** Through which Google is reached; null is straight, which is the default. */
  proxy?: GoogleProxy | null;
  audience: string;
  serviceAccount: string;
}

/** `cannot-tell`: Google's keys cannot be had now, so the push is to be sent again. */
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
  | 'cannot-tell';

export interface PushVerifier {
  /** Null when the header's token is good, else why it is not. */
  verify(authorization: string | undefined): Promise<PushRefusal | null>;
  close(): Promise<void>;
}

const ALGORITHM = 'RS256';
const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
/** Clocks differ. */
const SKEW_S = 10;
/** Google's tokens live an hour; one that claims more than a day is none of them. */
const LONGEST_LIFE_S = 24 * 3_600;
const TOKEN_LIMIT = 8_192;
/**
 * A verified token is accepted for so long without being verified again. Google sends one token with
 * many pushes ("up to one hour old"), and each verification takes 0.25 ms of CPU. Short, so that a
 * key that Google withdraws is not trusted for longer.
 */
const ACCEPTED_FOR_MS = 60_000;
/** Verified tokens that are kept; a subscription has one at a time. */
const ACCEPTED_LIMIT = 100;

export function openPushVerifier(rt: Runtime, options: PushVerifierOptions): PushVerifier {
  const transport = openTransport(options.proxy);
  const certificates = openCertificates(rt, transport, originsFor(options.apiUrl).certificates);
  const limit = new RepeatLimit();
  const accepted = new AcceptedTokens();
  // Anybody can post a token that needs the keys.
  const warn = (err: GoogleError): void => {
    const suppressed = limit.admit('away', rt.clock.nowMs());
    if (suppressed !== null)
      rt.log.warn(
        { event: 'certificates_unavailable', suppressed, err },
        "Google's keys cannot be read: pushes are refused until they can",
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
        return 'cannot-tell';
      }
    },
    close: () => transport.close(),
  };
}

/** Tokens that were verified lately. */
class AcceptedTokens {
  /** Until when, in ms since the epoch. */
  readonly #untilMs = new Map<string, number>();
  #lastMs = Number.NEGATIVE_INFINITY;

  has(token: string, nowMs: number): boolean {
    // The times of a clock that was set back say nothing.
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

/** Null for what is no token. Nothing of it is believed yet. */
function decoded(token: string): Unsigned | null {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return null;
    throw error;
  }
}

/** What can be told without a key. The service account is ours to check: to jose it is a claim like any other. */
function refusalBeforeKeys(
  { header, claims }: Unsigned,
  { audience, serviceAccount }: PushVerifierOptions,
): PushRefusal | null {
  // A token that names its own algorithm (none, or HS256 with our public key as the secret) is not to be asked twice.
  if (header.alg !== ALGORITHM) return 'wrong-algorithm';
  if (!ISSUERS.includes(claims.iss ?? '')) return 'wrong-issuer';
  if (claims.aud !== audience) return 'wrong-audience';
  if (claims['email'] !== serviceAccount || claims['email_verified'] !== true)
    return 'wrong-service-account';
  return typeof header['kid'] === 'string' ? null : 'unknown-key';
}

/** @throws GoogleError when Google's keys cannot be had */
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
    // The key that Google shows under this name is none that jose takes: too short, or broken.
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
