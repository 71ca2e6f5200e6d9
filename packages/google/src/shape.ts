/**
 * Checks the shape of Google's answers, so that later code does not meet an unexpected `undefined`.
 * A failure is thrown as MalformedAnswer and leaves the package as `unavailable`, because an
 * unexpected answer with status 200 is far more often a transient error (a proxy, a truncated body)
 * than a change of the API.
 */
import { isAscii } from 'node:buffer';
import { AnswerRefused, MalformedAnswer } from './errors.js';
import { isNestedTooDeep, NESTING_LIMIT } from './nesting.js';

export type JsonObject = Record<string, unknown>;

export function parseObject(body: Buffer, start = 0, end = body.length): JsonObject {
  const bytes = body.subarray(start, end);
  if (isNestedTooDeep(bytes))
    throw new AnswerRefused(`the answer is nested deeper than ${NESTING_LIMIT} levels`);
  try {
    // Most answers are ASCII (bodies are base64url); checking first costs a fraction of decoding
    // them as UTF-8.
    return objectOf(JSON.parse(bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8')), 'the body');
  } catch (error) {
    throw error instanceof MalformedAnswer ? error : new MalformedAnswer('the body is not JSON');
  }
}

export function objectOf(value: unknown, what: string): JsonObject {
  if (isObject(value)) return value;
  throw new MalformedAnswer(`${what} is not an object`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the value as an object with a string `id`. */
export function identified(value: unknown, what: string): JsonObject & { id: string } {
  if (isIdentified(value)) return value;
  throw new MalformedAnswer(`${what} has no id`);
}

/**
 * Returns the objects of a list that have a string `id`, and the positions of those that do not. A
 * single item without an id must not stop the others, and it cannot be requested again.
 * @param broken a list of at least this many items without a single id is malformed
 * @throws MalformedAnswer for such a list, and when the value is not a list
 */
export function identifiedOf(
  value: unknown,
  what: string,
  broken = 1,
): { identified: (JsonObject & { id: string })[]; nameless: number[] } {
  const items = listOf(value, what);
  const named = items.filter(isIdentified);
  if (named.length === 0 && items.length >= broken)
    throw new MalformedAnswer(`no item of ${what} has an id`);
  const nameless =
    named.length === items.length
      ? []
      : items.flatMap((item, place) => (isIdentified(item) ? [] : [place]));
  return { identified: named, nameless };
}

/**
 * Returns a list of anything; an absent list is empty, because Google omits empty lists, and so is
 * null.
 */
export function listOf(value: unknown, what: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MalformedAnswer(`${what} is not a list`);
  return value;
}

export function isIdentified(item: unknown): item is JsonObject & { id: string } {
  return isObject(item) && typeof item.id === 'string' && item.id !== '';
}

export function textOf(value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new MalformedAnswer(`${what} is not a text`);
}

/** Longer than any address (RFC 5321). */
const ADDRESS_LIMIT = 320;

/**
 * Returns an address for display and comparison, without characters that the database cannot store.
 * Null when the value does not have the form of an address.
 */
export function addressOrNull(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > ADDRESS_LIMIT) return null;
  const cleaned = value.replaceAll('\0', '').toWellFormed();
  // Control characters could reach a terminal.
  return /^[^\s@\u0000-\u001f\u007f]+@[^\s@\u0000-\u001f\u007f]+$/.test(cleaned) ? cleaned : null;
}

export function addressOf(value: unknown, what: string): string {
  const address = addressOrNull(value);
  if (address === null) throw new MalformedAnswer(`${what} is not an address`);
  return address;
}

/**
 * Returns the token of the next page; null when there is none. An empty token counts as none,
 * because sending it would begin the listing again.
 */
export function pageTokenOrNull(value: unknown): unknown {
  return value === undefined || value === null || value === '' ? null : value;
}

/**
 * Returns null also for a token that cannot be stored: the listing is valid and continues without a
 * position.
 */
export function syncTokenOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && isKeepable(value) ? value : null;
}

/**
 * Whether a token can be stored and sent back unchanged. Postgres cannot store NUL or half of a
 * surrogate pair, and a cleaned token would be a different one.
 */
export function isKeepable(token: string): boolean {
  return !token.includes('\0') && token.isWellFormed();
}

/** Returns null for a value that is not a count; the rest of the answer is still valid. */
export function countOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/**
 * Returns a history id. Google writes 64-bit ids as strings of digits; as numbers they would lose
 * their last digits silently. Null for anything else: the rest of the answer is still valid, and
 * the caller continues from another position.
 */
export function historyIdOrNull(value: unknown): bigint | null {
  return typeof value === 'string' && /^\d{1,20}$/.test(value) && BigInt(value) > 0n
    ? BigInt(value)
    : null;
}

/** Google writes milliseconds since the epoch as a string. */
export function expirationOf(value: unknown): Date {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return new Date(Number(value));
  throw new MalformedAnswer('an expiration is not made of digits');
}
