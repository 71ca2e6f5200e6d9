/**
 * An error of a module that is being loaded comes before anybody can catch it, and Node would print
 * all of it.
 */
import { writeSync } from 'node:fs';
import { describeBug } from './describe-error.js';
import { OperatorError } from './errors.js';

const STDERR = 2;

/**
 * From now on until the program is loaded, an error that nobody catches ends the process with exit
 * code 1. Of an OperatorError the message is printed, of any other what `describeBug` gives.
 */
export function reportLoadFailure(): void {
  process.on('uncaughtException', report);
  // Modules are loaded without a pause: the first immediate runs when all of them are.
  setImmediate(() => process.off('uncaughtException', report));
}

function report(error: unknown): void {
  const words = error instanceof OperatorError ? error.message : describeBug(error);
  writeSync(STDERR, `${words}\n`);
  process.exit(1);
}
