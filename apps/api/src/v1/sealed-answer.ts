/**
 * Seals an answer with a secret for as long as it is kept for its idempotency key. The key of the
 * request opens it, of which only a hash is stored: neither the database nor the master key does
 * (decision 0171).
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const INFO = 'syncline v1 idempotent answer';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Whose answer it is. */
export interface Sealing {
  /** The API key of the request. */
  apiKey: string;
  /** Binds the answer to its request. */
  idempotencyKey: string;
}

/** Returns base64. */
export function sealAnswer({ apiKey, idempotencyKey }: Sealing, answer: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', subkeyOf(apiKey), iv);
  cipher.setAAD(Buffer.from(idempotencyKey));
  const body = Buffer.concat([cipher.update(answer, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
}

/** @throws when the answer was altered, or sealed for another request */
export function openAnswer({ apiKey, idempotencyKey }: Sealing, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const tagEnd = IV_BYTES + TAG_BYTES;
  const iv = bytes.subarray(0, IV_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', subkeyOf(apiKey), iv, {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(idempotencyKey));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, tagEnd));
  return Buffer.concat([decipher.update(bytes.subarray(tagEnd)), decipher.final()]).toString(
    'utf8',
  );
}

function subkeyOf(apiKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', apiKey, Buffer.alloc(0), INFO, KEY_BYTES));
}
