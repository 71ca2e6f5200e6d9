/**
 * The border check: just enough shape that nothing behind it meets an `undefined` it did not
 * expect. What fails is thrown as MalformedAnswer and leaves the package as `unavailable`, for an
 * odd 200 is a transient error (a proxy, a cut body) far more often than a change of Google's.
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
    // Most answers are ASCII (bodies are base64url): looking first costs a fraction of decoding them as UTF-8.
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

/** An object with a string `id`. */
export function identified(value: unknown, what: string): JsonObject & { id: string } {
  if (isIdentified(value)) return value;
  throw new MalformedAnswer(`${what} has no id`);
}

/**
 * A list of objects that each have a string `id`. Items without one are told apart, by their places: one of them must not hold the others, and nobody
 * can name or fetch such an item again.
 * @param broken a list of so many items, of which none has an id, is a broken answer
 * @throws MalformedAnswer for such a list, and for what is no list
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

/** A list of anything; an absent list is an empty one, as Google leaves empty lists out. */
export function listOf(value: unknown, what: string): unknown[] {
  if (value === undefined) return [];
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
 * An address, for people and for comparisons; what no database holds of it is left out. Null for
 * what does not have the form of one.
 */
export function addressOrNull(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > ADDRESS_LIMIT) return null;
  const cleaned = value.replaceAll('\0', '').toWellFormed();
  // Control characters would end up in terminals.
  return /^[^\s@\u0000-\u001f\u007f]+@[^\s@\u0000-\u001f\u007f]+$/.test(cleaned) ? cleaned : null;
}

export function addressOf(value: unknown, what: string): string {
  const address = addressOrNull(value);
  if (address === null) throw new MalformedAnswer(`${what} is not an address`);
  return address;
}

/** A token of the next page; null when there is none. An empty one is none: sent back it would begin the listing again. */
export function pageTokenOrNull(value: unknown): unknown {
  return value === undefined || value === null || value === '' ? null : value;
}

/** Null also for one that cannot be kept: the listing counts, and goes on without a position. */
export function syncTokenOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && isKeepable(value) ? value : null;
}

/** Whether a token can be stored and sent back as it is. No database holds NUL or half of a surrogate pair, and a cleaned token would be another. */
export function isKeepable(token: string): boolean {
  return !token.includes('\0') && token.isWellFormed();
}

/** Null for what is no count: what came with it is good all the same. */
export function countOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/**
 * Google writes 64-bit ids as strings of digits; as numbers they would lose their last digits without a sound. Null for anything else:
 * what came with it is good all the same, and the caller finds another position to go on from.
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
