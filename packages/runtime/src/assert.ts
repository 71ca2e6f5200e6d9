import { OwnError } from './errors.js';

/** A broken assumption of ours: a bug, never a transient error. It is thrown, never caught to go on. */
class AssertionError extends OwnError {
  override name = 'AssertionError';
}

/** Throws when `cond` is falsy. The message says what was assumed, and names ids at most. */
export function assert(cond: unknown, message: string): asserts cond {
  if (!cond) throw new AssertionError(message);
}

/** `value`, which the caller knows to be there; throws when it is null or undefined. */
export function must<T>(value: T | null | undefined, message: string): T {
  assert(value !== null && value !== undefined, message);
  return value;
}

/** Ends a `switch` over a closed union: a new member is a compile error here, and a thrown one at run time. */
export function unreachable(value: never): never {
  throw new AssertionError(`a case that was said to be impossible: ${typeof value}`);
}
