/**
 * An error while modules are loaded occurs before any code can catch it. Node would print the whole
 * error.
 */
import { writeSync } from 'node:fs';
import { describeBug } from './describe-error.js';
import { OperatorError } from './errors.js';

const STDERR = 2;

/**
 * From this call until the program is loaded, an uncaught error ends the process with exit code 1.
 * For an OperatorError its message is printed, for every other error the result of `describeBug`.
 */
export function reportLoadFailure(): void {
  process.on('uncaughtException', report);
  // Modules are loaded without a pause, so the first immediate runs after all of them.
  setImmediate(() => process.off('uncaughtException', report));
}

function report(error: unknown): void {
  const words = error instanceof OperatorError ? error.message : describeBug(error);
  writeSync(STDERR, `${words}\n`);
  process.exit(1);
}
