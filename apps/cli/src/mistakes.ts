/** What ends a command before it is done, and what a person is told of it. */
import { OperatorError, describeBug } from '@syncline/runtime';

/** The command line cannot be acted on as it stands: exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * The exit code of what ended a command, and the one message a person gets; a bug comes with where
 * it was thrown.
 */
export function explain(error: unknown): { code: number; message: string } {
  if (error instanceof UsageError) return { code: 2, message: `error: ${error.message}` };
  if (error instanceof OperatorError) return { code: 1, message: error.message };
  return {
    code: 1,
    message: describeBug(error),
  };
}
