/**
 * The JWT bearer grant (RFC 7523): a service account signs an assertion and gets an access token,
 * for itself or, by domain-wide delegation, for a user of a Workspace domain.
 */
import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Answer, Transport } from './transport.js';

/** The parts of a service account's key file that sign. */
export interface ServiceAccountKey {
  email: string;
  /** PEM. */
  privateKey: string;
  keyId: string;
}

interface AssertionOrder {
  origin: string;
  key: ServiceAccountKey;
  scopes: readonly string[];
  /** The address of the user in whose name the token is; omitted for the service account itself. */
  subject?: string;
  nowMs: number;
}

const TOKEN = 'oauth2.token';
/** The audience is always Google's own host, whichever origin is called. */
const TOKEN_AUDIENCE = 'https://oauth2.googleapis.com/token';
const ASSERTION_LIFE_S = 3_600;

/**
 * Returns Google's answer, whatever its status.
 * @throws GoogleError `unavailable` when no complete answer arrived
 * @throws TypeError when the key is not an RSA key of 2048 bits or more
 */
export async function exchangeAssertion(
  transport: Transport,
  order: AssertionOrder,
): Promise<Answer> {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: await assertionOf(order),
  }).toString();
  return transport.exchange({
    method: TOKEN,
    origin: order.origin,
    verb: 'POST',
    path: '/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });
}

function assertionOf({ key, scopes, subject, nowMs }: AssertionOrder): Promise<string> {
  const iat = Math.floor(nowMs / 1_000);
  const assertion = new SignJWT({ scope: scopes.join(' ') })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.keyId })
    .setIssuer(key.email)
    .setAudience(TOKEN_AUDIENCE)
    .setIssuedAt(iat)
    .setExpirationTime(iat + ASSERTION_LIFE_S);
  if (subject !== undefined) assertion.setSubject(subject);
  return assertion.sign(createPrivateKey(key.privateKey));
}
