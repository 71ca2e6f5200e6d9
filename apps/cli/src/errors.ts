/** The errors that end a command early, and their texts for a person. */
import { OperatorError, describeBug } from '@syncline/runtime';

/** The command line is invalid: exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Returns the exit code of an error, and the one message for a person; for a bug with the place
 * where it was thrown.
 */
export function explain(error: unknown): { code: number; message: string } {
  if (error instanceof UsageError) return { code: 2, message: `error: ${error.message}` };
  if (error instanceof OperatorError) return { code: 1, message: error.message };
  return {
    code: 1,
    message: describeBug(error),
  };
}
