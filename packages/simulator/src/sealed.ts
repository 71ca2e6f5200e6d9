/**
 * Tokens that contain their data and a checksum, so that they survive a restart and malformed ones
 * can be distinguished from old ones.
 */
import { hashText } from './prng.js';

/**
 * Encodes a token. Most end in `=`, as Google's do, so that clients that forget to escape it fail
 * here too.
 */
export function seal(kind: string, fields: readonly (string | number)[]): string {
  const content = kind + JSON.stringify(fields);
  return Buffer.from(`${hashText(content).toString(16).padStart(8, '0')}${content}`)
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

/** Returns the fields; null for a malformed token or one of another kind. */
export function unseal(kind: string, text: string): unknown[] | null {
  const content = Buffer.from(text, 'base64url').toString();
  const body = content.slice(8);
  if (
    !body.startsWith(`${kind}[`) ||
    hashText(body).toString(16).padStart(8, '0') !== content.slice(0, 8)
  )
    return null;
  return JSON.parse(body.slice(kind.length)) as unknown[];
}
