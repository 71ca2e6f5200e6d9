import { type Runtime, RepeatLimit } from '@syncline/runtime';
import { type JWTVerifyGetKey, createLocalJWKSet, errors } from 'jose';
import { MalformedAnswer, unavailable } from './errors.js';
import { parseObject } from './shape.js';
import type { Transport } from './transport.js';

/*
 * The public keys that Google signs identity tokens with. It changes them every few days and shows the next one beforehand, so an unknown key
 * is a reason to look again; but anybody can name an unknown key, so that is done at a bounded rate, by one request at a time. jose has a set of
 * keys that fetches itself, but it fetches by its own way and without our bounds; the one here goes where every call to Google goes.
 */

export interface Certificates {
  /**
   * Finds the key of a token for jose.
   * @throws JWKSNoMatchingKey when Google does not show it; GoogleError when the keys were never seen and Google does not answer
   */
  key: JWTVerifyGetKey;
}

/** A key that Google takes back is believed no longer than this. */
const FRESH_FOR_MS = 3_600_000;
/** While Google does not answer, what was seen last is believed: its keys live for days. */
const STALE_FOR_MS = 24 * 3_600_000;
/** How soon an unknown name, or a failure, is worth another look. */
const RECHECK_MS = 30_000;
const KEYS_LIMIT = 20;
const METHOD = 'oauth2.certs';
const PATH = '/oauth2/v3/certs';

interface CertificateSet {
  rt: Runtime;
  transport: Transport;
  origin: string;
  /** Null as long as no keys were seen. */
  find: JWTVerifyGetKey | null;
  seenAtMs: number;
  askedAtMs: number;
  asking: Promise<void> | null;
  warn: (err: unknown) => void;
}

export function openCertificates(rt: Runtime, transport: Transport, origin: string): Certificates {
  const never = Number.NEGATIVE_INFINITY;
  const limit = new RepeatLimit();
  const warn = (err: unknown): void => {
    const suppressed = limit.admit('stale', rt.clock.nowMs());
    if (suppressed !== null)
      rt.log.warn(
        { event: 'certificates_unavailable', suppressed, err },
        "Google's keys could not be read again; those seen last are used",
      );
  };
  const keySet: CertificateSet = {
    rt,
    transport,
    origin,
    find: null,
    seenAtMs: never,
    askedAtMs: never,
    asking: null,
    warn,
  };
  return { key: (header, token) => keyOf(keySet, header, token) };
}

type Key = Awaited<ReturnType<JWTVerifyGetKey>>;

async function keyOf(
  keySet: CertificateSet,
  ...[header, token]: Parameters<JWTVerifyGetKey>
): Promise<Key> {
  const nowMs = keySet.rt.clock.nowMs();
  if (nowMs - keySet.seenAtMs < FRESH_FOR_MS) {
    const known = await find(keySet, header, token);
    if (known) return known;
  }
  if (keySet.asking !== null || nowMs - keySet.askedAtMs >= RECHECK_MS) {
    await refresh(keySet).catch((error: unknown) => {
      if (isStale(keySet)) throw error;
      keySet.warn(error);
    });
  }
  if (isStale(keySet)) throw unavailable(METHOD);
  const key = await find(keySet, header, token);
  if (key === null) throw new errors.JWKSNoMatchingKey();
  return key;
}

/** Null for a key that is not among those seen last. */
async function find(
  keySet: CertificateSet,
  ...[header, token]: Parameters<JWTVerifyGetKey>
): Promise<Key | null> {
  try {
    return (await keySet.find?.(header, token)) ?? null;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return null;
    // The token has named a key that Google shows and that is none.
    throw unavailable(METHOD, error);
  }
}

function isStale(keySet: CertificateSet): boolean {
  return keySet.rt.clock.nowMs() - keySet.seenAtMs >= STALE_FOR_MS;
}

function refresh(keySet: CertificateSet): Promise<void> {
  keySet.asking ??= ask(keySet).finally(() => (keySet.asking = null));
  return keySet.asking;
}

async function ask(keySet: CertificateSet): Promise<void> {
  keySet.askedAtMs = keySet.rt.clock.nowMs();
  const answer = await keySet.transport.exchange({
    method: METHOD,
    origin: keySet.origin,
    verb: 'GET',
    path: PATH,
  });
  if (answer.status !== 200) throw unavailable(METHOD);
  keySet.find = readKeys(answer.body);
  keySet.seenAtMs = keySet.rt.clock.nowMs();
}

function readKeys(body: Buffer): JWTVerifyGetKey {
  try {
    const { keys } = parseObject(body);
    if (!Array.isArray(keys)) throw new MalformedAnswer('keys is not a list');
    return createLocalJWKSet({ keys: keys.slice(0, KEYS_LIMIT) as { kty: string }[] });
  } catch (error) {
    throw unavailable(METHOD, error);
  }
}
