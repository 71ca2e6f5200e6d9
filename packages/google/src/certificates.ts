import { type KeyObject, createPublicKey } from 'node:crypto';
import type { Runtime } from '@syncline/runtime';
import { MalformedAnswer, unavailable } from './errors.js';
import { parseObject } from './shape.js';
import type { Transport } from './transport.js';

/*
 * The public keys that Google signs identity tokens with. It changes them every few days and shows the next one beforehand, so an unknown key
 * is a reason to look again; but anybody can name an unknown key, so that is done at a bounded rate, by one request at a time.
 */

export interface Certificates {
  /** The key of that name, or null when Google does not show it. @throws GoogleError when the keys were never seen and Google does not answer */
  key(kid: string): Promise<KeyObject | null>;
}

/** A key that Google takes back is believed no longer than this. */
const FRESH_FOR_MS = 3_600_000;
/** While Google does not answer, what was seen last is believed: its keys live for days. */
const STALE_FOR_MS = 24 * 3_600_000;
/** How soon an unknown name, or a failure, is worth another look. */
const LOOK_AGAIN_MS = 30_000;
const KEYS_LIMIT = 20;
const METHOD = 'oauth2.certs';
const PATH = '/oauth2/v3/certs';

interface Ring {
  rt: Runtime;
  transport: Transport;
  origin: string;
  keys: Map<string, KeyObject>;
  seenAtMs: number;
  askedAtMs: number;
  asking: Promise<void> | null;
}

export function openCertificates(rt: Runtime, transport: Transport, origin: string): Certificates {
  const never = Number.NEGATIVE_INFINITY;
  const ring: Ring = {
    rt,
    transport,
    origin,
    keys: new Map(),
    seenAtMs: never,
    askedAtMs: never,
    asking: null,
  };
  return { key: (kid) => keyOf(ring, kid) };
}

async function keyOf(ring: Ring, kid: string): Promise<KeyObject | null> {
  const nowMs = ring.rt.clock.nowMs();
  const known = ring.keys.get(kid);
  if (known && nowMs - ring.seenAtMs < FRESH_FOR_MS) return known;
  if (ring.asking !== null || nowMs - ring.askedAtMs >= LOOK_AGAIN_MS) {
    await look(ring).catch((error: unknown) => {
      if (isStale(ring)) throw error;
      ring.rt.log.warn(
        { event: 'certificates-unavailable', err: error },
        "Google's keys could not be read again; those seen last are used",
      );
    });
  }
  if (isStale(ring)) throw unavailable(METHOD);
  return ring.keys.get(kid) ?? null;
}

function isStale(ring: Ring): boolean {
  return ring.rt.clock.nowMs() - ring.seenAtMs >= STALE_FOR_MS;
}

function look(ring: Ring): Promise<void> {
  ring.asking ??= ask(ring).finally(() => (ring.asking = null));
  return ring.asking;
}

async function ask(ring: Ring): Promise<void> {
  ring.askedAtMs = ring.rt.clock.nowMs();
  const answer = await ring.transport.exchange({
    method: METHOD,
    origin: ring.origin,
    verb: 'GET',
    path: PATH,
  });
  if (answer.status !== 200) throw unavailable(METHOD);
  ring.keys = readKeys(answer.body);
  ring.seenAtMs = ring.rt.clock.nowMs();
}

function readKeys(body: Buffer): Map<string, KeyObject> {
  try {
    const { keys } = parseObject(body);
    if (!Array.isArray(keys)) throw new MalformedAnswer('keys is not a list');
    return new Map(
      keys
        .slice(0, KEYS_LIMIT)
        .filter(isSigningKey)
        .map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]),
    );
  } catch (error) {
    throw unavailable(METHOD, error);
  }
}

function isSigningKey(jwk: unknown): jwk is { kid: string; kty: 'RSA'; n: string; e: string } {
  const { kid, kty, n, e } = Object(jwk) as Record<string, unknown>;
  return typeof kid === 'string' && kty === 'RSA' && typeof n === 'string' && typeof e === 'string';
}
