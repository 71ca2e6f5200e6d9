/** Ends a `switch` over a closed union: the compiler rejects it while a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`not a case that exists: ${JSON.stringify(value)}`);
}
