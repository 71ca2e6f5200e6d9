/**
 * Whether a Redis requires a password. REDIS_URL does not show it: a password or a certificate that
 * the server does not require protects nothing.
 */
import type { Redis } from 'ioredis';
import { type RedisTarget, endConnection, probeOf } from './connect.js';

/**
 * A reply that the server sends only to clients that it has admitted; others get NOAUTH for every
 * command. With NOPERM the user that needs no password may not read this key, but may do whatever
 * its rights permit.
 */
const ANSWERS = /^(?:MOVED|ASK|NOPERM|LOADING|CLUSTERDOWN|MASTERDOWN|BUSY) /;

/**
 * Requests a key without a password and without a client certificate. Also returns false when the
 * server does not reply.
 */
export async function acceptsAnonymous(
  { address, tls, rule }: RedisTarget,
  key: string,
): Promise<boolean> {
  const stranger = probeOf({
    address: { ...address, username: null, password: null },
    tls: tls && { ...tls, client: null },
    rule,
  });
  stranger.on('error', () => undefined); // `connect` or the command rejects with the same error.
  try {
    return await isAnswered(stranger, key);
  } finally {
    endConnection(stranger);
  }
}

async function isAnswered(stranger: Redis, key: string): Promise<boolean> {
  try {
    await stranger.connect();
    await stranger.exists(key);
    return true;
  } catch (error) {
    return error instanceof Error && ANSWERS.test(error.message);
  }
}
