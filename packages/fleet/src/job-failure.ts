/**
 * What a failed job may say about its error. BullMQ keeps `failedReason` and the stack in Redis for a week and Bull Board
 * shows them as they are, so an error goes through here first. A library's message may quote what it choked on
 * (JSON.parse quotes the body, Postgres the value, Gaxios the URL): of errors that are not ours only the name and the
 * code are kept, and where it happened. That is enough to find the line; the rest is in the worker's log, which scrubs.
 */
import { OwnError, describeError, stackFrames } from '@syncline/runtime';

/** Thrown to BullMQ in place of the real error. Its message and stack are safe to store and to show. */
export class JobFailure extends OwnError {
  override name = 'JobFailure';
  /** @param error what may be said of the error itself */
  constructor(readonly error: string) {
    super(`an error ended this run: ${error}; the log of its worker has more`);
  }
}

/** `error`, whatever it is, as something that holds nothing personal and nothing secret. */
export function asJobFailure(error: unknown): JobFailure {
  const failure = new JobFailure(describeError(error));
  failure.stack = [failure.message, ...stackFrames(error)].join('\n');
  return failure;
}
