/**
 * Limits what a failed job stores about its error. BullMQ keeps `failedReason` and the stack in
 * Redis for a week and Bull Board shows them unchanged, so errors are converted here first. A
 * library's message may quote its input (JSON.parse quotes the body, Postgres the value, Gaxios the
 * URL). Of errors that are not our own only the name, the code and the stack frames are kept. That
 * is enough to find the line; the worker's log, which is scrubbed, has the rest.
 */
import { OwnError, describeError, stackFrames } from '@syncline/runtime';

/**
 * The error that BullMQ gets in place of the real one. Its message and stack are safe to store and
 * to show.
 */
export class JobFailure extends OwnError {
  override name = 'JobFailure';
  /** @param error the part of the error that may be stored */
  constructor(readonly error: string) {
    super(`an error ended this run: ${error}; the log of its worker has more`);
  }
}

/** Converts any value that was thrown to an error without personal data and secrets. */
export function asJobFailure(error: unknown): JobFailure {
  const failure = new JobFailure(describeError(error));
  failure.stack = [failure.message, ...stackFrames(error)].join('\n');
  return failure;
}
