/**
 * What a failed job may say about its error. BullMQ keeps `failedReason` and the stack in Redis for a week and Bull Board
 * shows them as they are, so an error goes through here first. A library's message may quote what it choked on
 * (JSON.parse quotes the body, Postgres the value, Gaxios the URL): of errors that are not ours only the name and the
 * code are kept, and where it happened. That is enough to find the line; the rest is in the worker's log, which scrubs.
 */
import { describeError } from '@syncline/runtime';

/** Thrown to BullMQ in place of the real error. Its message and stack are safe to store and to show. */
export class JobFailure extends Error {
  override name = 'JobFailure';
}

const FRAME_LIMIT = 12;

/** `error`, whatever it is, as something that holds nothing personal and nothing secret. */
export function asJobFailure(error: unknown): JobFailure {
  const failure = new JobFailure(describeError(error));
  const frames = error instanceof Error ? stackFrames(error) : [];
  failure.stack = [failure.message, ...frames].join('\n');
  return failure;
}

/** Only the `at f (file:line:column)` lines that V8 wrote: the head of a stack repeats the message, newlines and all. */
function stackFrames(error: Error): string[] {
  const stack = error.stack ?? '';
  const messageAt = stack.indexOf(error.message);
  const frame = /^\s{4}at [^()]{0,120}\(?[^()\s]{1,300}:\d+:\d+\)?$/;
  return stack
    .slice(messageAt < 0 ? 0 : messageAt + error.message.length)
    .split('\n')
    .filter((line) => frame.test(line))
    .slice(0, FRAME_LIMIT);
}
