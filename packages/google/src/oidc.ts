/**
 * Who posts to `/push/gmail`? Pub/Sub signs every push with an identity token of a service account ("Authenticate push subscriptions").
 * A token is believed when Google signed it (RS256), for our audience, in the name of the service account that the operator has named, and
 * it has not expired. What can be told without a key is told first: a forgery then costs no request and hardly any CPU.
 */
import { verify as verifySignature } from 'node:crypto';
import type { Runtime } from '@syncline/runtime';
import { openCertificates } from './certificates.js';
import { GoogleError } from './errors.js';
import { originsFor } from './origins.js';
import { openTransport } from './transport.js';

export interface PushVerifierOptions {
  /** One origin that replaces Google's; null is Google. */
  apiUrl: string | null;
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

const ISSUERS = new Set(['https://accounts.google.com', 'accounts.google.com']);
/** Clocks differ. */
const SKEW_MS = 10_000;
/** Google's tokens live an hour; one that claims more than a day is none of them. */
const LONGEST_LIFE_MS = 24 * 3_600_000;
const TOKEN_LIMIT = 8_192;

export function openPushVerifier(rt: Runtime, options: PushVerifierOptions): PushVerifier {
  const transport = openTransport();
  const certificates = openCertificates(rt, transport, originsFor(options.apiUrl).certificates);
  return {
    verify: async (authorization) => {
      const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
      if (token === undefined) return 'no-token';
      const parts = read(token);
      if (parts === null) return 'malformed-token';
      const refusal = refusalOf(parts, options, rt.clock.nowMs());
      if (refusal !== null) return refusal;
      try {
        const key = await certificates.key(parts.kid);
        if (key === null) return 'unknown-key';
        return verifySignature('sha256', Buffer.from(parts.signed), key, parts.signature)
          ? null
          : 'bad-signature';
      } catch (error) {
        if (!(error instanceof GoogleError)) throw error;
        rt.log.warn(
          { event: 'certificates-unavailable', err: error },
          "Google's keys cannot be read: pushes are refused until they can",
        );
        return 'cannot-tell';
      }
    },
    close: () => transport.close(),
  };
}

interface TokenParts {
  alg: unknown;
  kid: string;
  claims: Record<string, unknown>;
  signed: string;
  signature: Buffer;
}

function read(token: string): TokenParts | null {
  const [head, body, signature, ...rest] = token.split('.');
  if (token.length > TOKEN_LIMIT || !head || !body || signature === undefined || rest.length > 0)
    return null;
  const header = jsonOf(head);
  const claims = jsonOf(body);
  if (header === null || claims === null) return null;
  const kid = typeof header['kid'] === 'string' ? header['kid'] : '';
  return {
    alg: header['alg'],
    kid,
    claims,
    signed: `${head}.${body}`,
    signature: Buffer.from(signature, 'base64url'),
  };
}

/** Pure. What is wrong with a token apart from its signature. */
function refusalOf(
  { alg, claims }: TokenParts,
  { audience, serviceAccount }: PushVerifierOptions,
  nowMs: number,
): PushRefusal | null {
  // A token that names its own algorithm (none, or HS256 with our public key as the secret) is not to be asked twice.
  if (alg !== 'RS256') return 'wrong-algorithm';
  if (typeof claims['iss'] !== 'string' || !ISSUERS.has(claims['iss'])) return 'wrong-issuer';
  if (claims['aud'] !== audience) return 'wrong-audience';
  if (claims['email'] !== serviceAccount || claims['email_verified'] !== true)
    return 'wrong-service-account';
  const [from, until] = [Number(claims['iat']) * 1_000, Number(claims['exp']) * 1_000];
  const inForce =
    until > nowMs - SKEW_MS && until < nowMs + LONGEST_LIFE_MS && from < nowMs + SKEW_MS;
  return inForce ? null : 'expired';
}

function jsonOf(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null; // Not JSON is an answer here: the token is none of Google's.
  }
}
