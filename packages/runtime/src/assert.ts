import { OwnError } from './errors.js';

/**
 * A broken assumption in this code base: a bug, never a transient error. No caller may catch it and
 * continue.
 */
class AssertionError extends OwnError {
  override name = 'AssertionError';
}

/** Throws when `cond` is falsy. The message states the assumption and contains at most ids. */
export function assert(cond: unknown, message: string): asserts cond {
  if (!cond) throw new AssertionError(message);
}

/** Returns `value`, which must be present. Throws when it is null or undefined. */
export function must<T>(value: T | null | undefined, message: string): T {
  assert(value !== null && value !== undefined, message);
  return value;
}

/**
 * Ends a `switch` over a closed union. A new member is a compile error here, and an error at run
 * time.
 */
export function unreachable(value: never): never {
  throw new AssertionError(`a case that was said to be impossible: ${typeof value}`);
}
