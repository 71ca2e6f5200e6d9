/**
 * Whether a Redis asks for a password. REDIS_URL does not tell: a password, or a certificate, that
 * the server does not ask for keeps nobody out.
 */
import type { Redis } from 'ioredis';
import { type RedisTarget, endConnection, probeOf } from './connect.js';

/** What the server answers only to those that it has let in: this key's slot is another node's. */
const ANSWERS = /^(?:MOVED|ASK) /;

/**
 * Asks for a key without a password and without a certificate. False also when nothing is answered.
 */
export async function letsAnybodyIn(
  { address, tls, rule }: RedisTarget,
  key: string,
): Promise<boolean> {
  const stranger = probeOf({
    address: { ...address, username: null, password: null },
    tls: tls && { ...tls, client: null },
    rule,
  });
  stranger.on('error', () => undefined); // It is the answer of `connect` or of the command.
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
