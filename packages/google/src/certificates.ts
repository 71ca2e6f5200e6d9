import { type Runtime, RepeatLimit } from '@syncline/runtime';
import { type JWTVerifyGetKey, createLocalJWKSet, errors } from 'jose';
import { MalformedAnswer, unavailable } from './errors.js';
import { parseObject } from './shape.js';
import type { Transport } from './transport.js';

/*
 * The public keys with which Google signs identity tokens. Google changes them every few days and
 * publishes the next one beforehand, so an unknown key is a reason to fetch them again. Because any
 * sender can name an unknown key, fetching is rate-limited, with one request at a time. jose's own
 * remote key set does not use our transport and its limits, so it is not used.
 */

export interface Certificates {
  /**
   * Finds the key of a token for jose.
   * @throws JWKSNoMatchingKey when Google does not publish it
   * @throws GoogleError when the keys were never fetched and Google does not answer
   */
  key: JWTVerifyGetKey;
}

/** A key that Google withdraws is accepted for at most this long. */
const FRESH_FOR_MS = 3_600_000;
/**
 * While Google does not answer, the keys fetched last are accepted; Google's keys are valid for
 * days.
 */
const STALE_FOR_MS = 24 * 3_600_000;
/** The minimum pause before an unknown key id or a failed fetch causes another fetch. */
const RECHECK_MS = 30_000;
const KEYS_LIMIT = 20;
const METHOD = 'oauth2.certs';
const PATH = '/oauth2/v3/certs';

interface CertificateSet {
  rt: Runtime;
  transport: Transport;
  origin: string;
  /** Null until keys were fetched. */
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
        "Google's keys could not be read again; the last known keys are used",
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

/** Returns null for a key that is not among those fetched last. */
async function find(
  keySet: CertificateSet,
  ...[header, token]: Parameters<JWTVerifyGetKey>
): Promise<Key | null> {
  try {
    return (await keySet.find?.(header, token)) ?? null;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return null;
    // The token names a key that Google publishes and that is unusable.
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
