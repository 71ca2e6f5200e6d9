/** The secrets of a connect session. Only their hashes are stored. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 bits, in 43 characters of base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Whether a text has the form of `newSecret`; others are refused without a query. */
export function isSecretForm(text: string | undefined): text is string {
  return text !== undefined && /^[A-Za-z0-9_-]{43}$/.test(text);
}

export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Compares in constant time. */
export function isSameHash(one: Buffer | null, other: Buffer): boolean {
  return one !== null && one.length === other.length && timingSafeEqual(one, other);
}

/** Ids in the order of time: 12 digits of milliseconds, 20 random ones. */
export function connectSessionId(nowMs: number): string {
  return `cs_${nowMs.toString(16).padStart(12, '0')}${randomBytes(10).toString('hex')}`;
}
