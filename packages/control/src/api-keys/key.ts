/**
 * The form of an API key: `synk_`, 10 characters that name it, 43 random ones (256 bits), and 6 of
 * a checksum. Secret scanners find it by its form, and a mistyped key is refused without a query.
 */
import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PREFIX = 'synk_';
const ID_LENGTH = 10;
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const FORM = new RegExp(`^${PREFIX}([0-9A-Za-z]{${ID_LENGTH}})_([0-9A-Za-z]{49})$`);

interface NewKey {
  id: string;
  /** The key. It is shown once and not stored. */
  key: string;
  hash: Buffer;
}

export function newKey(): NewKey {
  const id = randomDigits(ID_LENGTH);
  const body = `${PREFIX}${id}_${randomDigits(SECRET_LENGTH)}`;
  const key = body + checksumOf(body);
  return { id, key, hash: hashOf(key) };
}

/** Returns the id of a well-formed key; null for any other text. */
export function keyIdOf(key: string): string | null {
  const id = FORM.exec(key)?.[1];
  if (id === undefined) return null;
  const end = key.length - CHECKSUM_LENGTH;
  return checksumOf(key.slice(0, end)) === key.slice(end) ? id : null;
}

/** Compares in constant time. */
export function isKey(key: string, hash: Buffer): boolean {
  const given = hashOf(key);
  return given.length === hash.length && timingSafeEqual(given, hash);
}

/** A fast hash suffices: the key has 256 random bits. */
function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function checksumOf(text: string): string {
  let value = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    digits = DIGITS.charAt(value % DIGITS.length) + digits;
    value = Math.floor(value / DIGITS.length);
  }
  return digits;
}

function randomDigits(count: number): string {
  return Array.from({ length: count }, () => DIGITS.charAt(randomInt(DIGITS.length))).join('');
}
